"""Places for blocking work, a few of each kind, so that slow work of one kind never keeps another kind waiting.

Looking up a caller, a key or a session is quick and uses the framework's own threads; nothing slow may run there.
"""

# ruff: noqa: RUF009 - `_lane` is `dataclasses.field` with a row of the table

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Final, TypeVar

import anyio.to_thread
from starlette.requests import Request

from odometer.errors import Problem

T = TypeVar("T")
_RETRY_AFTER_S: Final = 5
# It would always be at work when it tells of itself.
_ASKING_FOR_THIS: Final = "operating"


class Lane:
    """A few threads for one kind of work, and a bounded queue before them."""

    def __init__(self, what: str, *, threads: int, waiting: int, wait_s: float) -> None:
        """`what` is the sentence for a caller who finds the queue full or has waited for `wait_s`."""
        self._what = what
        self._most = threads + waiting
        self._wait_s = wait_s
        self._inside = 0
        self._places = asyncio.Semaphore(threads)
        self._threads = anyio.CapacityLimiter(threads)

    @property
    def inside(self) -> int:
        """How many pieces of work run or wait."""
        return self._inside

    async def run(self, work: Callable[[], T]) -> T:
        """The result of the work. Raises `Problem` BUSY when too many wait already, or a place comes too late."""
        if self._inside >= self._most:
            raise self._busy()
        self._inside += 1
        try:
            try:
                await asyncio.wait_for(self._places.acquire(), self._wait_s)
            except TimeoutError:
                raise self._busy() from None
            try:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                self._places.release()
        finally:
            self._inside -= 1

    def _busy(self) -> Problem:
        return Problem("BUSY", f"{self._what} Try again later.", retry_after_s=_RETRY_AFTER_S)


def _lane(what: str, *, threads: int, waiting: int, wait_s: float) -> Lane:
    lane: Lane = field(default_factory=partial(Lane, what, threads=threads, waiting=waiting, wait_s=wait_s))
    return lane


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of one application.

    Attributes:
        collecting: checking ingestion keys, reading small batches.
        large_batches: reading large batches, in another process.
        reading: JSON bodies of other calls.
        asking: questions to the analytics store that are no reports: metadata, all data of one client, files.
        changing: what writes more than a row to the registry.
        erasing: erasures, one after the other.
        operating: metrics.

    """

    collecting: Lane = _lane("Too many batches arrive at once.", threads=4, waiting=512, wait_s=10)
    large_batches: Lane = _lane("Too many large batches arrive at once.", threads=1, waiting=32, wait_s=15)
    reading: Lane = _lane("Too many requests arrive at once.", threads=2, waiting=256, wait_s=10)
    asking: Lane = _lane("Too many questions are being answered.", threads=4, waiting=64, wait_s=10)
    changing: Lane = _lane("Too many changes are being made.", threads=2, waiting=64, wait_s=30)
    erasing: Lane = _lane("Other clients are being erased.", threads=1, waiting=64, wait_s=60)
    operating: Lane = _lane("Metrics are asked for too often.", threads=2, waiting=16, wait_s=5)

    def inside(self) -> dict[str, int]:
        """How many pieces of work run or wait, by lane; without the one in which this is asked for."""
        return {lane.name: getattr(self, lane.name).inside for lane in fields(self) if lane.name != _ASKING_FOR_THIS}


def lanes_of(request: Request) -> Lanes:
    """The lanes of the application that serves this request."""
    lanes: Lanes = request.app.state.lanes
    return lanes
