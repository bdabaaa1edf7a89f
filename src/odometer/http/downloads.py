"""The download route: answers signed links, with ranges, from the local file store."""

from typing import Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from odometer.errors import Problem
from odometer.exports.files import FileStore
from odometer.exports.links import DOWNLOAD_PATH, Links
from odometer.http.openapi import operation

PATH: Final = DOWNLOAD_PATH + "/{stream}/{product}/{name}"


def downloads_router(files: FileStore, links: Links) -> APIRouter:
    """The route; it asks for no login, the link is the permission."""

    async def download(request: Request) -> Response:
        path, query = request.path_params, request.query_params
        expires, signature = query.get("expires", ""), query.get("signature", "")
        key = links.check(path["stream"], path["product"], path["name"], expires, signature)
        file = await run_in_threadpool(files.local_path, key)
        if file is None:
            raise Problem("NOT_FOUND", "There is no such file any more.")
        headers = {"Cache-Control": "private, no-store"}
        return FileResponse(file, media_type=key.media_type, filename=key.name, headers=headers)

    router = APIRouter()
    # Described once: one operation id cannot stand for two methods.
    router.add_api_route(PATH, download, methods=["HEAD"], name="download", include_in_schema=False)
    router.add_api_route(
        PATH,
        download,
        methods=["GET"],
        name="download",
        openapi_extra=operation(
            title="Download a file",
            description="Links of getDownloadUrl lead here. Answers HEAD, and GET with Range.",
            group="Files",
            security=(),
            errors=(403, 404),
            query={"expires": "Part of the link.", "signature": "Part of the link."},
        ),
    )
    return router
