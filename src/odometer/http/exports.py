"""Exports over HTTP (chapter 06): ask for one, see how far it is, list and fetch the files."""

from collections.abc import Callable
from functools import partial
from typing import Final

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.errors import Problem
from odometer.exports.client_list import ClientListOrder, FileFormat
from odometer.exports.jobs import key_of
from odometer.exports.links import Links
from odometer.http.answers import JsonAnswer
from odometer.http.body import read_json
from odometer.http.guard import Access
from odometer.http.ignored import read_request, teller_of
from odometer.http.lanes import lanes_of
from odometer.http.offered_files import (
    DownloadRequest,
    FileListAnswer,
    LinkAnswer,
    Offer,
    OfferedFile,
    Reporter,
    add_file_routes,
)
from odometer.http.openapi import Parameter, add_operation, operation
from odometer.http.parts import parts_of
from odometer.model.compatibility import Compatibility, Topic
from odometer.model.export_job import ExportJob, ExportOrder, JobStatus
from odometer.reports.client_property_list import ClientListRequest
from odometer.selection.client_list import all_properties, parse_client_choice
from odometer.selection.reading import Language

PATH: Final = "/v3/export"
_EXAMPLE_FILE: Final = "clientPropertyList_2031-06-20_ex-7c2153b09a4e.jsonl.gz"
_EXAMPLE_ID: Final = "ex-7c2153b09a4e"


class ExportBegun(TypedDict):
    """An export that was asked for."""

    exportId: str
    status: JobStatus
    fileName: str


class ExportBegunAnswer(TypedDict):
    """The export that writes what was asked for."""

    result: ExportBegun


class ExportProgress(TypedDict):
    """How far an export is; `clientsTotal` is null until it is counted, `error` says why it failed."""

    exportId: str
    status: JobStatus
    clientsWritten: int
    clientsTotal: int | None
    fileName: str
    error: str | None


class ExportProgressAnswer(TypedDict):
    """How far the export is."""

    result: ExportProgress


class ExportRequest(ClientListRequest):
    """As clientPropertyList without paging; absent properties are all that the caller may see."""

    file_format: FileFormat = Field(
        default="jsonl", alias="fileFormat", description="jsonl (gzip), csv (zip), parquet."
    )


def exports_router(links: Links, wake: Callable[[], None], most_per_user: int) -> APIRouter:
    """The routes; `wake` lets a worker see to a new job."""
    router = APIRouter()

    async def ask(request: Request, access: Reporter) -> Response:
        body = await read_json(request)

        def store() -> ExportJob:
            order = _order(request, access, read_request(request, body, ExportRequest))
            return parts_of(request).registry.export_jobs.request(order, at_most=most_per_user)

        job = await lanes_of(request).changing.run(store)
        wake()
        shown = {"exportId": job.export_id, "status": job.status, "fileName": job.file_name}
        return JsonAnswer({"result": shown})

    add_operation(router, "POST", f"{PATH}/request/clientPropertyList/{{product_id}}", ask, _ASK)
    add_operation(router, "GET", f"{PATH}/status/{{product_id}}/{{export_id}}", _status, _STATUS)
    add_file_routes(router, PATH, links, _offer, _LIST, _URL)
    return router


async def _status(request: Request, access: Reporter) -> Response:
    export_id = request.path_params["export_id"]
    jobs = parts_of(request).registry.export_jobs
    get = partial(jobs.get, access.product.product_id, access.caller.user_id, export_id)
    job = await lanes_of(request).reading.run(get)
    if job is None or not _may_fetch(job, access):
        raise Problem("NOT_FOUND", "There is no such export of yours.")
    progress: ExportProgress = {
        "exportId": job.export_id,
        "status": job.status,
        "clientsWritten": job.clients_written,
        "clientsTotal": job.clients_total,
        "fileName": job.file_name,
        "error": job.error,
    }
    return JsonAnswer({"result": progress})


def _offer(request: Request, access: Access) -> Offer:
    """The caller's complete files of the product."""
    jobs = parts_of(request).registry.export_jobs

    def listed() -> list[OfferedFile]:
        found = jobs.finished(access.product.product_id, access.caller.user_id)
        return [_offered(job) for job in found if _may_fetch(job, access)]

    def find(name: str) -> OfferedFile | None:
        return next((file for file in listed() if file.key.name == name), None)

    return Offer(listed, find)


def _offered(job: ExportJob) -> OfferedFile:
    order = job.order
    return OfferedFile(key_of(job), order.today, job.file_size, job.clients_written, job.sha256, order.has_license_keys)


def _may_fetch(job: ExportJob, access: Access) -> bool:
    """Who lost license_filtering, or calls with a token without it, does not see files with license keys."""
    return not job.order.has_license_keys or access.may_use_license_keys


