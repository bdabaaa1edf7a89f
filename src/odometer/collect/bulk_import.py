"""Bulk import of files (chapter 09): parsed by several processes, appended in large chunks, then derived."""

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from odometer.child_process import end_with_parent
from odometer.collect.import_files import EncodedChunk, FileChunk, chunks_of, encode_chunk
from odometer.collect.import_sources import Source
from odometer.collect.import_summary import BLOCKED, OPTED_OUT, ImportSummary
from odometer.collect.interrupts import InterruptedWorkError, Interrupts
from odometer.collect.rejects import RejectsFile
from odometer.errors import Problem
from odometer.store.analytics import Analytics
from odometer.store.derive import write_mark
from odometer.store.records import BlockedAmong, BulkAppend, no_blocked_clients

ROWS_PER_APPEND: Final = 200_000
# So many faults without one good record say that a file is something else.
FAULTS_OF_A_WRONG_FILE: Final = 1_000
_WHY: Final = {
    OPTED_OUT: "This client has opted out of usage collection.",
    BLOCKED: "This client is blocked.",
}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import.

    Attributes:
        received_ms: the start of the import.
        rejected_file: where rejected lines go, from `rejects.choose_file`; it exists afterwards only when there were
            any. Without it they are only counted.
        is_dry_run: tell what would be stored, and store nothing.
        is_strict: refuse records with members that nothing reads.

    """

    received_ms: int
    rejected_file: Path | None = None
    is_dry_run: bool = False
    is_strict: bool = False


class BulkImport:
    """Imports files into one product. Run again after a crash: what is stored is recognised, nothing counts twice."""

    def __init__(
        self,
        analytics: Analytics,
        product_id: int,
        options: ImportOptions,
        *,
        blocked_among: BlockedAmong = no_blocked_clients,
        on_read: Callable[[ImportSummary, int], None] = lambda _summary, _bytes: None,
        on_derived: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """`on_read(summary, bytes read)` and `on_derived(share done)` report progress."""
        self._analytics = analytics
        self._product_id = product_id
        self._options = options
        self._on_read = on_read
        self._on_derived = on_derived
        self._append = BulkAppend(
            analytics.engine, product_id, options.received_ms, blocked_among, is_trial=options.is_dry_run
        )
        self._rejects = RejectsFile(options.rejected_file)
        self._interrupts = Interrupts()
        self._pending: list[bytes] = []
        self._pending_rows = 0
        self.summary = ImportSummary()

    def run(self, found: Sequence[Source]) -> ImportSummary:
        """Import the sources and derive what they touched; returns when reports see it.

        After Ctrl+C and SIGTERM it says what was kept: `interrupted` is set.
        """
        with self._interrupts.open(), contextlib.ExitStack() as stack:
            stack.callback(self._append.close)
            stack.callback(self._tell_rejects)
            stack.enter_context(self._rejects)
            try:
                self._read(chunks_of(found))
                self._store()
                self._refuse_opted_out()
                self._derive()
            except InterruptedWorkError as interrupt:
                self.summary.interrupted = interrupt.exit_code
        return self.summary

    def _read(self, chunks: Iterator[FileChunk]) -> None:
        """Store what the chunks hold, but the last records."""
        workers = min(4, os.cpu_count() or 2)
        # Forking a process that holds the engine's threads would leave them locked in the child.
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_work)
        try:
            faults, good, file = 0, 0, None
            for chunk, encoded in self._encoded(pool, chunks, in_flight=2 * workers):
                if chunk.file != file:
                    faults, good, file = 0, 0, chunk.file
                faults, good = faults + len(encoded.rejected), good + encoded.count
                is_wrong = not good and faults >= FAULTS_OF_A_WRONG_FILE
                self._note(chunk, encoded, FAULTS_OF_A_WRONG_FILE if is_wrong else len(encoded.rejected))
                if is_wrong:
                    self.summary.stopped = f"{chunk.file}: none of its first {faults:,} lines is a record"
                    return
                self._on_read(self.summary, chunk.position)
        except BrokenExecutor as error:
            raise Problem(
                "INTERNAL_ERROR",
                "A process that reads the files has ended, perhaps for lack of memory. Import again: what is stored "
                "is recognised.",
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)

    def _encoded(
        self, pool: ProcessPoolExecutor, chunks: Iterator[FileChunk], in_flight: int
    ) -> Iterator[tuple[FileChunk, EncodedChunk]]:
        """Chunks in file order with their rows, a few being encoded ahead."""
        waiting: deque[tuple[FileChunk, Future[EncodedChunk]]] = deque()
        for chunk in chunks:
            future = pool.submit(encode_chunk, chunk, self._options.received_ms, strict=self._options.is_strict)
            waiting.append((chunk, future))
            if len(waiting) >= in_flight:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()

    def _note(self, chunk: FileChunk, encoded: EncodedChunk, most: int) -> None:
        """Count a chunk, at most so many faults of it, and keep its rows; store when there are enough."""
        with self._interrupts.shielded():
            for rejection in encoded.rejected[:most]:
                self._rejects.write({"file": str(chunk.file), **rejection.as_dict()})
            self.summary.refuse(chunk, encoded.rejected[:most])
            self.summary.ignore(chunk, encoded.ignored)
            if chunk.damage is not None:
                self.summary.damaged.append(chunk.damage)
            self._pending.append(encoded.rows)
            self._pending_rows += encoded.count
        if self._pending_rows >= ROWS_PER_APPEND:
            self._store()

    def _store(self) -> None:
        with self._interrupts.shielded():
            lines = b"".join(self._pending)
            self._pending, self._pending_rows = [], 0
            if lines:
                result = self._append.append(lines)
                self.summary.accepted += result.accepted
                self.summary.duplicates += result.duplicates
                self.summary.conflicts += result.conflicts
                self._refuse(BLOCKED, result.blocked)

    def _refuse_opted_out(self) -> None:
        """The whole import tells who had opted out when."""
        with self._interrupts.shielded():
            for refused in self._append.refuse_opted_out():
                self.summary.accepted -= len(refused)
                self._refuse(OPTED_OUT, refused)

    def _refuse(self, code: str, refused: list[tuple[str, int]]) -> None:
        self.summary.refuse_stored(code, len(refused), _WHY[code])
        for client, seq in refused:
            self._rejects.write({"code": code, "message": _WHY[code], "clientId": client, "seq": seq or None})

    def _tell_rejects(self) -> None:
        self.summary.rejected_file = self._rejects.path if self._rejects.is_written else None
        self.summary.earlier_rejected_file = self._rejects.earlier

    def _derive(self) -> None:
        if self.summary.accepted and not self._options.is_dry_run:
            self._analytics.derivation.derive_since(self._product_id, self._append.ingest_no_before, self._on_derived)
            write_mark(self._analytics.engine, self._append.last_ingest_no)


def _begin_work() -> None:
    """What ends the import is told to the process that runs it; a worker ends when that does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with_parent()
