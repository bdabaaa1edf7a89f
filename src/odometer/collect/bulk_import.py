"""Bulk import of files (contract 09): parsed by several processes, appended in large chunks, then derived."""

import contextlib
import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import orjson

from odometer.collect.import_files import EncodedChunk, FileChunk, encode_chunk, read_chunks
from odometer.store.analytics import Analytics
from odometer.store.append import BlockedAmong, nobody
from odometer.store.bulk import BulkAppend
from odometer.store.deriver import write_mark

ROWS_PER_APPEND: Final = 200_000
_OPTED_OUT: Final = "OPTED_OUT"
_BLOCKED: Final = "BLOCKED"


@dataclass(slots=True)
class ImportSummary:
    """What became of the lines of an import; accepted + duplicates + all rejected = lines read."""

    accepted: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)

    @property
    def lines(self) -> int:
        """Lines (rows of Parquet) read."""
        return self.accepted + self.duplicates + self.rejected.total()


class BulkImport:
    """Imports files into one product. Run again after a crash: what is stored is recognised, nothing counts twice."""

    def __init__(
        self,
        analytics: Analytics,
        product_id: int,
        *,
        received_ms: int,
        rejected_file: Path,
        blocked_among: BlockedAmong = nobody,
        on_read: Callable[[ImportSummary, int], None] = lambda _summary, _bytes: None,
        on_derived: Callable[[float], None] = lambda _share: None,
    ) -> None:
        """`on_read(summary, bytes read)` and `on_derived(share done)` report progress.

        Rejected lines are written to `rejected_file`, which exists afterwards only when there were any.
        """
        self._analytics = analytics
        self._product_id = product_id
        self._received_ms = received_ms
        self._rejected_file = rejected_file
        self._on_read = on_read
        self._on_derived = on_derived
        self._append = BulkAppend(analytics.engine, product_id, received_ms, blocked_among)
        self.summary = ImportSummary()

    def run(self, files: list[Path]) -> ImportSummary:
        """Import the files and derive what they touched; returns when reports see it."""
        workers = min(4, os.cpu_count() or 2)
        # Forking a process that holds the engine's threads would leave them locked in the child.
        context = multiprocessing.get_context("spawn")
        with contextlib.ExitStack() as stack:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
            rejects = stack.enter_context(_RejectsFile(self._rejected_file))
            pending: list[bytes] = []
            rows = 0
            for chunk, encoded in self._encoded(pool, files, in_flight=2 * workers):
                for rejection in encoded.rejected:
                    rejects.write({"file": str(chunk.file), **rejection.as_dict()})
                self.summary.rejected.update(rejection.code for rejection in encoded.rejected)
                pending.append(encoded.rows)
                rows += encoded.count
                if rows >= ROWS_PER_APPEND:
                    self._store(pending, rejects)
                    pending, rows = [], 0
                self._on_read(self.summary, chunk.position)
            self._store(pending, rejects)
        self._derive()
        return self.summary

    def _encoded(
        self, pool: ProcessPoolExecutor, files: list[Path], in_flight: int
    ) -> Iterator[tuple[FileChunk, EncodedChunk]]:
        """Chunks in file order with their rows, a few being encoded ahead."""
        waiting: deque[tuple[FileChunk, Future[EncodedChunk]]] = deque()
        for chunk in read_chunks(files):
            waiting.append((chunk, pool.submit(encode_chunk, chunk, self._received_ms)))
            if len(waiting) >= in_flight:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()

    def _store(self, pending: list[bytes], rejects: "_RejectsFile") -> None:
        if any(pending):
            result = self._append.append(b"".join(pending))
            self.summary.accepted += result.accepted
            self.summary.duplicates += result.duplicates
            for code, refused in ((_OPTED_OUT, result.opted_out), (_BLOCKED, result.blocked)):
                self.summary.rejected.update({code: len(refused)} if refused else {})
                for client, seq in refused:
                    rejects.write({"code": code, "clientId": client, "seq": seq or None})

    def _derive(self) -> None:
        if self.summary.accepted:
            self._analytics.derivation.derive_since(self._product_id, self._append.ingest_no_before, self._on_derived)
            write_mark(self._analytics.engine, self._append.last_ingest_no)


class _RejectsFile:
    """Collects rejected lines with their reason, one JSON object a line; made only when there is one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "_RejectsFile":
        # One of an earlier import would look as if this one had rejects.
        self._path.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, entry: dict[str, Any]) -> None:
        if self._file is None:
            self._file = self._path.open("wb")
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
