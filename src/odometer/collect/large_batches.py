"""Large batches are read by a process of their own: reading holds the interpreter, which all requests share."""

import contextlib
import multiprocessing
import resource
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Final

from odometer.child_process import end_with_parent
from odometer.collect.envelope import Geography, ParsedBatch, ParseOptions, no_geography, parse_batch
from odometer.collect.geography import open_geography
from odometer.errors import Problem

# The largest batch takes two seconds on a slow machine; what takes longer would be a fault of ours.
_MOST_SECONDS: Final = 30
# The largest batch takes a third of it.
_MOST_MEMORY: Final = 2 << 30
# A process keeps what its largest batch took, so it is changed for a new one now and then.
_BATCHES_PER_PROCESS: Final = 200
_RETRY_AFTER_S: Final = 5


class LargeBatches:
    """Reads batches in another process, which is begun with the first of them."""

    def __init__(self, geography: Path | None) -> None:
        """`geography`: the database of addresses that the other process opens, if there is one."""
        self._geography = geography
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def parse(self, body: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
        """As `parse_batch`. Blocking. Raises `Problem` BUSY when the process broke down; the next call has another."""
        # What looks up addresses cannot be told another process; it has its own.
        there = replace(options, locate=no_geography)
        try:
            return self._parse(body, there, received_ms)
        except BrokenProcessPool:
            # Whatever ended the process, it need not have been this batch.
            return self._parse_again(body, there, received_ms)

    def _parse_again(self, body: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
        try:
            return self._parse(body, options, received_ms)
        except BrokenProcessPool as error:
            raise _cannot_read() from error

    def _parse(self, body: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
        pool = self._running()
        try:
            return pool.submit(_parse, body, options, received_ms).result(_MOST_SECONDS)
        except BrokenProcessPool:
            self._give_up(pool)
            raise
        except TimeoutError as error:
            self._give_up(pool)
            raise _cannot_read() from error
        except MemoryError as error:
            self._give_up(pool)
            # Sent again as it is it would be too much again.
            raise Problem("BODY_TOO_LARGE", "Reading the batch takes too much memory; send it in parts.") from error

    def close(self) -> None:
        """End the process."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    1,
                    # Forking a process that holds the engine's threads would leave them locked in the child.
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=_begin,
                    initargs=(self._geography,),
                    max_tasks_per_child=_BATCHES_PER_PROCESS,
                )
            return self._pool

    def _give_up(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        for process in multiprocessing.active_children():
            if process.pid in getattr(pool, "_processes", {}):
                process.kill()
        pool.shutdown(wait=False, cancel_futures=True)


def _cannot_read() -> Problem:
    message = "The batch could not be read; send it again, in smaller parts."
    return Problem("BUSY", message, retry_after_s=_RETRY_AFTER_S)


_locate: Callable[[str], Geography] = no_geography


def _begin(geography: Path | None) -> None:
    """Runs first in the other process."""
    global _locate  # noqa: PLW0603 - the one thing that the process keeps between two batches
    end_with_parent()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    _locate = no_geography if geography is None else open_geography(geography)


def _parse(body: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
    return parse_batch(body, replace(options, locate=_locate), received_ms)