def _order(request: Request, access: Access, asked: ExportRequest) -> ExportOrder:
    """The request read once, with everything absent filled in. Raises `Problem` naming the member at fault."""
    parts, product = parts_of(request), access.product
    may_use_license_keys = access.may_use_license_keys
    today = parts.clock.today()
    tell = teller_of(request)
    language = Language(today, parts.questions.pattern_fault, may_use_license_keys, product.custom_types, tell)
    properties = asked.properties
    if properties is None:
        slots = {*product.custom_properties, *parts.questions.custom_slots_in_use(product.product_id)}
        properties = all_properties(slots, may_use_license_keys=may_use_license_keys)
    daily = asked.daily.asked if asked.daily else None
    choice = parse_client_choice(properties, daily, asked.global_filters, language, product.oldest_date)
    order = ClientListOrder(choice, asked.global_filters, asked.file_format)
    return ExportOrder(
        product_id=product.product_id,
        user_id=access.caller.user_id,
        request=order.as_text(),
        today=today,
        ending=order.ending,
        has_license_keys=order.has_license_keys,
    )


_ASK_COMPATIBILITY: Final = Compatibility(
    topic=Topic.CLIENTS,
    settled="The body of clientPropertyList, `startAtClientId` ignored. 200, never 202.",
    ours=(
        "`fileFormat` (`jsonl`, `csv`, `parquet`) and the answer (`exportId`, `status`, `fileName`). One consistent "
        "state in each file; the same request while one waits or runs is the same export; a restart of the server "
        "harms none; files are kept 7 days."
    ),
)
_STATUS_COMPATIBILITY: Final = Compatibility(
    topic=Topic.CLIENTS,
    settled="",
    ours="`status` (queued, running, done, failed, expired), `clientsWritten`, `clientsTotal`, `fileName`, `error`.",
)
_LIST_COMPATIBILITY: Final = Compatibility(
    topic=Topic.CLIENTS,
    settled="",
    ours="The caller's exported files, answered as the lists of daily files are.",
)
_URL_COMPATIBILITY: Final = Compatibility(
    topic=Topic.CLIENTS,
    settled="",
    ours="A link to an exported file, answered as the links to daily files are.",
)
_ASK: Final = operation(
    name="exportRequest",
    title="Export clients",
    description=(
        "Writes all clients that pass the filters into one file, as they are at one moment. Asked again with the "
        "same body while it waits or runs, it answers with the same export. Fetch the file within its days."
    ),
    tag="Exports",
    compatibility=_ASK_COMPATIBILITY,
    body=ExportRequest,
    answer=ExportBegunAnswer,
    example=(
        {"properties": ["prodVersion", "geography.country"], "fileFormat": "parquet"},
        {"result": {"exportId": _EXAMPLE_ID, "status": "queued", "fileName": _EXAMPLE_FILE}},
    ),
    errors=("DATE_OUT_OF_RANGE", "UNKNOWN_PROPERTY", "TOO_MANY_REQUESTS"),
    has_product=True,
)
_STATUS: Final = operation(
    name="exportStatus",
    title="How far an export is",
    description="queued, running, done, failed (error says why) or expired (the file is gone).",
    tag="Exports",
    compatibility=_STATUS_COMPATIBILITY,
    path={"export_id": Parameter("The id that asking for it gave.", {"type": "string"}, _EXAMPLE_ID)},
    errors=("NOT_FOUND",),
    answer=ExportProgressAnswer,
    example=(
        None,
        {
            "result": {
                "exportId": _EXAMPLE_ID,
                "status": "running",
                "clientsWritten": 40960,
                "clientsTotal": 1000000,
                "fileName": _EXAMPLE_FILE,
                "error": None,
            }
        },
    ),
    has_product=True,
)
_FILE: Final = {
    "fileName": _EXAMPLE_FILE,
    "fileDate": "2031-06-20",
    "fileSize": 18211,
    "rows": 402,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_LIST: Final = operation(
    name="exportListFiles",
    title="Exported files",
    description="The caller's complete files, newest first.",
    tag="Exports",
    compatibility=_LIST_COMPATIBILITY,
    answer=FileListAnswer,
    example=(None, {"fileList": [_FILE]}),
    has_product=True,
)
_URL: Final = operation(
    name="exportDownloadUrl",
    title="Link to an exported file",
    description="The link needs no login, is for this file only, and holds for some minutes.",
    tag="Exports",
    compatibility=_URL_COMPATIBILITY,
    body=DownloadRequest,
    answer=LinkAnswer,
    errors=("NOT_FOUND",),
    example=(
        {"fileName": _EXAMPLE_FILE},
        {
            "downloadUrl": f"https://usage.example.com/files/v1/exports/7/{_EXAMPLE_FILE}?expires=1939...",
            "expiresAt": "2031-06-20T12:15:00Z",
        },
    ),
    has_product=True,
)
