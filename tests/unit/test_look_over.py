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
from odometer.store.engine import Engine
from tests.conftest import Store


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
    assert DERIVED_DAMAGED not in damage_of(analytics, registry)
    assert left == []
    found_in_turn(monkeypatch, ["odd"], ["still odd"])
    with pytest.raises(StartError, match="still odd"):
        damage_of(analytics, registry)[DERIVED_DAMAGED]()


def test_on_a_server_nothing_is_compared(
    analytics: Analytics, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = found_in_turn(monkeypatch, ["odd"])
    monkeypatch.setattr(analytics.engine, "folder", None)
    assert DERIVED_DAMAGED not in damage_of(analytics, registry)
    assert len(left) == 1


def test_records_that_are_lost_later_are_told_too(analytics: Analytics, registry: Registry) -> None:
    check = damage_of(analytics, registry)["records_lost"]
    check()
    analytics.ledger.losses = ("1 of 2 records of 2031-05 are missing.",)
    try:
        with pytest.raises(StartError, match="2031-05"):
            check()
    finally:
        analytics.ledger.losses = ()
