"""Blocked clients are refused at every door, and nothing of a client is stored while it is erased (chapter 09)."""

import json
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

import orjson
import pytest

from odometer.clock import Clock
from odometer.collect.bulk_import import BulkImport, ImportOptions
from odometer.collect.envelope import ParseOptions
from odometer.collect.import_rows import FileChunk, encode_chunk
from odometer.collect.import_sources import sources
from odometer.collect.ingest import Ingest
from odometer.errors import Problem
from odometer.store.analytics import Analytics
from odometer.store.records.append import Writer
from odometer.store.records.bulk import BulkAppend
from tests.conftest import Store
from tests.store.test_writer import NOON_MS, batch, stored

BLOCKED, FREE = "client-01", "client-02"


class Blocks:
    """Which clients are blocked, of every product."""

    def __init__(self, *clients: str) -> None:
        self.clients = set(clients)
        self.fails_for: str | None = None

    def among(self, _product_id: int, clients: Collection[str]) -> Collection[str]:
        if self.fails_for in clients:
            raise Problem("STORE_UNAVAILABLE", "no", retry_after_s=5)
        return self.clients.intersection(clients)


@pytest.fixture
def blocks() -> Blocks:
    return Blocks(BLOCKED)


@pytest.fixture
def writer(store: Store, blocks: Blocks) -> Iterator[Writer]:
    found = Writer(store.engine, lambda _touched, _ingest_no: None, blocks.among)
    yield found
    found.close()


class Noon(Clock):
    def now_ms(self) -> int:
        return NOON_MS


def record(seq: int, kind: str = "heartbeat", **more: Any) -> dict[str, Any]:
    return {"seq": seq, "type": kind, "at": "2031-05-20T10:00:00Z", **more}


def sent(writer: Writer, product: int, *records: dict[str, Any], client: str | None = None) -> dict[str, Any]:
    """The answer to one request: an envelope of a client, or lines that each name theirs."""
    if client is not None:
        body, kind = json.dumps({"clientId": client, "records": records}), "application/json"
    else:
        body, kind = "\n".join(map(json.dumps, records)), "application/x-ndjson"
    receipt = Ingest(writer, Noon()).receive(product, body.encode(), ParseOptions(content_type=kind))
    receipt.stored.result(30)
    return receipt.answer()


def test_a_sender_learns_that_it_is_disabled_whatever_it_sends(store: Store, writer: Writer) -> None:
    product = store.new_product()
    writer.append(batch(product, "client-03", {"seq": 1, "type": "opt_out"})).result(30)
    for client, is_disabled in ((BLOCKED, True), ("client-03", True), (FREE, False)):
        assert sent(writer, product, client=client)["disabled"] is is_disabled
        answer = sent(writer, product, {"seq": 0, "type": "heartbeat"}, client=client)
        assert (len(answer["rejected"]), answer["disabled"]) == (1, is_disabled)


def test_a_blocked_client_is_refused_and_told(store: Store, writer: Writer) -> None:
    """All of it: opt records as well, and what is wrong besides is refused for that."""
    product = store.new_product()
    records = (record(1), record(2, "opt_in"), record(3, "opt_out"), record(4, "nonsense"))

    answer = sent(writer, product, *records, client=BLOCKED)

    assert (answer["accepted"], answer["duplicates"], answer["disabled"]) == (0, 0, True)
    assert [(one["index"], one["seq"], one["code"]) for one in answer["rejected"]] == [
        *((place, place + 1, "BLOCKED") for place in range(3)),
        (3, 4, "INVALID_FIELD"),
    ]
    assert answer["rejected"][0]["message"] == "This client is blocked."
    assert stored(store, product) == []


def test_lines_of_others_are_stored(store: Store, writer: Writer) -> None:
    product = store.new_product()
    sent(writer, product, record(7), client=FREE)
    lines = [{"clientId": client, **record(seq)} for client, seq in ((BLOCKED, 1), (FREE, 7), (FREE, 8), (BLOCKED, 2))]

    answer = sent(writer, product, *lines, {"clientId": FREE, "seq": 9})

    assert (answer["accepted"], answer["duplicates"], answer["disabled"]) == (1, 1, False)
    assert [(one["index"], one["code"]) for one in answer["rejected"]] == [
        *((0, "BLOCKED"), (3, "BLOCKED")),
        (4, "MISSING_FIELD"),
    ]
    assert [(client, seq) for client, seq, *_ in stored(store, product)] == [(FREE, 7), (FREE, 8)]


