"""Connections to ClickHouse, embedded (chDB) or a server: one pool of handles, one query a handle at a time."""

import contextlib
import contextvars
import fcntl
import json
import os
import queue
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from odometer.errors import Problem, StartError

DATABASE: Final = "odometer"
REPORT_MEMORY_MIB: Final = 4096
_TIMEOUT_CODES: Final = ("TIMEOUT_EXCEEDED", "TOO_SLOW", "QUERY_WAS_CANCELLED")

Params = Mapping[str, Any]
# Values by column, all columns of one length.
Columns = tuple[Sequence[Any], ...]


class Job:
    """One piece of work for a caller, whose queries another thread can stop."""

    def __init__(self) -> None:
        self.id = uuid.uuid4().hex
        self.is_stopped = False


_JOB: Final[contextvars.ContextVar[Job | None]] = contextvars.ContextVar("job", default=None)


@contextlib.contextmanager
def working_on(job: Job) -> Iterator[None]:
    """All queries that this thread asks within the block belong to the job."""
    token = _JOB.set(job)
    try:
        yield
    finally:
        _JOB.reset(token)


class FolderInUse(StartError):
    """Another process has the folder open."""


class FolderLock:
    """Makes sure that one process at a time has a data folder open; the system drops the lock when the process dies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / "odometer.lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = self._path.read_text().strip() or "unknown"
            os.close(self._file)
            raise FolderInUse(
                f"The data folder {folder} is in use by another Odometer process (pid {holder}); "
                "stop it first, or use another folder."
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let other processes open the folder."""
        os.close(self._file)


