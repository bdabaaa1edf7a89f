"""The frame around every request: its id, its one log line, its metrics, and the last net for unexpected errors."""

import logging
import sys
import time
from http import HTTPStatus
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from odometer.errors import Problem
from odometer.http.answers import internal_error, new_request_id, problem_answer
from odometer.http.body import BodyMemory
from odometer.http.ignored import ignored_header

_LOG: Final = structlog.get_logger("odometer.http")
_MAX_CLIENT_TEXT: Final = 64
_MAX_UNKNOWN_PATH: Final = 200
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def configure_logging(level: str) -> None:
    """Write this process's log, also that of libraries, as JSON lines to standard output."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)


class RequestFrame:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry, body_memory: BodyMemory) -> None:
        self._app = app
        self._body_memory = body_memory
        self._count = Counter(
            "odometer_http_requests", "Requests answered.", ["method", "route", "status"], registry=metrics
        )
        self._seconds = Histogram(
            "odometer_http_request_seconds", "Time to answer.", ["method", "route"], registry=metrics
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def framed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {
                    **message,
                    "headers": [*message["headers"], *_general_headers(scope, request_id), *ignored_header(scope)],
                }
            await send(message)

        try:
            if _has_two_lengths(scope):
                await _refuse_framing(scope, receive, framed_send)
                return
            await self._app(scope, receive, framed_send)
        except Exception:
            await _LOG.aexception("unexpected error", request_id=request_id, route=_route_of(scope))
            if status:  # the answer has begun; all that is left is to break the connection
                raise
            await problem_answer(Request(scope), internal_error())(scope, receive, framed_send)
        finally:
            self._body_memory.release(scope["state"])
            self._note(scope, request_id, status, time.perf_counter() - started)

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = _route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._count.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)
        headers = Request(scope).headers
        # Never the query string, the address or a path with ids of clients: they may be secret or personal.
        _LOG.info(
            "request",
            request_id=request_id,
            method=method,
            route=route,
            path=scope["path"][:_MAX_UNKNOWN_PATH] if status == HTTPStatus.NOT_FOUND else None,
            product_id=scope.get("path_params", {}).get("product_id"),
            status=status,
            ms=round(seconds * 1000, 1),
            user_id=scope["state"].get("user_id"),
            rui_client=headers.get("rui-client", "")[:_MAX_CLIENT_TEXT] or None,
            rui_client_version=headers.get("rui-client-version", "")[:_MAX_CLIENT_TEXT] or None,
        )


def _has_two_lengths(scope: Scope) -> bool:
    """Whether the request says twice, in different ways, where its body ends: a proxy may believe the other one."""
    names = {name for name, _ in scope["headers"]}
    return b"content-length" in names and b"transfer-encoding" in names


async def _refuse_framing(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse the request and close the connection: what follows in it cannot be trusted."""
    problem = Problem("MALFORMED_JSON", "A request has Content-Length or Transfer-Encoding, never both.")
    answer = problem_answer(Request(scope), problem)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)


def _route_of(scope: Scope) -> str:
    """The template of the route, one of a fixed set, so that metrics stay few."""
    return str(getattr(scope.get("route"), "path", "unknown"))


def _general_headers(scope: Scope, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
    if scope["path"].startswith(("/v3/", "/admin/")):
        headers.append((b"cache-control", b"no-store"))
    return headers