def test_a_replay_is_a_duplicate_all_the_same_and_unblocking_holds_at_once(
    store: Store, writer: Writer, blocks: Blocks
) -> None:
    """Blocked by somebody who has not erased it: what is stored stays known."""
    product = store.new_product()
    blocks.clients.clear()
    assert sent(writer, product, record(1), client=BLOCKED)["accepted"] == 1
    blocks.clients.add(BLOCKED)

    again = sent(writer, product, record(1), record(2), record(1, "nonsense"), client=BLOCKED)
    blocks.clients.clear()
    after = sent(writer, product, record(2), client=BLOCKED)

    assert (again["accepted"], again["duplicates"], len(again["rejected"])) == (0, 2, 1)
    assert again["disabled"] is True
    assert (after["accepted"], after["disabled"]) == (1, False)


def test_an_opt_record_that_was_refused_is_not_remembered(store: Store, writer: Writer, blocks: Blocks) -> None:
    product = store.new_product()
    sent(writer, product, record(1, "opt_out"), client=BLOCKED)
    blocks.clients.clear()

    assert sent(writer, product, record(2), client=BLOCKED)["accepted"] == 1


def test_when_nobody_can_tell_who_is_blocked_nothing_is_promised(store: Store, blocks: Blocks) -> None:
    """Not even the opt-out that came in the same commit is remembered: it was not stored."""
    product = store.new_product()
    writer = Writer(store.engine, lambda _touched, _ingest_no: None, blocks.among)
    blocks.fails_for = FREE
    with writer.paused():
        # The first is taken and waits for the block to end; the others then make one commit.
        sent_first = writer.append(batch(product, "client-09", {"seq": 1}))
        time.sleep(0.1)
        out = writer.append(batch(product, "client-03", {"seq": 1, "type": "opt_out"}))
        failing = writer.append(batch(product, FREE, {"seq": 1}))
    assert sent_first.exception(30) is None
    assert [type(one.exception(30)) for one in (out, failing)] == [Problem, Problem]
    blocks.fails_for = None

    later = writer.append(batch(product, "client-03", {"seq": 2})).result(30)
    writer.close()

    assert (later.opted_out, later.disabled) == ([], False)
    assert [client for client, *_ in stored(store, product)] == ["client-03", "client-09"]


def test_nothing_is_stored_while_clients_are_erased(store: Store) -> None:
    """What arrives meanwhile waits, of whomever it is, and is stored afterwards."""
    product = store.new_product()
    with ThreadPoolExecutor(4) as senders:
        with store.writer.paused():
            waiting = [
                senders.submit(
                    lambda n: store.writer.append(batch(product, f"client-0{n % 3}", {"seq": n + 1})).result(30), n
                )
                for n in range(12)
            ]
            with pytest.raises(NotYet):
                waiting[0].result(0.3)
            assert stored(store, product) == []
        for one in waiting:
            one.result(30)

    assert len(stored(store, product)) == 12


def test_clients_that_send_while_they_are_erased_are_wholly_gone_or_new(store: Store) -> None:
    """Records before the erasure are gone, those after it are there with all that is derived from them."""
    product, eraser = store.new_product(), store.eraser
    stop = threading.Event()
    acknowledged: list[int] = []

    def send() -> None:
        seq = 0
        while not stop.is_set():
            seq += 1
            store.writer.append(batch(product, BLOCKED, {"seq": seq})).result(30)
            acknowledged.append(seq)
            store.derivation.derive_clients(product, [BLOCKED])

    sender = threading.Thread(target=send)
    sender.start()
    while len(acknowledged) < 3:
        time.sleep(0.01)
    with store.writer.paused():
        before = len(acknowledged)
        last = max(seq for _, seq, *_ in stored(store, product))
        eraser.erase(product, [BLOCKED])
        assert stored(store, product) == []
    while len(acknowledged) < before + 3:
        time.sleep(0.01)
    stop.set()
    sender.join()

    left = [seq for _, seq, *_ in stored(store, product)]
    assert left == list(range(last + 1, acknowledged[-1] + 1))
    counted = store.engine.rows(
        "SELECT sum(sign * count) FROM odometer.event_day WHERE product = {p:UInt64}", {"p": product}
    )
    assert counted == [(len(left),)]


def test_an_erased_client_that_had_opted_out_comes_back_as_a_new_one(store: Store) -> None:
    product, eraser = store.new_product(), store.eraser
    for client in (BLOCKED, FREE):
        store.writer.append(batch(product, client, {"seq": 1}, {"seq": 5, "type": "opt_out"})).result(30)
    with store.writer.paused():
        eraser.erase(product, [BLOCKED])

    back, out = (
        store.writer.append(batch(product, client, {"seq": 6, "at": "2031-05-22T10:00:00Z"})).result(30)
        for client in (BLOCKED, FREE)
    )
    store.derivation.derive_clients(product, [BLOCKED, FREE])

    assert (back.opted_out, back.disabled) == ([], False)
    assert (out.opted_out, out.disabled) == ([0], True)
    lives = store.engine.rows(
        """SELECT client, toString(install), opt_out_current, opt_out_historical FROM odometer.client
        WHERE product = {p:UInt64} GROUP BY ALL HAVING sum(sign) > 0 ORDER BY client""",
        {"p": product},
    )
    assert lives == [(BLOCKED, "2031-05-22", 0, 0), (FREE, "2031-05-20", 1, 1)]


