"""Places for blocking work, a few of each kind, so that slow work of one kind never keeps another kind waiting.

Looking up a caller, a key or a session is quick and uses the framework's own threads; nothing slow may run there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final, TypeVar

import anyio.to_thread
from starlette.requests import Request

from odometer.errors import Problem

T = TypeVar("T")
_RETRY_AFTER_S: Final = 5


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


def _collecting() -> Lane:
    return Lane("Too many batches arrive at once.", threads=4, waiting=512, wait_s=10)


def _large_batches() -> Lane:
    return Lane("Too many large batches arrive at once.", threads=1, waiting=32, wait_s=15)


def _reading() -> Lane:
    return Lane("Too many requests arrive at once.", threads=2, waiting=256, wait_s=10)


def _asking() -> Lane:
    return Lane("Too many questions are being answered.", threads=4, waiting=64, wait_s=10)


def _changing() -> Lane:
    return Lane("Too many changes are being made.", threads=2, waiting=64, wait_s=30)


def _erasing() -> Lane:
    return Lane("Other clients are being erased.", threads=1, waiting=64, wait_s=60)


def _operating() -> Lane:
    return Lane("Metrics are asked for too often.", threads=2, waiting=16, wait_s=5)


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

    collecting: Lane = field(default_factory=_collecting)
    large_batches: Lane = field(default_factory=_large_batches)
    reading: Lane = field(default_factory=_reading)
    asking: Lane = field(default_factory=_asking)
    changing: Lane = field(default_factory=_changing)
    erasing: Lane = field(default_factory=_erasing)
    operating: Lane = field(default_factory=_operating)

    def inside(self) -> dict[str, int]:
        """How many pieces of work run or wait, by lane."""
        return {lane.name: getattr(self, lane.name).inside for lane in fields(self)}


def lanes_of(request: Request) -> Lanes:
    """The lanes of the application that serves this request."""
    lanes: Lanes = request.app.state.lanes
    return lanes