class Engine:
    """A pool of handles on one ClickHouse. Blocking: call it from worker threads, never from an event loop."""

    def __init__(
        self,
        url: str,
        *,
        handles: int = 8,
        threads_per_query: int | None = None,
        report_memory_mib: int = REPORT_MEMORY_MIB,
    ) -> None:
        """Open `chdb:///folder` (locked for this process) or `clickhouse://user:password@host:port`.

        `report_memory_mib` bounds each query that has a time limit, so that no report takes the whole machine.
        Raises `StartError` when the folder is locked or the server cannot be reached.
        """
        parts = urlsplit(url)
        self._report_memory = report_memory_mib * 1024 * 1024
        self._lock: FolderLock | None = None
        # Where the embedded engine keeps its files; None: a server.
        self.folder: Path | None = None
        self._options: dict[str, Any] = {}
        if parts.scheme == "chdb":
            folder = Path(parts.path)
            self._lock = FolderLock(folder)
            self.folder = folder
            self._options = {"interface": "chdb", "path": str(folder / "chdb")}
        elif parts.scheme in ("clickhouse", "clickhouses"):
            secure = parts.scheme == "clickhouses"
            self._options = {
                "host": parts.hostname or "localhost",
                "port": parts.port or (8443 if secure else 8123),
                "username": parts.username or "default",
                "password": parts.password or "",
                "secure": secure,
            }
        else:
            raise StartError(f"The analytics store must be chdb:///folder or clickhouse://host, not {parts.scheme}://.")
        self._settings: dict[str, Any] = {
            "max_threads": threads_per_query or os.cpu_count() or 2,
            # A history of many years touches many monthly partitions at once.
            "max_partitions_per_insert_block": 0,
            # An erasure takes effect at once for every reader; the engine rewrites its files seconds later.
            "lightweight_deletes_sync": 0,
            "apply_mutations_on_fly": 1,
            # Once remembered for one product, "nothing here matches" was believed for another one: derivation then
            # found no rows to write (engine 26.9; tests/store/test_derivation.py).
            "use_query_condition_cache": 0,
        }
        self._free: queue.LifoQueue[Client] = queue.LifoQueue()
        self._all: list[Client] = []
        self._may_open = threading.Semaphore(handles)
        self._opening = threading.Lock()
        try:
            with self.handle() as first:
                first.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        except (ClickHouseError, OSError) as error:
            self.close()
            raise StartError(f"The analytics store at {url.rpartition('@')[2]} cannot be opened.") from error

    @contextlib.contextmanager
    def handle(self) -> Iterator[Client]:
        """Lend one handle; waits while all are busy."""
        with self._may_open:
            client = self._take()
            try:
                yield client
            finally:
                self._free.put(client)

    def _take(self) -> Client:
        try:
            return self._free.get_nowait()
        except queue.Empty:
            with self._opening:
                client = clickhouse_connect.get_client(**self._options, settings=self._settings)
                self._all.append(client)
            return client

    def rows(
        self,
        sql: str,
        params: Params | None = None,
        *,
        timeout_s: float | None = None,
        settings: Params | None = None,
    ) -> list[tuple[Any, ...]]:
        """All rows of a SELECT with bound parameters. Raises `Problem` QUERY_TIMEOUT, STORE_UNAVAILABLE."""
        settings = dict(settings or {})
        if timeout_s is not None:
            settings |= {"max_execution_time": timeout_s, "timeout_overflow_mode": "throw"}
            settings |= {"max_memory_usage": self._report_memory}
        job = _JOB.get()
        if job is not None:
            settings |= {"log_comment": job.id}
        with _as_problem(), self.handle() as client:
            if job is not None and job.is_stopped:
                raise _stopped()
            answer = client.query(sql, parameters=dict(params or {}), settings=settings)
            return [tuple(row) for row in answer.result_rows]

    def columns(self, sql: str, params: Params, *, timeout_s: float, settings: Params | None = None) -> Columns:
        """As `rows`, by column; no columns where there is no row."""
        return tuple(zip(*self.rows(sql, params, timeout_s=timeout_s, settings=settings), strict=True))

    def stream(self, sql: str, params: Params, settings: Params) -> Generator[Columns, None, None]:
        """The answer of a SELECT block by block, each a tuple of columns, from one view of its tables.

        Neither the engine nor this process ever holds more than some blocks. The view is taken, and a handle, when
        the first block is asked for; the handle is given back at the end or when the generator is closed.
        """
        settings = {"max_memory_usage": self._report_memory, **settings}
        with self.handle() as client:
            with _as_problem():
                stream = client.query_column_block_stream(sql, parameters=dict(params), settings=settings)
            with stream as blocks:
                while True:
                    with _as_problem():
                        block = next(blocks, None)
                    if block is None:
                        return
                    yield tuple(block)

    def stop(self, job: Job) -> None:
        """Stop the job's running query, and let none of its further ones begin. Harmless when it has ended."""
        job.is_stopped = True
        with _as_problem(), self.handle() as client:
            client.query("KILL QUERY WHERE Settings['log_comment'] = {job:String} ASYNC", parameters={"job": job.id})

    def native(self, sql: str, params: Params) -> bytes:
        """The answer of a SELECT in the engine's own block format, to be given back to `insert_native`."""
        with _as_problem(), self.handle() as client:
            return client.raw_query(sql, parameters=dict(params), fmt="Native")

    def unreadable_parts(self, table: str) -> list[str]:
        """Names of the table's parts whose files are not what they were; reads all of them."""
        each = {"check_query_single_value_result": 0}
        with _as_problem(), self.handle() as client:
            answer = client.raw_query(f"CHECK TABLE {DATABASE}.{table}", settings=each, fmt="JSONEachRow")
        parts = [json.loads(line) for line in answer.splitlines()]
        return [part["part_path"] for part in parts if not int(part["is_passed"])]

    def insert_native(self, table: str, columns: tuple[str, ...], blocks: bytes) -> None:
        """Append what `native` returned."""
        with _as_problem(), self.handle() as client:
            client.raw_insert(f"{DATABASE}.{table}", column_names=columns, insert_block=blocks, fmt="Native")

    def insert_json(self, table: str, lines: bytes) -> None:
        """Append rows given as one JSON object a line; returns when they are durable (the table is fsynced)."""
        with _as_problem(), self.handle() as client:
            client.raw_insert(f"{DATABASE}.{table}", insert_block=lines, fmt="JSONEachRow")

    @property
    def version(self) -> str:
        """Of ClickHouse."""
        return str(self.rows("SELECT version()")[0][0])

    def command(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that answers nothing."""
        with _as_problem(), self.handle() as client:
            client.command(sql, parameters=dict(params or {}))

    def close(self) -> None:
        """Close every handle and give the folder back."""
        for client in self._all:
            client.close()
        self._all.clear()
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _stopped() -> Problem:
    return Problem("QUERY_TIMEOUT", "The report took longer than it may.", retry_after_s=30)


@contextlib.contextmanager
def _as_problem() -> Iterator[None]:
    """Engine errors stay in the log; the caller learns only whether waiting longer or coming again may help."""
    try:
        yield
    except (ClickHouseError, OSError) as error:
        if any(code in str(error) for code in _TIMEOUT_CODES):
            raise _stopped() from error
        if "MEMORY_LIMIT_EXCEEDED" in str(error):
            message = "The report needs more memory than it may: ask for a shorter range or fewer items."
            raise Problem("QUERY_TIMEOUT", message, retry_after_s=30) from error
        raise Problem("STORE_UNAVAILABLE", "The analytics store did not answer.", retry_after_s=5) from error
