"""The writer's promises: exactly once by (client, seq), within a batch, across batches, concurrently; opt-out."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from odometer.collect.records import Sender, to_row
from odometer.errors import Problem
from odometer.store.records.append import Appended, Batch, Writer
from tests.conftest import Store

NOON_MS = 1_937_736_000_000  # 2031-05-28T12:00:00Z


def batch(product: int, client: str, *records: dict[str, Any], batch_id: str = "b") -> Batch:
    sender = Sender(client, "", 0, NOON_MS, 400)
    rows = [to_row({"type": "event", "name": "Crop", "at": "2031-05-20T10:00:00Z", **r}, sender) for r in records]
    return Batch(product, batch_id, NOON_MS, rows)


def stored(store: Store, product: int) -> list[tuple[Any, ...]]:
    sql = "SELECT client, seq, type, name FROM odometer.records WHERE product = {p:UInt64} ORDER BY client, seq"
    return store.engine.rows(sql, {"p": product})


def test_a_replayed_batch_is_all_duplicates(store: Store) -> None:
    """Sending a batch again changes nothing, and says so."""
    product = store.new_product()
    first = store.writer.append(batch(product, "client-01", {"seq": 1}, {"seq": 2})).result(30)

    again = store.writer.append(batch(product, "client-01", {"seq": 1}, {"seq": 2}, batch_id="other")).result(30)

    assert (first.duplicates, again.duplicates) == (0, 2)
    assert stored(store, product) == [("client-01", 1, "event", "Crop"), ("client-01", 2, "event", "Crop")]


def test_the_first_of_two_records_with_one_seq_stays(store: Store) -> None:
    """Within a batch the earlier one wins; another client's seq is another record."""
    product = store.new_product()
    answer = store.writer.append(batch(product, "client-01", {"seq": 7}, {"seq": 7, "name": "Blur"})).result(30)
    store.writer.append(batch(product, "client-02", {"seq": 7})).result(30)

    assert answer.duplicates == 1
    assert stored(store, product) == [("client-01", 7, "event", "Crop"), ("client-02", 7, "event", "Crop")]


def test_concurrent_senders_of_the_same_records_store_them_once(store: Store) -> None:
    """Eight senders at once with the same batch: one of them is accepted, record by record."""
    product = store.new_product()
    records = [{"seq": n} for n in range(1, 51)]

    with ThreadPoolExecutor(8) as senders:
        futures: list[Future[Appended]] = list(
            senders.map(
                lambda n: store.writer.append(batch(product, "client-01", *records, batch_id=f"b{n}")), range(8)
            )
        )
    duplicates = sum(future.result(30).duplicates for future in futures)

    assert duplicates == 7 * 50
    assert len(stored(store, product)) == 50


def test_records_after_an_opt_out_are_refused_until_the_opt_in(store: Store) -> None:
    """The nearest opt record of smaller seq decides; the sender learns that it is out."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1}, {"seq": 5, "type": "opt_out"})).result(30)

    out = store.writer.append(batch(product, "client-01", {"seq": 4}, {"seq": 6})).result(30)
    back = store.writer.append(batch(product, "client-01", {"seq": 8, "type": "opt_in"}, {"seq": 9})).result(30)

    assert (out.opted_out, out.disabled) == ([1], True)
    assert (back.opted_out, back.disabled) == ([], False)
    assert [seq for _, seq, _, _ in stored(store, product)] == [1, 4, 5, 8, 9]


def test_a_record_that_turns_out_to_follow_an_opt_out_is_erased(store: Store) -> None:
    """An opt_out that arrives late removes what was sent after it, from records and figures."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1}, {"seq": 6, "at": "2031-05-21T10:00:00Z"})).result(30)
    store.derivation.derive_clients(product, ["client-01"])
    store.writer.append(batch(product, "client-01", {"seq": 3, "type": "opt_out"})).result(30)

    store.derivation.derive_clients(product, ["client-01"])

    days = "SELECT day FROM odometer.client_day WHERE product = {p:UInt64} GROUP BY day HAVING sum(sign) > 0"
    assert [seq for _, seq, _, _ in stored(store, product)] == [1, 3]
    assert [str(day) for (day,) in store.engine.rows(days, {"p": product})] == ["2031-05-20"]


def test_a_writer_that_is_behind_refuses_instead_of_promising(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its queue full the sender is told to come again; nothing of it is stored."""
    monkeypatch.setattr("odometer.store.records.append.MAX_WAITING", 1)
    writer = Writer(store.engine, lambda _touched, _ingest_no: None)
    product = store.new_product()
    refused: list[Problem] = []
    for n in range(200):
        try:
            writer.append(batch(product, "client-01", {"seq": n + 1}))
        except Problem as problem:
            refused.append(problem)
    writer.close()

    assert {(problem.code, problem.status, problem.retry_after_s) for problem in refused} == {("BUSY", 503, 5)}
    assert len(stored(store, product)) == 200 - len(refused)


def test_a_sender_that_hangs_up_does_no_harm(store: Store) -> None:
    """A cancelled batch is dropped or stored, and the writer goes on answering others."""
    product = store.new_product()
    for n in range(20):
        store.writer.append(batch(product, "client-01", {"seq": n + 1})).cancel()

    answer = store.writer.append(batch(product, "client-02", {"seq": 1})).result(30)

    assert answer.duplicates == 0


def test_what_may_have_been_stored_is_derived(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When storing fails after the fact (a lost connection), the clients are touched: the retry is only a duplicate."""
    touched: list[dict[int, set[str]]] = []
    writer = Writer(store.engine, lambda clients, _ingest_no: touched.append(clients))
    product = store.new_product()
    insert = store.engine.insert_json

    def insert_and_fail(table: str, lines: bytes) -> None:
        insert(table, lines)
        raise Problem("STORE_UNAVAILABLE", "lost", retry_after_s=5)

    monkeypatch.setattr(store.engine, "insert_json", insert_and_fail)
    failed = writer.append(batch(product, "client-01", {"seq": 1})).exception(30)
    monkeypatch.undo()
    retried = writer.append(batch(product, "client-01", {"seq": 1})).result(30)
    writer.close()

    assert isinstance(failed, Problem)
    assert retried.duplicates == 1
    assert touched == [{product: {"client-01"}}]
