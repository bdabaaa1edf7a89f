"""Files that callers may fetch: one way to list them and to give a link, for exports and daily files (chapter 08)."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts import Permission
from odometer.errors import Problem
from odometer.exports.files import FileKey
from odometer.exports.links import Links, Maker
from odometer.http.answers import JsonAnswer
from odometer.http.body import read_json
from odometer.http.guard import Access, require
from odometer.http.ignored import read_request
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Operation, add_operation
from odometer.reports.definition import ReportRequest

Reporter = Annotated[Access, Depends(require(Permission.REPORTING))]


class ListedFile(TypedDict):
    """A complete file; `sha256` is the hash of its bytes."""

    fileName: str
    fileDate: str
    fileSize: int
    rows: int
    sha256: str


class FileListAnswer(TypedDict):
    """Files, newest first."""

    fileList: list[ListedFile]


class LinkAnswer(TypedDict):
    """A link that needs no login, and the moment until which it holds; the link comes first."""

    downloadUrl: str
    expiresAt: str


class DownloadRequest(ReportRequest):
    """Which file."""

    refused: ClassVar[tuple[str, ...]] = ()

    file_name: str = Field(alias="fileName", description="One of the names that listFiles gives.")


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A complete file that the caller may fetch.

    Attributes:
        key: where it lies.
        day: of what it holds, or the day it was made.
        size: bytes.
        rows: how many it holds.
        sha256: of its bytes, hexadecimal.
        shows_license_keys: the link ends when its maker may see no license keys any more.

    """

    key: FileKey
    day: dt.date
    size: int
    rows: int
    sha256: str
    shows_license_keys: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """The files of one kind that a caller may fetch; both functions may block.

    Attributes:
        listed: all of them, newest first.
        find: the one of a name, also one that is not listed yet; None when there is none.

    """

    listed: Callable[[], Sequence[OfferedFile]]
    find: Callable[[str], OfferedFile | None]


# Raises `Problem` where the caller may see no such files; it is asked before the body is read, and does not block.
OfferTo = Callable[[Request, Access], Offer]


def add_file_routes(
    router: APIRouter, path: str, links: Links, offer_to: OfferTo, listing: Operation, linking: Operation
) -> None:
    """Add `listFiles` and `getDownloadUrl` below the path."""

    async def list_files(request: Request, access: Reporter) -> Response:
        files = await lanes_of(request).reading.run(offer_to(request, access).listed)
        answer: FileListAnswer = {"fileList": [_listed(file) for file in files]}
        return JsonAnswer(answer)

    async def download_url(request: Request, access: Reporter) -> Response:
        offer = offer_to(request, access)
        body = await read_json(request)

        def link() -> LinkAnswer:
            name = read_request(request, body, DownloadRequest).file_name
            file = offer.find(name)
            if file is None:
                raise Problem("NOT_FOUND", "There is no such file; listFiles has those that there are.")
            maker = Maker(access.caller.user_id, access.caller.token_id, file.shows_license_keys)
            url, expires_ms = links.to(file.key, maker)
            return {"downloadUrl": url, "expiresAt": _rfc3339(expires_ms)}

        return JsonAnswer(await lanes_of(request).asking.run(link))

    add_operation(router, "GET", f"{path}/listFiles/{{product_id}}", list_files, listing)
    add_operation(router, "POST", f"{path}/getDownloadUrl/{{product_id}}", download_url, linking)


def _listed(file: OfferedFile) -> ListedFile:
    return {
        "fileName": file.key.name,
        "fileDate": file.day.isoformat(),
        "fileSize": file.size,
        "rows": file.rows,
        "sha256": file.sha256,
    }


def _rfc3339(at_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ms // 1000, tz=dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
