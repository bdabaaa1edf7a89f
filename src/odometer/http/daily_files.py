"""Daily files over HTTP (chapter 08): lists of custom event, exception and raw event files, and links to them."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request

from odometer.accounts import Product
from odometer.errors import Problem
from odometer.exports.daily import DailyFiles, Wanted, key_of, wanted_files
from odometer.exports.links import Links
from odometer.http.guard import Access
from odometer.http.offered_files import (
    DownloadRequest,
    FileListAnswer,
    LinkAnswer,
    Offer,
    OfferedFile,
    add_file_routes,
)
from odometer.http.openapi import Operation, operation
from odometer.http.parts import parts_of
from odometer.model.compatibility import Compatibility, Topic
from odometer.model.daily_file import DailyFile, Stream

_PATHS: Final = {
    Stream.CUSTOM_EVENTS: "/v3/customEventTracking",
    Stream.EXCEPTIONS: "/v3/exceptionTracking",
    Stream.RAW_EVENTS: "/v3/rawEvents/download",
}
_TITLES: Final = {
    Stream.CUSTOM_EVENTS: "custom events",
    Stream.EXCEPTIONS: "exceptions",
    Stream.RAW_EVENTS: "raw events",
}
_LIST_SETTLED: Final = "`fileList`, newest first: objects with `fileName` and `fileDate`."
_LIST_OURS: Final = (
    "`fileSize`, `rows`, `sha256`. One file for each finished UTC day that has rows, kept 90 days, made anew "
    "within an hour when late data changes it."
)
_IF_OFF: Final = "They show license keys, so they need license_filtering too. A product with rawExport off: 403."
_URL_SETTLED: Final = (
    "`fileName`: 200 with an object whose first member is the URL, `downloadUrl`, then `expiresAt`. The URL is "
    "absolute, needs no cookie, is bound to that file and holds for 15 minutes. An unknown file is 404."
)
_NEUTRALISED: Final = "cells that a spreadsheet would run as a formula get an apostrophe."
_URL_OURS: Final = {
    Stream.CUSTOM_EVENTS: f"The file has the columns of getLastLines and `event.dataJson`; {_NEUTRALISED}",
    Stream.EXCEPTIONS: f"The file has the columns of getLastLines; {_NEUTRALISED}",
    Stream.RAW_EVENTS: (
        "The columns, also as Parquet where the product asks for it (rawExportFormats); files are byte-true, and "
        f"`odometer import` takes them. {_IF_OFF}"
    ),
}


def daily_files_router(daily: DailyFiles, links: Links) -> APIRouter:
    """The routes of all streams."""
    router = APIRouter()
    for stream in Stream:
        _add_stream(router, daily, links, stream)
    return router


def wanted_by(product: Product) -> Wanted:
    """The files that a product's settings ask for."""
    return wanted_files(product.raw_export_formats if product.raw_export else ())


def _add_stream(router: APIRouter, daily: DailyFiles, links: Links, stream: Stream) -> None:
    def offer_to(request: Request, access: Access) -> Offer:
        where = (access.product.product_id, stream, _endings(access, stream), parts_of(request).clock.today())

        def find(name: str) -> OfferedFile | None:
            file = daily.find(*where, name)
            return None if file is None else _offered(file)

        return Offer(lambda: [_offered(file) for file in daily.listed(*where)], find)

    add_file_routes(router, _PATHS[stream], links, offer_to, _list_of(stream), _url_of(stream))


def _offered(file: DailyFile) -> OfferedFile:
    shows_license_keys = file.stream is Stream.RAW_EVENTS
    return OfferedFile(key_of(file), file.day, file.file_size, file.rows, file.sha256, shows_license_keys)


def _endings(access: Access, stream: Stream) -> tuple[str, ...]:
    """The endings of the stream's files. Raises `Problem` 403 when the product has none, or the caller may not."""
    if stream is Stream.RAW_EVENTS and not access.may_use_license_keys:
        message = "Raw event files show license keys: they need the permission license_filtering too."
        raise Problem("PERMISSION_DENIED", message)
    endings = wanted_by(access.product).get(stream, ())
    if not endings:
        raise Problem("FEATURE_NOT_ENABLED", "Raw event files are switched off for this product (rawExport).")
    return endings


def _example_name(stream: Stream) -> str:
    return f"{stream}_2031-06-19.csv.zip"


def _list_of(stream: Stream) -> Operation:
    ours = f"{_LIST_OURS} {_IF_OFF}" if stream is Stream.RAW_EVENTS else _LIST_OURS
    file = {
        "fileName": _example_name(stream),
        "fileDate": "2031-06-19",
        "fileSize": 18211,
        "rows": 402,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }
    return operation(
        name=f"{stream}ListFiles",
        title=f"Files of {_TITLES[stream]}",
        description="One for each finished UTC day that has rows, newest first. Late data makes a file anew.",
        tag="Raw data",
        compatibility=Compatibility(topic=Topic.LINES, settled=_LIST_SETTLED, ours=ours),
        answer=FileListAnswer,
        example=(None, {"fileList": [file]}),
        errors=("FEATURE_NOT_ENABLED",) if stream is Stream.RAW_EVENTS else (),
        has_product=True,
    )


def _url_of(stream: Stream) -> Operation:
    name = _example_name(stream)
    return operation(
        name=f"{stream}DownloadUrl",
        title=f"Link to a file of {_TITLES[stream]}",
        description="The link needs no login, is for this file only, and holds for some minutes.",
        tag="Raw data",
        compatibility=Compatibility(topic=Topic.LINES, settled=_URL_SETTLED, ours=_URL_OURS[stream]),
        body=DownloadRequest,
        answer=LinkAnswer,
        errors=("NOT_FOUND", *(("FEATURE_NOT_ENABLED",) if stream is Stream.RAW_EVENTS else ())),
        example=(
            {"fileName": name},
            {
                "downloadUrl": f"https://usage.example.com/files/v1/{stream}/7/{name}?expires=1939...",
                "expiresAt": "2031-06-20T12:15:00Z",
            },
        ),
        has_product=True,
    )
