"""Derivation's promises beside the oracle: replaced rows survive their insert; running it again writes nothing."""

import datetime as dt
from typing import Any

import pytest

from tests.conftest import Store
from tests.store.test_writer import batch
from tests.worlds import Delivery, feed_as_stored, to_ms


def client_days(store: Store, product: int) -> list[tuple[str, str, int]]:
    sql = """SELECT toString(day), toString(next_day), toInt64(sum(sign)) FROM odometer.client_day
        WHERE product = {p:UInt64} GROUP BY day, next_day HAVING sum(sign) != 0 ORDER BY day"""
    return [(day, following, count) for day, following, count in store.engine.rows(sql, {"p": product})]


def stored_rows(store: Store, product: int) -> Any:
    sql = "SELECT count(), sum(sign) FROM odometer.client_day WHERE product = {p:UInt64}"
    return store.engine.rows(sql, {"p": product})[0]


def test_a_row_that_changes_is_replaced(store: Store) -> None:
    """A later day changes the row before it: removal and new form come in one insert, which collapses pairs already."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1, "at": "2031-05-16T08:00:00Z"})).result(30)
    store.derivation.derive_clients(product, ["client-01"])

    store.writer.append(batch(product, "client-01", {"seq": 2, "at": "2031-05-19T08:00:00Z"})).result(30)
    store.derivation.derive_clients(product, ["client-01"])

    assert client_days(store, product) == [("2031-05-16", "2031-05-19", 1), ("2031-05-19", "2149-06-06", 1)]
    store.engine.command("OPTIMIZE TABLE odometer.client_day FINAL")
    assert client_days(store, product) == [("2031-05-16", "2031-05-19", 1), ("2031-05-19", "2149-06-06", 1)]


@pytest.mark.parametrize(("name", "column", "value"), [("ram", "p_ram", 0), ("touchScreen", "p_touch_screen", False)])
def test_a_value_that_was_null_becomes_zero_and_null_again(store: Store, name: str, column: str, value: Any) -> None:
    """Rows are compared by a hash, and the hash of a null must not hide the value, nor anything beside it."""
    product = store.new_product()
    sql = (
        f"SELECT {column}, sum(sign) FROM odometer.client WHERE product = {{p:UInt64}} GROUP BY 1 HAVING sum(sign) != 0"
    )

    def derived(seq: int, **said: Any) -> Any:
        record = {
            "seq": seq,
            "type": "properties",
            "at": f"2031-05-16T08:00:0{seq}Z",
            "set": {"osLanguage": "en", **said},
        }
        store.writer.append(batch(product, "client-01", record)).result(30)
        store.derivation.derive_clients(product, ["client-01"])
        return store.engine.rows(sql, {"p": product})

    assert derived(1) == [(None, 1)]
    assert derived(2, **{name: value}) == [(0, 1)]
    assert derived(3, **{name: None}) == [(None, 1)]


def test_deriving_again_writes_nothing(store: Store) -> None:
    """A crash is mended by running derivation again; where nothing is wrong it writes no row."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1}, {"seq": 2, "at": "2031-05-21T08:00:00Z"})).result(30)
    store.derivation.derive_clients(product, ["client-01"])
    before = stored_rows(store, product)

    store.derivation.derive_clients(product, ["client-01"])
    store.derivation.derive_since(product, 0)

    assert stored_rows(store, product) == before


def test_a_rebuild_removes_rows_of_clients_without_records(store: Store) -> None:
    """Records are the truth: derived rows that no record stands behind go."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1})).result(30)
    store.derivation.derive_clients(product, ["client-01"])
    store.engine.command("DELETE FROM odometer.records WHERE product = {p:UInt64}", {"p": product})

    store.derivation.derive_since(product, 0)

    assert client_days(store, product) == []


def test_commits_after_the_round_are_left_out(store: Store) -> None:
    """A round reads complete commits only: what is written meanwhile belongs to the next round, in every table."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", {"seq": 1, "at": "2031-05-16T08:00:00Z"})).result(30)
    first = store.engine.rows("SELECT max(ingest_no) FROM odometer.records WHERE product = {p:UInt64}", {"p": product})
    store.writer.append(batch(product, "client-01", {"seq": 2, "at": "2031-05-19T08:00:00Z"})).result(30)

    store.derivation.derive_clients(product, ["client-01"], first[0][0])
    half = client_days(store, product)
    store.derivation.derive_clients(product, ["client-01"])

    assert half == [("2031-05-16", "2149-06-06", 1)]
    assert client_days(store, product) == [("2031-05-16", "2031-05-19", 1), ("2031-05-19", "2149-06-06", 1)]


def test_every_one_of_many_products_alike_is_derived(store: Store) -> None:
    """The same records stored twice, product after product: each is derived, whatever the engine remembers of others.

    With the engine's cache of conditions every fifth had no row in `client`, where this test was the first to run.
    """
    assert store.engine.rows("SELECT toInt8(getSetting('use_query_condition_cache'))") == [(0,)]
    event = {"type": "custom_event", "name": "Crop", "data": [["k", "v"]]}
    events = tuple(
        {"clientId": f"client-{client:03}", **event, "at": f"2031-07-1{day}T10:00:00Z", "seq": day + 1}
        for client in range(2)
        for day in range(3)
    )
    delivery = Delivery(events, to_ms(dt.date(2031, 7, 20)), "b")
    for _ in range(12):
        product = feed_as_stored(store, [delivery, delivery])
        sql = "SELECT sum(sign) FROM odometer.client WHERE product = {p:UInt64}"
        assert store.engine.rows(sql, {"p": product}) == [(2,)]
