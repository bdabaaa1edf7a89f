"""Serving reports: one route each, run in a bounded pool, limited in number per user and in time."""

import asyncio
import datetime as dt
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from odometer.accounts import Permission
from odometer.errors import Problem
from odometer.http.answers import json_bytes
from odometer.http.body import read_json
from odometer.http.event_tracking import flags_of_events
from odometer.http.guard import Access, require
from odometer.http.ignored import DESCRIPTION, HEADER, read_request, teller_of
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Operation, add_operation, operation
from odometer.http.parts import HttpParts, parts_of
from odometer.model.compatibility import Topic
from odometer.reports.definition import Context, Report, ReportRequest
from odometer.store.engine import Job, working_on

T = TypeVar("T")
AS_OF_HEADER = "X-Data-As-Of"
# Only the log sees it: the caller hung up.
_NOBODY_LISTENS = 499


_TAGS: Final = {
    Topic.METADATA: "Metadata",
    Topic.GENERIC: "New, active, lost",
    Topic.EVENTS: "Reports about events",
    Topic.ENGAGEMENT: "Engagement and churn",
    Topic.CLIENTS: "Clients",
    Topic.LINES: "Raw data",
}


class ReportPool:
    """Worker threads for reports. A report that is given up is stopped; it keeps its place until its thread is free."""

    def __init__(self, parts: HttpParts) -> None:
        self._executor = ThreadPoolExecutor(parts.worker_threads, thread_name_prefix="report")
        self._questions = parts.questions
        self._per_user = parts.reports_per_user
        self._wait_s = parts.report_wait_seconds
        self._limit_s = parts.report_seconds
        self._places: dict[int, asyncio.Semaphore] = {}

    async def run(self, user_id: int, work: Callable[[], T], hung_up: Awaitable[None]) -> T | None:
        """The result of the work; None when `hung_up` came first.

        Raises `Problem` BUSY when the user's places stay taken, QUERY_TIMEOUT when the work lasts too long.
        """
        places = self._places.setdefault(user_id, asyncio.Semaphore(self._per_user))
        gone = asyncio.ensure_future(hung_up)
        try:
            await self._take_place(places)
            return await self._run(places, work, gone)
        finally:
            gone.cancel()

    async def _take_place(self, places: asyncio.Semaphore) -> None:
        try:
            await asyncio.wait_for(places.acquire(), self._wait_s)
        except TimeoutError:
            message = f"{self._per_user} reports of yours are running; try again when one has finished."
            raise Problem("BUSY", message, retry_after_s=math.ceil(self._wait_s)) from None

    async def _run(self, places: asyncio.Semaphore, work: Callable[[], T], gone: asyncio.Future[None]) -> T | None:
        loop = asyncio.get_running_loop()
        job = Job()

        def free_place(_: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server has stopped
                loop.call_soon_threadsafe(places.release)

        def as_job() -> T:
            with working_on(job):
                return work()

        running = self._executor.submit(as_job)
        running.add_done_callback(free_place)
        waiting = asyncio.wrap_future(running)
        either: set[asyncio.Future[Any]] = {waiting, gone}
        await asyncio.wait(either, timeout=self._limit_s, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return waiting.result()
        waiting.cancel()
        await run_in_threadpool(self._questions.stop, job)
        if gone.done():
            return None
        message = f"The report took longer than {self._limit_s:g} seconds; ask for a shorter range."
        raise Problem("QUERY_TIMEOUT", message, retry_after_s=math.ceil(self._limit_s))

    def close(self) -> None:
        """Wait for running reports; those still waiting for a thread are dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def reports_router(reports: tuple[Report[Any, Any], ...]) -> APIRouter:
    """The routes of these reports."""
    router = APIRouter()
    for report in reports:
        add_operation(router, "POST", f"{report.path}/{{product_id}}", _endpoint(report), _operation(report))
    return router


def _operation(report: Report[Any, Any]) -> Operation:
    return operation(
        name=report.name,
        title=report.title,
        description=report.description,
        tag=_TAGS[report.compatibility.topic],
        body=report.request,
        answer=report.answer,
        example=report.example,
        errors=("DATE_OUT_OF_RANGE", "UNKNOWN_PROPERTY", "TOO_MANY_SEGMENTS", "QUERY_TIMEOUT"),
        has_product=True,
        headers={
            AS_OF_HEADER: "The answer shows all data received before this moment (RFC 3339).",
            HEADER: DESCRIPTION,
        },
        compatibility=report.compatibility,
    )


def _endpoint(report: Report[Any, Any]) -> Callable[..., Awaitable[Response]]:
    async def answer(request: Request, access: Annotated[Access, Depends(require(Permission.REPORTING))]) -> Response:
        parts = parts_of(request)
        parts.require_right_figures()
        body = await read_json(request)
        asked: ReportRequest = await lanes_of(request).reading.run(partial(read_request, request, body, report.request))
        product = access.product
        context = Context(
            product_id=product.product_id,
            days_until_declared_lost=product.days_until_declared_lost,
            oldest_date=product.oldest_date,
            today=parts.clock.today(),
            questions=parts.questions,
            may_use_license_keys=access.may_use_license_keys,
            custom_types=product.custom_types,
            flags=partial(flags_of_events, parts, product),
            tell=teller_of(request),
        )

        def work() -> tuple[str, bytes]:
            as_of = _rfc3339(parts.questions.as_of_ms())  # before the questions: the answer is at least this fresh
            return as_of, json_bytes(report.run(asked, context))

        pool: ReportPool = request.app.state.report_pool
        done = await pool.run(access.caller.user_id, work, _hung_up(request))
        if done is None:
            return Response(status_code=_NOBODY_LISTENS)
        as_of, content = done
        return Response(content, media_type="application/json", headers={AS_OF_HEADER: as_of})

    return answer


async def _hung_up(request: Request) -> None:
    """Returns when the caller has closed the connection; the body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _rfc3339(at_ms: int) -> str:
    at = dt.datetime.fromtimestamp(at_ms // 1000, tz=dt.UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
