"""Appending live records: one writer thread takes what many senders brought, drops replays, makes the rest durable."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from odometer.errors import Problem
from odometer.model.opt_out import OptRecord, by_client, counts, is_out_now
from odometer.model.records import OPT_TYPES, RecordRow
from odometer.store.engine import Engine
from odometer.store.records.content import CONTENT, content_of
from odometer.store.records.kinds import IS_OPT_RECORD
from odometer.store.tables import MARK, RECORDS

# Senders beyond this are told to come again: what waits here is not acknowledged and only costs memory.
MAX_WAITING: Final = 256
# One commit costs one fsync; more records in it make it cheaper until its own size counts.
MAX_RECORDS_PER_COMMIT: Final = 20_000

Key = tuple[int, str, int]  # product, client, seq
Touched = dict[int, set[str]]  # clients by product
# In this order records of one key were received; the first one stays (chapter 09).
_ARRIVAL: Final = "(received_ms, batch_id, ingest_no)"
# Tells which of some clients of a product are blocked: nothing of theirs is stored (chapter 09, Deleting).
BlockedAmong = Callable[[int, Collection[str]], Collection[str]]


def no_blocked_clients(_product_id: int, _clients: Collection[str]) -> Collection[str]:
    """No client is blocked."""
    return ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Validated records of one request; `refused` are the (client, seq) of records that validation refused.

    `sender` is the client whose envelope it was; lines have none.
    """

    product_id: int
    batch_id: str
    received_ms: int
    rows: list[RecordRow]
    refused: list[tuple[str, int]] = field(default_factory=list)
    sender: str = ""

    @property
    def clients(self) -> frozenset[str]:
        """Whose records they are."""
        if self.sender:
            return frozenset([self.sender])
        return frozenset([*(row["client"] for row in self.rows), *(client for client, _ in self.refused)])


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch. Positions count in `Batch.rows`; `known` are refused records that are stored already.

    `disabled`: the batch is of one client, and that has opted out or is blocked. `conflicts`: how many of the
    duplicates carried other content under a used seq.
    """

    duplicates: int
    opted_out: list[int]
    blocked: list[int]
    known: set[tuple[str, int]]
    disabled: bool
    conflicts: int = 0


class _Keys:
    """The keys that are taken when a commit begins, and those that it takes."""

    def __init__(self, stored: set[Key], contents: dict[Key, int]) -> None:
        """`contents` are those of stored records that came again."""
        self._stored = stored
        self._contents = contents
        self._taken: dict[Key, RecordRow] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._stored or key in self._taken

    def add(self, key: Key, row: RecordRow) -> None:
        """Take a key."""
        self._taken[key] = row

    def differs(self, key: Key, row: RecordRow) -> bool:
        """Whether the record under a key says something else; one that was erased a moment ago says nothing."""
        before = self._contents.get(key)
        if before is None and key in self._taken:
            before = content_of(self._taken[key])
        return before is not None and before != content_of(row)


class Writer:
    """Appends live batches exactly once by (product, client, seq) and answers when they are durable (chapter 09)."""

    def __init__(
        self,
        engine: Engine,
        on_stored: Callable[[Touched, int], None],
        blocked_among: BlockedAmong = no_blocked_clients,
    ) -> None:
        """`on_stored(touched, ingest_no)` is called after each commit, before its senders are answered."""
        self._engine = engine
        self._on_stored = on_stored
        self._blocked_among = blocked_among
        self._storing = threading.Lock()
        self._waiting: queue.Queue[tuple[Batch, Future[Appended]] | None] = queue.Queue(MAX_WAITING)
        self._opts = _read_opts(engine)
        self._opts_are_stale = False
        self._last_ingest_no = last_ingest_no(engine)
        # Records are lost: what is acknowledged now would be lost too when a backup is brought back.
        self.is_closed_to_senders = False
        self._thread = threading.Thread(target=self._run, name="odometer-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many batches wait."""
        return self._waiting.qsize()

    def append(self, batch: Batch) -> Future[Appended]:
        """Hand a batch over; the future resolves when its records are on disk. Raises `Problem` BUSY when behind."""
        if self.is_closed_to_senders:
            raise Problem("STORE_UNAVAILABLE", "The server cannot store at the moment.", retry_after_s=300)
        answer: Future[Appended] = Future()
        try:
            self._waiting.put_nowait((batch, answer))
        except queue.Full as error:
            raise Problem("BUSY", "The server is behind with storing; send again later.", retry_after_s=5) from error
        return answer

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is stored during the block, in which clients are erased; what arrives waits."""
        with self._storing:
            # Theirs may be among the known opt records.
            self._opts_are_stale = True
            yield

    def close(self) -> None:
        """Store what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            taken, stop = [first], False
            while sum(len(batch.rows) for batch, _ in taken) < MAX_RECORDS_PER_COMMIT:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    stop = True
                    break
                taken.append(following)
            self._commit(taken)
            if stop:
                return

    def _commit(self, taken: list[tuple[Batch, Future[Appended]]]) -> None:
        # A sender that hung up while its batch waited has cancelled; from here on nobody can, so answering is safe.
        taken = [(batch, future) for batch, future in taken if future.set_running_or_notify_cancel()]
        try:
            with self._storing:
                answers = self._store([batch for batch, _ in taken])
        except Exception as error:  # noqa: BLE001 - whatever failed, every sender must learn that nothing is promised
            for _, future in taken:
                future.set_exception(error)
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            future.set_result(answer)

    def _store(self, batches: list[Batch]) -> list[Appended]:
        if self._opts_are_stale:
            self._opts, self._opts_are_stale = _read_opts(self._engine), False
        keys = self._stored_keys(batches)
        # Before anything is remembered of a batch: this may fail.
        clients_of = [batch.clients for batch in batches]
        blocked_in = [
            self._blocked_among(batch.product_id, clients) for batch, clients in zip(batches, clients_of, strict=True)
        ]
        self._last_ingest_no = max(time.time_ns(), self._last_ingest_no + 1)
        lines: list[bytes] = []
        touched: Touched = {}
        answers = []
        for batch, clients, no_more in zip(batches, clients_of, blocked_in, strict=True):
            accepted, answer = self._judge(batch, clients, no_more, keys)
            lines += [_line(batch, row, self._last_ingest_no) for row in accepted]
            if accepted:
                touched.setdefault(batch.product_id, set()).update(row["client"] for row in accepted)
            answers.append(answer)
        if lines:
            try:
                self._engine.insert_json(RECORDS.name, b"\n".join(lines))
            except Exception:
                # It may have been stored all the same (a lost connection): the sender's retry is then a duplicate and
                # touches nobody, so the clients are derived now.
                self._opts_are_stale = True
                raise
            finally:
                self._on_stored(touched, self._last_ingest_no)
        return answers

    def _judge(
        self, batch: Batch, clients: Collection[str], no_more: Collection[str], keys: "_Keys"
    ) -> tuple[list[RecordRow], Appended]:
        """The rows of a batch that are new and welcome, and what its sender is told; opt records are remembered."""
        known = {key for key in batch.refused if (batch.product_id, *key) in keys}
        accepted: list[RecordRow] = []
        duplicates, conflicts, opted_out, blocked = 0, 0, [], []
        for position, row in enumerate(batch.rows):
            key = (batch.product_id, row["client"], row["seq"])
            if key in keys:
                duplicates += 1
                conflicts += keys.differs(key, row)
            elif row["client"] in no_more:
                blocked.append(position)
            elif not self._is_welcome(batch.product_id, row):
                opted_out.append(position)
            else:
                keys.add(key, row)
                accepted.append(row)
        is_disabled = self._is_disabled(batch.product_id, clients, no_more)
        return accepted, Appended(duplicates, opted_out, blocked, known, is_disabled, conflicts)

    def _stored_keys(self, batches: list[Batch]) -> "_Keys":
        wanted: dict[int, set[tuple[str, int]]] = {}
        sent: set[Key] = set()
        for batch in batches:
            keys = {(row["client"], row["seq"]) for row in batch.rows}
            wanted.setdefault(batch.product_id, set()).update(keys, batch.refused)
            sent.update((batch.product_id, *key) for key in keys)
        found: set[Key] = set()
        contents: dict[Key, int] = {}
        for product_id, some in wanted.items():
            stored = self._about_stored(product_id, some, "any(0)")
            found |= stored.keys()
            # Most batches bring nothing again: only what comes again is read.
            again = [key[1:] for key in stored.keys() & sent]
            if again:
                contents |= self._about_stored(product_id, again, f"argMin({CONTENT}, {_ARRIVAL})")
        return _Keys(found, contents)

    def _about_stored(self, product_id: int, keys: Collection[tuple[str, int]], value: str) -> dict[Key, int]:
        """An expression over the records that are stored under each of the keys, where there are any."""
        rows = self._engine.rows(
            f"""SELECT client, seq, {value} FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND (client, seq) IN {{keys:Array(Tuple(String, UInt64))}}
            GROUP BY client, seq""",
            {"product": product_id, "keys": sorted(keys)},
        )
        return {(product_id, client, seq): int(found) for client, seq, found in rows}

    def _is_disabled(self, product_id: int, clients: Collection[str], blocked: Collection[str]) -> bool:
        if len(clients) != 1:
            return False
        (client,) = clients
        return client in blocked or is_out_now(self._opts.get((product_id, client), ()))

    def _is_welcome(self, product_id: int, row: RecordRow) -> bool:
        """False for a record of an opted-out client; remembers opt records for those that follow."""
        key = (product_id, row["client"])
        if row["type"] in OPT_TYPES:
            opt = OptRecord(row["seq"], row["used_ms"], row["canonical"], row["type"] == "opt_out")
            self._opts.setdefault(key, []).append(opt)
            return True
        return key not in self._opts or counts(row["seq"], row["used_ms"], self._opts[key])


def last_ingest_no(engine: Engine) -> int:
    """The greatest ever given: the record that had it may be erased, and then the mark of derivation still knows it."""
    sql = f"SELECT greatest((SELECT max(ingest_no) FROM {RECORDS}), (SELECT max(value) FROM {MARK}))"
    return int(engine.rows(sql)[0][0])


def _line(batch: Batch, row: RecordRow, ingest_no: int) -> bytes:
    whole: dict[str, Any] = {
        **row,
        "product": batch.product_id,
        "received_ms": batch.received_ms,
        "batch_id": batch.batch_id,
        "ingest_no": ingest_no,
    }
    return orjson.dumps(whole)


def _read_opts(engine: Engine) -> dict[tuple[int, str], list[OptRecord]]:
    rows = engine.rows(
        f"""SELECT product, client, seq, used_ms, canonical, type = 'opt_out' FROM {RECORDS}
        WHERE {IS_OPT_RECORD}"""
    )
    return by_client(((product, client), *opt) for product, client, *opt in rows)