def test_derivation_in_the_middle_of_an_erasure_learns_nothing_from_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deriver may have an erased client on its list: when an event was new is then told by the others alone."""
    product, eraser = store.new_product(), store.eraser
    for client, received_ms in ((BLOCKED, NOON_MS), (FREE, NOON_MS + 1000)):
        one = batch(product, client, {"seq": 1})
        one = type(one)(product, "b", received_ms, one.rows)
        store.writer.append(one).result(30)
    store.derivation.derive_clients(product, [BLOCKED, FREE])
    deriver = threading.Thread(target=store.derivation.derive_clients, args=(product, [BLOCKED]))

    ledger = store.derivation.ledger
    delete_records = ledger.delete_records

    def derive_and_delete(product_id: int, columns: Sequence[str], values: Sequence[tuple[Any, ...]]) -> None:
        deriver.start()
        deriver.join(0.7)
        delete_records(product_id, columns, values)

    monkeypatch.setattr(ledger, "delete_records", derive_and_delete)
    eraser.erase(product, [BLOCKED])
    deriver.join()

    assert set(store.questions.first_received(product).values()) == {NOON_MS + 1000}


def encoded(*records: dict[str, Any]) -> bytes:
    lines = b"\n".join(orjson.dumps(one) for one in records)
    found = encode_chunk(FileChunk(Path("history"), 1, "lines", lines, 0), NOON_MS)
    assert found.rejected == []
    return found.rows


def day(client: str, number: int, **more: Any) -> dict[str, Any]:
    return {"clientId": client, "type": "client_day", "day": f"2031-05-{number:02}", **more}


def test_imports_of_blocked_clients_are_refused_chunk_by_chunk(store: Store, blocks: Blocks) -> None:
    product = store.new_product()
    append = BulkAppend(store.engine, product, NOON_MS, blocks.among)

    first = append.append(encoded(day(BLOCKED, 1), day(FREE, 1), day(FREE, 1), day(BLOCKED, 1)))
    only = append.append(encoded({"clientId": BLOCKED, **record(5, "opt_out")}))
    blocks.clients = {FREE}
    other = append.append(encoded(day(BLOCKED, 2), day(FREE, 2), {"clientId": FREE, **record(4)}))
    blocks.clients = set()
    none = append.append(encoded(day(BLOCKED, 3), day(FREE, 1), day(FREE, 3)))

    assert (first.accepted, first.duplicates, first.blocked) == (1, 1, [(BLOCKED, 0), (BLOCKED, 0)])
    assert (only.accepted, only.duplicates, only.conflicts, only.blocked) == (0, 0, 0, [(BLOCKED, 5)])
    assert (other.accepted, other.duplicates, sorted(other.blocked)) == (1, 0, [(FREE, 0), (FREE, 4)])
    assert (none.accepted, none.duplicates, none.blocked) == (2, 1, [])
    held = store.engine.rows(
        "SELECT client, count() FROM odometer.records WHERE product = {p:UInt64} GROUP BY client ORDER BY client",
        {"p": product},
    )
    assert held == [(BLOCKED, 2), (FREE, 2)]
    assert store.engine.rows("SELECT count() FROM odometer.staging") == [(0,)]


def test_an_import_tells_which_lines_were_refused(
    store: Store, blocks: Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks smaller than the file; the counts sum to the lines."""
    monkeypatch.setattr("odometer.collect.bulk_import.ROWS_PER_APPEND", 1)
    files = []
    for part, clients in enumerate(((FREE, BLOCKED), (BLOCKED,), (FREE, BLOCKED, FREE))):
        files.append(tmp_path / f"part-{part}.ndjson")
        rows = [day(client, 10 * part + place + 1) for place, client in enumerate(clients)]
        files[-1].write_bytes(b"\n".join(map(orjson.dumps, rows)))
    analytics = Analytics(engine=store.engine, gate=store.gate, derivation=store.derivation)
    rejected = tmp_path / "rejected.ndjson"
    product = store.new_product()

    options = ImportOptions(NOON_MS, rejected)
    summary = BulkImport(analytics, product, options, blocked_among=blocks.among).run(sources(files))

    assert (summary.accepted, summary.duplicates, summary.rejected) == (3, 0, {"BLOCKED": 3})
    assert summary.records == 6
    told = [json.loads(line) for line in rejected.read_text().splitlines()]
    why = "This client is blocked."
    assert told == [{"code": "BLOCKED", "message": why, "clientId": BLOCKED, "seq": None}] * 3
    lives = "SELECT DISTINCT client FROM odometer.client WHERE product = {p:UInt64}"
    assert store.engine.rows(lives, {"p": product}) == [(FREE,)]
