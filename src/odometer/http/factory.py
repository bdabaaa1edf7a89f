"""Composes the HTTP application from its parts: middleware, routes, error handlers, start and end."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

from fastapi import APIRouter, FastAPI
from prometheus_client import disable_created_metrics
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles

from odometer.errors import Problem
from odometer.http.account import account_router
from odometer.http.answers import framework_problem, json_bytes, problem_answer
from odometer.http.body import BodyMemory
from odometer.http.cookies import CsrfValues
from odometer.http.cors import Cors
from odometer.http.docs_page import CONTENT_SECURITY_POLICY, DOCS_PAGE
from odometer.http.event_tracking import event_tracking_router
from odometer.http.health import Readiness, health_router
from odometer.http.ignored import tell_no_more
from odometer.http.lanes import Lanes
from odometer.http.licenses import licenses_router
from odometer.http.login import login_router
from odometer.http.metadata import metadata_router
from odometer.http.openapi_document import describe
from odometer.http.origin import allowed_origins
from odometer.http.parts import HttpParts
from odometer.http.postman import postman_collection
from odometer.http.product_settings import product_settings_router
from odometer.http.reports import ReportPool, reports_router
from odometer.http.request_log import RequestFrame
from odometer.http.throttle import LoginThrottle

_PASSWORD_CHECKS_AT_ONCE: Final = 4
_METHOD_NOT_ALLOWED: Final = 405


def create_http(parts: HttpParts) -> FastAPI:
    """The application. It takes over none of the parts; `parts.on_close` is called after the last request."""
    # Each counter would have a second series, which nobody reads, with the moment of its first use.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    # No redirects to a path with or without slash: clients of /v3 take anything but 200 and 204 for a failure.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_lifespan)
    app.state.parts = parts
    app.state.csrf = CsrfValues(parts.registry.signing_secret("csrf"), parts.clock)
    app.state.allowed_origins = allowed_origins(parts.public_url, (*parts.allowed_origins, *parts.cors_origins))
    app.state.lanes = Lanes()
    app.state.readiness = Readiness(parts)
    app.state.body_memory = BodyMemory()
    app.state.report_pool = ReportPool(parts)
    app.state.password_checks = asyncio.Semaphore(_PASSWORD_CHECKS_AT_ONCE)
    app.state.throttle = LoginThrottle(
        parts.login_failures_per_user,
        parts.login_failures_per_address,
        parts.login_window_minutes,
        parts.monotonic_s,
    )
    own = [
        health_router(),
        login_router(),
        account_router(),
        metadata_router(),
        event_tracking_router(),
        product_settings_router(),
        licenses_router(),
        reports_router(parts.reports),
    ]
    _add_routes(app, [*own, *parts.routers])
    app.add_middleware(Cors, origins=parts.cors_origins)
    app.add_middleware(RequestFrame, metrics=parts.metrics, body_memory=app.state.body_memory)  # added last: outermost
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_framework)
    return app


def _add_routes(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Put all routes into one flat list, which the 405 answer and the API description walk."""
    for router in routers:
        app.router.routes.extend(router.routes)

    # Made once: nobody needs a login to ask for them.
    @cache
    def description() -> bytes:
        return json_bytes(describe(app))

    @cache
    def collection() -> bytes:
        return json_bytes(postman_collection(describe(app)))

    async def openapi() -> Response:
        return Response(description(), media_type="application/json")

    async def postman() -> Response:
        return Response(collection(), media_type="application/json")

    async def docs() -> Response:
        return HTMLResponse(DOCS_PAGE, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

    for path, page in (("/openapi.json", openapi), ("/postman.json", postman), ("/docs", docs)):
        app.add_api_route(path, page, methods=["GET"], include_in_schema=False)
    app.mount("/static", StaticFiles(packages=[("odometer.http", "static")]))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await run_in_threadpool(app.state.report_pool.close)
    on_close = app.state.parts.on_close
    if on_close is not None:
        await run_in_threadpool(on_close)


def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    tell_no_more(request.scope, error.field)
    return problem_answer(request, error)


def _answer_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    answer = problem_answer(request, framework_problem(error.status_code))
    if error.status_code == _METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(_methods_at(request, request.app.routes))
    return answer


def _methods_at(request: Request, routes: Iterable[BaseRoute]) -> list[str]:
    """Every method that the path knows; the framework's own header names those of the first route only."""
    found: set[str] = set()
    for route in routes:
        match, _ = route.matches(request.scope)
        if match is not Match.NONE:
            found |= getattr(route, "methods", set())
    return sorted(found)
