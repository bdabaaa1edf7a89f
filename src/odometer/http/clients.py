"""One client over HTTP (chapter 09, Deleting): erase it everywhere, export all that is held of it, unblock it."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from odometer.accounts import Permission
from odometer.collect.identity import read_client_id
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer
from odometer.http.body import OLDER_MEMBERS, parse_object, read_json, validated
from odometer.http.guard import Access, require
from odometer.http.lanes import lanes_of
from odometer.http.openapi import add_operation, operation
from odometer.http.parts import parts_of
from odometer.privacy.client_data import client_data
from odometer.privacy.erase import Erasing, ErasureObject, ReceiptObject, erasure_as_json, parse_clients
from odometer.selection.client_list import ClientObject

PATH: Final = "/admin/v1/products/{product_id}/clients"
_CHUNK: Final = 64 * 1024
# A document beyond this waits on the disk, in a file without a name, until it is sent.
_IN_MEMORY: Final = 8 * 1024 * 1024
M = TypeVar("M", bound=BaseModel)
Admin = Annotated[Access, Depends(require(Permission.ADMIN))]


_CLIENT_ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$", "description": "The id of a client."}
_CLIENT_IDS: Final = {"type": "array", "items": _CLIENT_ID, "minItems": 1, "maxItems": 1000}


class ReceiptAnswer(TypedDict):
    """What was erased."""

    result: ReceiptObject


class ErasuresAnswer(TypedDict):
    """Erasures, newest first."""

    result: list[ErasureObject]


class Unblocked(TypedDict):
    """How many were blocked and are not any more."""

    unblocked: int


class UnblockedAnswer(TypedDict):
    """The clients are taken again."""

    result: Unblocked


class ClientData(TypedDict):
    """All that is held of one client; `client` is null where it only sent opt records."""

    productId: int
    clientId: str
    exportedAt: str
    client: ClientObject | None
    records: list[dict[str, Any]]


class ClientsRequest(BaseModel):
    """Which clients. Unknown members are refused: a misspelt `block` must not pass for none."""

    model_config = ConfigDict(strict=True, extra="forbid")

    client_ids: Annotated[Any, WithJsonSchema(_CLIENT_IDS)] = Field(alias="clientIds")


class EraseRequest(ClientsRequest):
    """Which clients, and whether they may come back."""

    block: bool = Field(default=False, description="Refuse whatever they send from now on, in imports as well.")


class ClientRequest(BaseModel):
    """Which client."""

    model_config = ConfigDict(strict=True, extra="forbid")

    client_id: Annotated[Any, WithJsonSchema(_CLIENT_ID)] = Field(alias="clientId")


def clients_router(erasing: Erasing, on_erased: Callable[[], None]) -> APIRouter:
    """The routes; `on_erased` wakes those who clean up and make exports again.

    Ids of clients stand in bodies only: paths may be logged.
    """
    router = APIRouter()

    async def erase(request: Request, access: Admin) -> Response:
        asked = await _asked(request, EraseRequest)

        def work() -> Response:
            clients = parse_clients(asked.client_ids)
            product_id, actor = access.product.product_id, access.caller.email
            receipt = erasing.erase(product_id, clients, block=asked.block, actor=actor)
            on_erased()
            return JsonAnswer({"result": receipt.as_json()})

        return await lanes_of(request).erasing.run(work)

    add_operation(router, "POST", f"{PATH}/erase", erase, _ERASE)
    add_operation(router, "POST", f"{PATH}/unblock", _unblock, _UNBLOCK)
    add_operation(router, "POST", f"{PATH}/export", _export, _EXPORT)
    add_operation(router, "GET", f"{PATH}/erasures", _erasures, _ERASURES)
    return router


async def _asked(request: Request, model: type[M]) -> M:
    body = await read_json(request)
    content = await lanes_of(request).reading.run(partial(parse_object, body))
    # Null is absent (chapter 00).
    present = {name: value for name, value in content.items() if value is not None}
    return validated(model, {name: value for name, value in present.items() if name not in OLDER_MEMBERS})


async def _unblock(request: Request, access: Admin) -> Response:
    asked = await _asked(request, ClientsRequest)
    blocked = parts_of(request).registry.blocked_clients

    def work() -> Response:
        clients = parse_clients(asked.client_ids)
        count = blocked.unblock(access.product.product_id, clients, actor=access.caller.email)
        return JsonAnswer({"result": {"unblocked": count}})

    return await lanes_of(request).changing.run(work)


async def _erasures(request: Request, access: Admin) -> Response:
    erasures = parts_of(request).registry.erasures
    found = await lanes_of(request).reading.run(partial(erasures.of, access.product.product_id))
    return JsonAnswer({"result": [erasure_as_json(erasure) for erasure in found]})


async def _export(request: Request, access: Admin) -> Response:
    if not access.may_use_license_keys:
        raise Problem("PERMISSION_DENIED", "This shows license keys: it needs the permission license_filtering too.")
    asked = await _asked(request, ClientRequest)
    parts = parts_of(request)

    def work() -> IO[bytes]:
        client = read_client_id({"clientId": asked.client_id})
        pieces = client_data(
            parts.questions,
            access.product.product_id,
            client,
            now_ms=parts.clock.now_ms(),
            today=parts.clock.today(),
        )
        if pieces is None:
            raise Problem("NOT_FOUND", "There is nothing stored of this client.")
        # Written as a whole first: a slow caller must not hold the engine.
        file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
        for piece in pieces:
            file.write(piece)
        file.seek(0)
        return file

    file = await lanes_of(request).asking.run(work)
    headers = {"Content-Disposition": 'attachment; filename="client.json"'}
    return StreamingResponse(_chunks(file), media_type="application/json", headers=headers)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


_CLIENT: Final = "7F3C09A1BB42D6E8"
_ERASURE: Final[dict[str, Any]] = {
    "receiptId": "er-5f0c2d9a7b31",
    "erasedAt": "2031-06-20T09:14:03.120Z",
    "clients": 1,
    "records": 402,
    "cleanedUpBy": "2031-06-20T10:14:03.120Z",
    "cleanedUpAt": None,
}
_RECEIPT: Final[dict[str, Any]] = {
    **_ERASURE,
    "removed": [
        {
            "clientId": _CLIENT,
            "records": 402,
            "activeDays": 31,
            "dateInstalled": "2031-02-03",
            "dateLastSeen": "2031-06-18",
        }
    ],
    "unknown": [],
    "filesRemoved": ["rawEvents_2031-06-18.csv.zip"],
    "exportsMadeAgain": 1,
    "blocked": [_CLIENT],
}
_ERASE: Final = operation(
    name="eraseClients",
    title="Erase clients",
    description=(
        "Removes all that is known of up to 1,000 clients, as if they had never been there, and answers with a "
        "receipt. Daily files that showed them are gone at once and made anew without them, client lists are "
        "exported again; the last bytes leave the disk by `cleanedUpBy`. With `block` they are refused from now "
        "on, else they come back as new clients when they report again. Needs the permission admin."
    ),
    tag="Administration",
    body=EraseRequest,
    answer=ReceiptAnswer,
    example=({"clientIds": [_CLIENT], "block": True}, {"result": _RECEIPT}),
    has_product=True,
)
_UNBLOCK: Final = operation(
    name="unblockClients",
    title="Unblock clients",
    description="Takes records of these clients again. Needs the permission admin.",
    tag="Administration",
    body=ClientsRequest,
    answer=UnblockedAnswer,
    example=({"clientIds": [_CLIENT]}, {"result": {"unblocked": 1}}),
    has_product=True,
)
_EXPORT: Final = operation(
    name="exportClient",
    title="All data of a client",
    description=(
        "`client` has what clientPropertyList says of it with all properties and days; `records` are its records "
        "as they were accepted, with the members of raw event files. Needs admin and license_filtering."
    ),
    tag="Administration",
    body=ClientRequest,
    answer=ClientData,
    errors=("NOT_FOUND",),
    example=(
        {"clientId": _CLIENT},
        {
            "productId": 2376158762,
            "clientId": _CLIENT,
            "exportedAt": "2031-06-20T09:14:03.120Z",
            "client": {"clientId": _CLIENT, "prodVersion": "3.2", "dailyData": [{"date": "2031-06-18"}]},
            "records": [{"receivedAt": "2031-06-18T10:00:01.000Z", "seq": 41, "type": "heartbeat"}],
        },
    ),
    has_product=True,
)
_ERASURES: Final = operation(
    name="erasures",
    title="Erasures",
    description="What was erased and whether the disk is clean, newest first; never who. Needs admin.",
    tag="Administration",
    answer=ErasuresAnswer,
    example=(None, {"result": [{**_ERASURE, "cleanedUpAt": "2031-06-20T09:15:10.004Z"}]}),
    has_product=True,
)
