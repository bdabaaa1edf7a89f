"""The download route: answers signed links, with ranges, from the local file store."""

from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from odometer.accounts import Permission, Registry
from odometer.errors import Problem
from odometer.exports.files import FileKey, FileStore
from odometer.exports.links import DOWNLOAD_PATH, Links, Maker
from odometer.http.openapi import FILE, PRODUCT_ID, Content, Parameter, add_operation, operation
from odometer.http.parts import parts_of

PATH: Final = DOWNLOAD_PATH + "/{stream}/{product}/{name}"
_STREAM: Final = Parameter("What the file holds.", {"type": "string"}, "rawEvents")
_NAME: Final = Parameter("The name of the file.", {"type": "string"}, "rawEvents_2031-06-19.csv.zip")
_PART: Final = Parameter("Part of the link.", {"type": "string"}, "1939198800")


def _check_maker(registry: Registry, key: FileKey, maker: Maker) -> None:
    """Raise `Problem` 403 when whoever asked for the link could not ask for it now."""
    caller = registry.caller_again(maker.user_id, maker.token_id)
    held = caller.permissions_on(key.product_id) if caller is not None else frozenset()
    needed = {Permission.REPORTING, *([Permission.LICENSE_FILTERING] if maker.needs_license_keys else [])}
    if not needed <= held:
        raise Problem("PERMISSION_DENIED", "Whoever asked for this link may no longer fetch the file.")


def downloads_router(files: FileStore, links: Links) -> APIRouter:
    """The route; it asks for no login, the link is the permission."""

    async def download(request: Request) -> Response:
        path, query = request.path_params, request.query_params
        said = [query.get(name, "") for name in ("expires", "by", "signature")]
        key, maker = links.check(path["stream"], path["product"], path["name"], *said)
        await run_in_threadpool(_check_maker, parts_of(request).registry, key, maker)
        file = await run_in_threadpool(files.local_path, key)
        if file is None:
            raise Problem("NOT_FOUND", "There is no such file any more.")
        headers = {"Cache-Control": "private, no-store"}
        return FileResponse(file, media_type=key.media_type, filename=key.name, headers=headers)

    router = APIRouter()
    # Described once: one operation id cannot stand for two methods.
    router.add_api_route(PATH, download, methods=["HEAD"], name="download", include_in_schema=False)
    described = operation(
        name="download",
        title="Download a file",
        description="Links of getDownloadUrl lead here. Answers HEAD, and GET with Range.",
        tag="Files",
        answer=Content(bytes, None, FILE),
        security=(),
        errors=("PERMISSION_DENIED", "NOT_FOUND", "STORE_UNAVAILABLE"),
        path={"stream": _STREAM, "product": PRODUCT_ID, "name": _NAME},
        query={"expires": _PART, "by": _PART, "signature": _PART},
    )
    add_operation(router, "GET", PATH, download, described)
    return router
