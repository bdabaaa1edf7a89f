"""Derived rows that do not agree for a moment keep no server from being ready."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from odometer import look_over
from odometer.accounts import Registry, open_registry
from odometer.clock import Clock
from odometer.errors import StartError
from odometer.look_over import DERIVED_DAMAGED, damage_of
from odometer.store.analytics import Analytics
from odometer.store.damage import derived_faults
from odometer.store.derive.background import Deriver
from odometer.store.derive.mark import write_mark
from odometer.store.engine import Engine
from odometer.store.records.append import last_ingest_no
from odometer.store.records.deletion import delete_rows
from odometer.store.tables import CLIENT, CLIENT_DAY
from tests.conftest import Store
from tests.worlds import Delivery, _batch, feed


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock(), hasher=cheap)
    yield registry
    registry.close()


@pytest.fixture
def analytics(store: Store) -> Analytics:
    return Analytics(store.engine, store.gate, store.derivation)


def found_in_turn(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[Sequence[str]]:
    """What is found by each look; the list holds those that are left."""
    left = list(answers)

    def faults(_engine: Engine) -> Sequence[str]:
        return left.pop(0)

    monkeypatch.setattr(look_over, "derived_faults", faults)
    return left


def test_it_is_looked_again_before_it_counts(
    analytics: Analytics, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = found_in_turn(monkeypatch, ["odd"], [])
    damage_of(analytics, registry).checks[DERIVED_DAMAGED]()
    assert left == []
    found_in_turn(monkeypatch, ["odd"], ["still odd"])
    with pytest.raises(StartError, match="still odd"):
        damage_of(analytics, registry).checks[DERIVED_DAMAGED]()


def test_on_a_server_nothing_is_compared(
    analytics: Analytics, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = found_in_turn(monkeypatch, ["odd"])
    monkeypatch.setattr(analytics.engine, "folder", None)
    damage_of(analytics, registry).checks[DERIVED_DAMAGED]()
    assert len(left) == 1


def event_of(client: str) -> Delivery:
    event = {"seq": 1, "type": "event", "at": "2031-05-03T10:00:00Z", "category": "a", "name": "b"}
    return Delivery(({**event, "clientId": client},), 1_940_000_000_000, f"b-{client}")


@pytest.fixture
def damaged(store: Store) -> Iterator[int]:
    """A product whose only client has lost its derived rows."""
    product = store.new_product()
    feed(store, [event_of("client-01")], product=product)
    write_mark(store.engine, last_ingest_no(store.engine))
    for table in (CLIENT, CLIENT_DAY):
        delete_rows(store.engine, table, product, ("client",), [("client-01",)])
    yield product
    store.derivation.derive_clients(product, ["client-01"])


def faults_of(product: int, faults: Sequence[str]) -> list[str]:
    """Those of one product: the store is shared with other tests."""
    return [fault for fault in faults if str(product) in fault]


def test_derived_rows_that_are_right_again_are_noticed(
    store: Store, analytics: Analytics, registry: Registry, damaged: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lasted for the life of the process: readiness, and 503 for every report."""

    def of_this_product(engine: Engine, up_to: int | None = None) -> Sequence[str]:
        return faults_of(damaged, derived_faults(engine, up_to))

    monkeypatch.setattr(look_over, "derived_faults", of_this_product)
    derived = damage_of(analytics, registry).derived
    with pytest.raises(StartError, match=f"Product {damaged}: 1 clients on one side, 0 on the other"):
        derived.require()
    deriver = Deriver(store.engine, store.derivation, Clock())
    try:
        derived.look_again(deriver)
        assert derived.faults
        assert deriver.derive_again(damaged, ["client-01"])
        # Not derived yet, and no fault. (The writer was not told of numbers that writers of other tests gave.)
        store.writer._last_ingest_no = last_ingest_no(store.engine)
        store.writer.append(_batch(damaged, event_of("client-02"))).result(10)
        derived.look_again(deriver)
        assert derived.faults == []
        derived.require()
    finally:
        deriver.close()


def test_records_that_are_lost_later_are_told_too(analytics: Analytics, registry: Registry) -> None:
    check = damage_of(analytics, registry).checks["records_lost"]
    check()
    analytics.ledger.losses = ("1 of 2 records of 2031-05 are missing.",)
    try:
        with pytest.raises(StartError, match="2031-05"):
            check()
    finally:
        analytics.ledger.losses = ()
