"""For operators: is the process alive, is it ready, what does it measure."""

import asyncio
import time
from functools import partial
from typing import NamedTuple

import anyio.to_thread
import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.errors import Problem, StartError
from odometer.http.answers import JsonAnswer
from odometer.http.guard import find_caller
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Content, add_operation, operation
from odometer.http.parts import HttpParts, parts_of

_LOG = structlog.get_logger("odometer.http")
_RETRY_AFTER_S = 5
_FRESH_S = 1.0
_METRICS = (
    "Counters in the Prometheus text format. Needs an API token of an administrator, which may be read-only, or an "
    "administrator's session, unless the operator has said otherwise (ODOMETER_METRICS)."
)

_METRICS_EXAMPLE = 'odometer_collect_records_total{product="2376158762",outcome="accepted"} 402.0'


class HealthAnswer(TypedDict):
    """`ok` or `ready`."""

    status: str


def health_router() -> APIRouter:
    """The routes for operators; only metrics want a token."""
    router = APIRouter()
    alive = operation(
        name="healthz",
        title="Is it alive",
        description="200 as long as the process answers.",
        tag="Operation",
        answer=HealthAnswer,
        example=(None, {"status": "ok"}),
        security=(),
    )
    ready = operation(
        name="readyz",
        title="Is it ready",
        description="200 when every store answers, else 503 naming one that does not.",
        tag="Operation",
        answer=HealthAnswer,
        example=(None, {"status": "ready"}),
        security=(),
        errors=("STORE_UNAVAILABLE",),
    )
    measured = operation(
        name="metrics",
        title="Metrics",
        description=_METRICS,
        tag="Operation",
        answer=Content(str, _METRICS_EXAMPLE, "text/plain"),
        errors=("PERMISSION_DENIED", "NOT_FOUND"),
    )
    add_operation(router, "GET", "/healthz", healthz, alive)
    add_operation(router, "GET", "/readyz", readyz, ready)
    add_operation(router, "GET", "/metrics", metrics, measured)
    return router


async def healthz() -> Response:
    """200 as long as the process answers; it waits for no thread."""
    return JsonAnswer({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 when every store answers. The reason of a failure is for the log, its name for the caller."""
    readiness: Readiness = request.app.state.readiness
    await readiness.ask()
    return JsonAnswer({"status": "ready"})


class NotReady(NamedTuple):
    """A store that does not answer, and what it raised."""

    name: str
    error: Exception


class Readiness:
    """Asks every store whether it answers, once for all who want to know at the same time."""

    def __init__(self, parts: HttpParts) -> None:
        self._parts = parts
        self._one_at_a_time = asyncio.Lock()
        self._threads = anyio.CapacityLimiter(1)
        self._asked_at = float("-inf")
        self._found: NotReady | None = None

    async def ask(self) -> None:
        """Raise `Problem` STORE_UNAVAILABLE naming what is not ready, as of a second ago at the most."""
        async with self._one_at_a_time:
            if time.monotonic() - self._asked_at > _FRESH_S:
                found = await anyio.to_thread.run_sync(_not_ready, self._parts, limiter=self._threads)
                self._asked_at = time.monotonic()
                _log_change(self._found, found)
                self._found = found
            message = None if self._found is None else f"Not ready: {self._found.name}."
        if message is not None:
            raise Problem("STORE_UNAVAILABLE", message, retry_after_s=_RETRY_AFTER_S)


async def metrics(request: Request) -> Response:
    """Everything registered in `HttpParts.metrics`, for administrators unless the operator has opened it."""
    access = parts_of(request).metrics_access
    if access == "elsewhere":
        raise Problem("NOT_FOUND", "Metrics are served at an address of their own (ODOMETER_METRICS).")
    if access == "token":
        await run_in_threadpool(_require_operator, request)
    text = await lanes_of(request).operating.run(partial(generate_latest, parts_of(request).metrics))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _require_operator(request: Request) -> None:
    """A token that may only read will do: a scraper changes nothing."""
    caller = find_caller(request)
    if not caller.is_admin or caller.only_products is not None:
        raise Problem("PERMISSION_DENIED", "Metrics need an administrator, with a session or a token for all products.")


def _not_ready(parts: HttpParts) -> NotReady | None:
    for name, check in {"registry": parts.registry.ping, **parts.readiness}.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, the store is not ready
            return NotReady(name, error)
    return None


def _log_change(before: NotReady | None, now: NotReady | None) -> None:
    """Say it once, however often it is asked: a probe asks every few seconds."""
    if now is None:
        if before is not None:
            _LOG.info("ready again", store=before.name)
    elif before is None or before.name != now.name:
        # What the server itself found is told by its words; what went wrong unforeseen, by where.
        is_foreseen = isinstance(now.error, StartError)
        _LOG.error("not ready", store=now.name, reason=str(now.error), exc_info=None if is_foreseen else now.error)
