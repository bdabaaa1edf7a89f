"""The wall clock steps back and forth by years: nothing is counted twice, nothing is lost, nothing holds for ever."""

import itertools
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from argon2 import PasswordHasher

from odometer.accounts import Registry, open_registry
from odometer.clock import DAY_MS, Clock
from odometer.errors import Problem
from odometer.exports.files import FileKey, LocalFiles
from odometer.exports.links import Links, Maker
from odometer.store.derive.background import Deriver, catch_up
from odometer.store.derive.license_overlay import LicenseStates
from odometer.store.derive.mark import read_mark, write_mark
from odometer.store.engine import DATABASE
from odometer.store.records.append import Writer, last_ingest_no
from tests.conftest import Store
from tests.store.test_writer import batch

NOW_MS = 1_937_736_000_000
YEAR_MS = 365 * DAY_MS
STEPS_MS = (0, -YEAR_MS, 20 * YEAR_MS, -3_600_000, 5_000, -40 * YEAR_MS, 1, -DAY_MS, 0)


class Stepping(Clock):
    """Stands where a test puts it."""

    ms = NOW_MS

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Stepping:
    """Both ways of asking what time it is, moved together."""
    clock = Stepping()
    ticks = itertools.count()
    monkeypatch.setattr(time, "time_ns", lambda: clock.ms * 1_000_000 + next(ticks) % 3)
    return clock


@pytest.fixture
def registry(tmp_path: Path, clock: Stepping) -> Iterator[Registry]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=cheap)
    yield registry
    registry.close()


def test_records_are_stored_once_and_derived(store: Store, clock: Stepping) -> None:
    """Batches and replays at each step, with a new writer and a catch-up in between, as after a restart."""
    # What other tests stored is none of this one's work.
    write_mark(store.engine, last_ingest_no(store.engine))
    product = store.new_product()
    rand = random.Random(20310528)
    sent: list[Any] = []
    for number, step in enumerate(STEPS_MS):
        clock.ms = NOW_MS + step
        writer = Writer(store.engine, lambda _touched, _ingest_no: None)
        before = last_ingest_no(store.engine)
        sent.append(batch(product, f"client-{number % 3}", {"seq": number + 1}, {"seq": 100 + number}))
        assert writer.append(sent[-1]).result(30).duplicates == 0
        assert writer.append(rand.choice(sent)).result(30).duplicates == 2
        writer.close()
        assert last_ingest_no(store.engine) > before
        if number % 2:
            catch_up(store.engine, store.derivation)
            assert read_mark(store.engine) == last_ingest_no(store.engine)
    catch_up(store.engine, store.derivation)
    # The writer of other tests was not told of the numbers that these ones gave.
    store.writer._last_ingest_no = last_ingest_no(store.engine)
    counts = store.engine.rows(
        f"SELECT (SELECT count() FROM {DATABASE}.records WHERE product = {product}), "
        f"(SELECT sum(count * sign) FROM {DATABASE}.event_day WHERE product = {product})"
    )
    assert counts == [(2 * len(STEPS_MS), 2 * len(STEPS_MS))]


def test_what_a_report_says_it_knows_is_true_after_a_step_back(store: Store, clock: Stepping) -> None:
    """A record that came after the step back is older by the clock than the one that waits already."""
    deriver = Deriver(store.engine, store.derivation, clock)
    write_mark(store.engine, last_ingest_no(store.engine))
    with store.derivation.paused():
        deriver.touch({store.new_product(): {"client-01"}}, last_ingest_no(store.engine))
        clock.ms -= DAY_MS
        deriver.touch({store.new_product(): {"client-01"}}, last_ingest_no(store.engine))
        assert deriver.as_of_ms() == NOW_MS - DAY_MS
    assert deriver.wait_until_idle(30)
    assert deriver.as_of_ms() == clock.ms
    deriver.close()


def test_the_last_mark_of_the_license_registry_counts(store: Store, clock: Stepping) -> None:
    product = store.new_product()
    states = LicenseStates(store.engine, store.derivation, lambda _product, _clients: True)
    for change, step in enumerate(STEPS_MS, 1):
        clock.ms = NOW_MS + step
        states.set_mark(product, change)
        assert states.mark(product) == change


def test_a_session_of_a_clock_that_was_ahead_does_not_hold_for_years(registry: Registry, clock: Stepping) -> None:
    registry.users.add("ada@example.com", "correct horse battery", is_admin=True)
    caller = registry.users.check_password("ada@example.com", "correct horse battery")
    assert caller is not None
    clock.ms = NOW_MS + 10 * YEAR_MS
    ahead = registry.sessions.open(caller)
    clock.ms = NOW_MS
    present = registry.sessions.open(caller)
    clock.ms -= 60_000
    held = registry.sessions.find(present)
    assert held is not None
    assert held.caller == caller  # a small step ends nothing
    found = registry.sessions.find(ahead)
    assert found is not None
    assert found.caller is None


def test_idle_time_is_counted_from_now_on_after_a_step_back(registry: Registry, clock: Stepping) -> None:
    registry.users.add("ada@example.com", "correct horse battery", is_admin=True)
    caller = registry.users.check_password("ada@example.com", "correct horse battery")
    assert caller is not None
    token = registry.sessions.open(caller)
    clock.ms -= 6 * 3_600_000
    assert registry.sessions.find(token) is not None
    clock.ms += 2 * 3_600_000
    found = registry.sessions.find(token)
    assert found is not None
    assert found.caller is None


def test_a_link_of_a_clock_that_was_ahead_does_not_hold_for_years(tmp_path: Path, clock: Stepping) -> None:
    links = Links(LocalFiles(tmp_path), b"secret", "http://127.0.0.1", clock, 15)
    key, maker = FileKey("exports", 1, "a.csv.zip"), Maker(1, None, needs_license_keys=False)

    def is_good(url: str) -> bool:
        query = parse_qs(urlsplit(url).query)
        try:
            said = [query[name][0] for name in ("expires", "by", "signature")]
            return links.check("exports", "1", "a.csv.zip", *said) == (key, maker)
        except Problem:
            return False

    clock.ms = NOW_MS + 10 * YEAR_MS
    ahead = links.to(key, maker).url
    assert is_good(ahead)
    clock.ms = NOW_MS
    assert not is_good(ahead)
    present = links.to(key, maker).url
    clock.ms -= 60_000
    assert is_good(present)
    clock.ms += 15 * 60_000 + 60_000
    assert not is_good(present)


def test_changes_of_the_registry_keep_their_order(registry: Registry, clock: Stepping) -> None:
    """The audit log and the queue of exports are read in the order of what happened."""
    for number, step in enumerate(STEPS_MS):
        clock.ms = NOW_MS + step
        registry.products.add(f"Product {number}", 100 + number)
        assert registry.products.get(100 + number) is not None
    subjects = [entry.subject for entry in registry.audit_log() if entry.action.startswith("product")]
    assert subjects == [str(100 + number) for number in reversed(range(len(STEPS_MS)))]
