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
from odometer.store.engine import DATABASE, Engine

# Senders beyond this are told to come again: what waits here is not acknowledged and only costs memory.
MAX_WAITING: Final = 256
# One commit costs one fsync; more records in it make it cheaper until its own size counts.
MAX_RECORDS_PER_COMMIT: Final = 20_000

Key = tuple[int, str, int]  # product, client, seq
Touched = dict[int, set[str]]  # clients by product
# Tells which of some clients of a product are blocked: nothing of theirs is stored (contract 09, Deleting).
BlockedAmong = Callable[[int, Collection[str]], Collection[str]]


def nobody(_product_id: int, _clients: Collection[str]) -> Collection[str]:
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

    `disabled`: the batch is of one client, and that has opted out or is blocked.
    """

    duplicates: int
    opted_out: list[int]
    blocked: list[int]
    known: set[tuple[str, int]]
    disabled: bool


class Writer:
    """Appends live batches exactly once by (product, client, seq) and answers when they are durable (contract 09)."""

    def __init__(
        self, engine: Engine, on_stored: Callable[[Touched, int], None], blocked_among: BlockedAmong = nobody
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
        stored = self._stored_keys(batches)
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
            known = {key for key in batch.refused if (batch.product_id, *key) in stored}
            duplicates, opted_out, blocked = 0, [], []
            for position, row in enumerate(batch.rows):
                key = (batch.product_id, row["client"], row["seq"])
                if key in stored:
                    duplicates += 1
                elif row["client"] in no_more:
                    blocked.append(position)
                elif not self._is_welcome(batch.product_id, row):
                    opted_out.append(position)
                else:
                    stored.add(key)
                    lines.append(_line(batch, row, self._last_ingest_no))
                    touched.setdefault(batch.product_id, set()).add(row["client"])
            is_disabled = self._is_disabled(batch.product_id, clients, no_more)
            answers.append(Appended(duplicates, opted_out, blocked, known, is_disabled))
        if lines:
            try:
                self._engine.insert_json("records", b"\n".join(lines))
            except Exception:
                # It may have been stored all the same (a lost connection): the sender's retry is then a duplicate and
                # touches nobody, so the clients are derived now.
                self._opts_are_stale = True
                raise
            finally:
                self._on_stored(touched, self._last_ingest_no)
        return answers

    def _stored_keys(self, batches: list[Batch]) -> set[Key]:
        wanted: dict[int, set[tuple[str, int]]] = {}
        for batch in batches:
            keys = wanted.setdefault(batch.product_id, set())
            keys.update((row["client"], row["seq"]) for row in batch.rows)
            keys.update(batch.refused)
        found: set[Key] = set()
        for product_id, keys in wanted.items():
            rows = self._engine.rows(
                f"""SELECT DISTINCT client, seq FROM {DATABASE}.records
                WHERE product = {{product:UInt64}} AND (client, seq) IN {{keys:Array(Tuple(String, UInt64))}}""",
                {"product": product_id, "keys": sorted(keys)},
            )
            found.update((product_id, client, seq) for client, seq in rows)
        return found

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
    sql = f"SELECT greatest((SELECT max(ingest_no) FROM {DATABASE}.records), (SELECT max(value) FROM {DATABASE}.mark))"
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
        f"""SELECT product, client, seq, used_ms, canonical, type = 'opt_out' FROM {DATABASE}.records
        WHERE type IN ('opt_out', 'opt_in')"""
    )
    return by_client(((product, client), *opt) for product, client, *opt in rows)
