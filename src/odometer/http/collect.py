"""The collecting route (chapter 09): an ingestion key, no cookies, no origin rule; 200 only when durable."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from odometer.collect.envelope import ParseOptions
from odometer.collect.ingest import Ingest
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer
from odometer.http.batch_schema import Batch, BatchAnswer
from odometer.http.body import read_body
from odometer.http.guard import bearer_of
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Content, add_operation, operation
from odometer.http.origin import address_of
from odometer.http.parts import parts_of

_BATCH: Final = {
    "clientId": "7F3C09A1BB42D6E8",
    "sentAt": "2031-04-09T07:15:02Z",
    "records": [
        {"seq": 41, "type": "session_start", "at": "2031-04-08T22:50:00Z", "sessionId": "run-5521-aaaa"},
        {"seq": 42, "type": "properties", "at": "2031-04-08T22:50:00Z", "set": {"prodVersion": "3.2"}},
    ],
}
_LINE: Final = '{"clientId": "7F3C09A1BB42D6E8", "seq": 43, "type": "heartbeat", "at": "2031-04-08T23:10:00Z"}'
_ANSWER: Final = {"accepted": 2, "duplicates": 0, "rejected": [], "backOffDays": 0, "disabled": False}
_DESCRIPTION: Final = (
    "Stores records exactly once, known by clientId and seq; the answer comes when they are durable. A bad record is "
    "listed under `rejected` and never fails the batch. JSON is one installation's batch; NDJSON has a clientId on "
    "each line. Either may be sent with `Content-Encoding: gzip`. Where there is something to tell, the answer has "
    "`ignored`, members that nothing reads and how often they came, and `conflicts`, how many duplicates carried other "
    "content under a used seq."
)


# Takes the product, the answer to a batch, and how many clocks of its senders were wrong.
Count = Callable[[int, dict[str, Any], int], None]


def _uncounted(_product_id: int, _answer: dict[str, Any], _corrected: int) -> None:
    """Nobody counts."""


def collect_router(ingest: Ingest, options: ParseOptions, count: Count = _uncounted) -> APIRouter:
    """The route that trackers and relays post to; `options` carries the limits and the geography look-up."""
    router = APIRouter()

    async def batch(request: Request) -> Response:
        lanes = lanes_of(request)
        product_id, may_set_ip = await lanes.collecting.run(partial(_key_of, request))
        body = await read_body(request, options.max_bytes)
        asked = _options_of(request, may_set_ip)
        receipt = await lanes.collecting.run(partial(ingest.receive_small, product_id, body, asked))
        if receipt is None:
            receipt = await lanes.large_batches.run(partial(ingest.receive, product_id, body, asked))
        await asyncio.wrap_future(receipt.stored)
        answer = receipt.answer()
        count(product_id, answer, receipt.parsed.corrected)
        return JsonAnswer(answer)

    def _options_of(request: Request, may_set_ip: bool) -> ParseOptions:  # noqa: FBT001 - a right of the key
        return ParseOptions(
            content_type=request.headers.get("content-type"),
            content_encoding=request.headers.get("content-encoding"),
            address=address_of(request, parts_of(request).trusted_proxies),
            locate=options.locate,
            may_set_ip=may_set_ip,
            max_age_days=options.max_age_days,
            max_bytes=options.max_bytes,
            max_decompressed_bytes=options.max_decompressed_bytes,
            max_records=options.max_records,
        )

    described = operation(
        name="collectBatch",
        title="Send records",
        description=_DESCRIPTION,
        tag="Collecting",
        body=(Content(Batch, _BATCH), Content(str, _LINE, "application/x-ndjson")),
        answer=BatchAnswer,
        example=(None, _ANSWER),
        security=("ingestionKey",),
        has_product=True,
    )
    add_operation(router, "POST", "/collect/v1/{product_id}/batch", batch, described)
    return router


def _key_of(request: Request) -> tuple[int, bool]:
    """The product that the key may send to, and whether it may name addresses. Raises `Problem` 401, 404."""
    registry = parts_of(request).registry
    secret = bearer_of(request)
    if secret is None:
        raise Problem("NOT_AUTHENTICATED", "Send an ingestion key of the product: Authorization: Bearer <key>.")
    key = registry.keys.find(secret)
    if key is None:
        raise Problem("NOT_AUTHENTICATED", registry.keys.why_refused(secret))
    named = request.path_params["product_id"]
    product_id = int(named) if named.isascii() and named.isdigit() and len(named) <= 20 else None
    if product_id is None or (product_id != key.product_id and registry.products.get(product_id) is None):
        raise Problem("PRODUCT_NOT_FOUND", "There is no such product.")
    if product_id != key.product_id:
        raise Problem("NOT_AUTHENTICATED", "The ingestion key belongs to another product.")
    return product_id, key.may_set_ip
