"""Running export jobs one after the other: from the queue to a complete file, or to a clear failure (chapter 06)."""

import contextlib
import errno
import hashlib
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import structlog

from odometer.errors import Problem
from odometer.exports.files import FileKey, FileStore
from odometer.exports.worker import Stopped
from odometer.model.export_job import ExportJob, ExportOrder

STREAM: Final = "exports"
_PROGRESS_EVERY_S: Final = 0.5
_CHUNK: Final = 1024 * 1024
_log = structlog.get_logger(__name__)

# Told how many clients are written, and of how many. May raise to stop the writing.
Progress = Callable[[int, int], None]
# Writes the file of an order to a path and returns how many clients are in it.
WriteOrder = Callable[[ExportOrder, Path, Progress], int]


class JobBook(Protocol):
    """Where jobs are kept; see `odometer.accounts.export_jobs`."""

    def claim(self) -> ExportJob | None:
        """The job that has waited longest, running from now on."""

    def progress(self, export_id: str, written: int, total: int) -> None:
        """Note how many clients are written, and of how many."""

    def is_running(self, export_id: str) -> bool:
        """Whether the job is still wanted by the one who runs it."""

    def finish(self, export_id: str, written: int, file_size: int, sha256: str) -> bool:
        """Note that the file is complete; False when clients were erased meanwhile, who may be in it."""

    def stop_running(self, product_id: int, erased: Collection[str]) -> int:
        """Let all that is being written wait again; how many."""

    def with_files(self, product_id: int) -> list[ExportJob]:
        """All jobs of a product whose files can be fetched."""

    def make_again(self, jobs: Collection[ExportJob], erased: Collection[str]) -> int:
        """Let jobs wait again whose files are gone; how many."""

    def fail(self, export_id: str, error: str) -> None:
        """Note that there will be no file, and why."""

    def put_back(self, export_id: str) -> None:
        """Let a job that was stopped on purpose wait again."""

    def due(self, days: int) -> list[ExportJob]:
        """Finished jobs whose files have to go."""

    def expired(self, export_id: str) -> None:
        """Note that the file is gone."""

    def forget(self) -> None:
        """Remove what ended long ago."""


@dataclass(frozen=True, slots=True)
class ExportDuty:
    """What the export worker does.

    Attributes:
        book: the jobs.
        files: where files are kept.
        write: makes the content of a file.
        kept_days: so long a file is kept.

    """

    book: JobBook
    files: FileStore
    write: WriteOrder
    kept_days: int
    # Jobs that failed while the book could not be written either (a full disk), with the sentence for the user.
    _unnoted: dict[str, str] = field(default_factory=dict)

    def __call__(self, stopping: threading.Event) -> None:
        """Take away files that are due, then run all jobs that wait."""
        self._note_failures()
        for old in self.book.due(self.kept_days):
            self._expire(old)
        self.book.forget()
        while not stopping.is_set():
            job = self.book.claim()
            if job is None:
                return
            self._run(job, stopping)

    def _expire(self, job: ExportJob) -> None:
        try:
            self.files.delete(key_of(job))
        except Exception:  # noqa: BLE001 - one file that cannot go now must not hold up what others wait for
            _log.exception("an export's file was not removed, trying again", export_id=job.export_id)
            return
        self.book.expired(job.export_id)

    def _run(self, job: ExportJob, stopping: threading.Event) -> None:
        try:
            with self.files.writing(key_of(job)) as path:
                written = self.write(job.order, path, self._progress(job, stopping))
                size, sha256 = path.stat().st_size, sha256_of(path)
                if not self.book.is_running(job.export_id):
                    raise _Withdrawn
            if not self.book.finish(job.export_id, written, size, sha256):
                self.files.delete(key_of(job))
        except Stopped:
            self.book.put_back(job.export_id)
            raise
        except _Withdrawn:
            return
        except Exception as error:  # noqa: BLE001 - whatever failed, the user must learn that there will be no file
            _log.exception("an export failed", export_id=job.export_id)
            # It may be there already: what failed may have been the note that the job is done.
            with contextlib.suppress(Exception):
                self.files.delete(key_of(job))
            self._unnoted[job.export_id] = _sentence(error)
            self._note_failures()

    def _note_failures(self) -> None:
        """Raises while the book cannot be written; the next time it is tried again, so that no job runs for ever."""
        for export_id, sentence in list(self._unnoted.items()):
            self.book.fail(export_id, sentence)
            del self._unnoted[export_id]

    def _progress(self, job: ExportJob, stopping: threading.Event) -> Progress:
        last = float("-inf")

        def note(written: int, total: int) -> None:
            nonlocal last
            if stopping.is_set():
                raise Stopped
            now = time.monotonic()
            if now - last >= _PROGRESS_EVERY_S:
                last = now
                self.book.progress(job.export_id, written, total)

        return note


def make_again(book: JobBook, files: FileStore, product_id: int, erased: Collection[str]) -> int:
    """As clients were erased, take away all files of a product and let them be made again; how many.

    In this order: what is written from now on is without the clients, and a file is gone before its name is forgotten.
    Doing it again completes what broke off.
    """
    stopped = book.stop_running(product_id, erased)
    jobs = book.with_files(product_id)
    for job in jobs:
        files.delete(key_of(job))
    return stopped + book.make_again(jobs, erased)


class _Withdrawn(Exception):
    """Clients were erased while the file was written, in which they may be."""


def key_of(job: ExportJob) -> FileKey:
    """Where the job's file is kept."""
    return FileKey(STREAM, job.order.product_id, job.file_name)


def sha256_of(path: Path) -> str:
    """The hash of a file of any size, hexadecimal."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _sentence(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.message
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The server has no space left for the file."
    return "Something went wrong on the server; the operator finds it in the log by the id of the export."
