"""License keys of clients and of the registry: who decides when, worked by hand (chapter 07)."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odometer.clock import Clock
from odometer.licenses.registry_sync import RegistrySync
from odometer.licenses.states import state_at
from odometer.model.licenses import KeyUpdate, LicenseKey
from odometer.store.derive.background import Deriver
from odometer.store.derive.license_overlay import LicenseStates
from tests.conftest import Store
from tests.generic import by_engine
from tests.licenses import AllReports, KeyDesk, open_desk
from tests.worlds import Delivery, feed, to_ms

KEY = "K-7F31-22"
RECEIVED_MS = to_ms(dt.date(2031, 6, 30))


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[KeyDesk]:
    opened = open_desk(store, tmp_path)
    yield opened
    opened.registry.close()


def license_record(client: str, seq: int, day: str, **members: Any) -> dict[str, Any]:
    return {"clientId": client, "seq": seq, "type": "license", "at": f"{day}T10:00:00Z", **members}


def deliver(desk: KeyDesk, product: int, *records: dict[str, Any]) -> None:
    feed(desk.store, [Delivery((one,), RECEIVED_MS, f"b-{one['seq']}") for one in records], product=product)


def active_by(desk: KeyDesk, product: int, name: str, day: str) -> dict[str, int]:
    """Active clients of a day by a property."""
    request = {
        "startDate": day,
        "stopDate": day,
        "clientStatus": ["active"],
        "levels": {"level1": {"property": name}},
    }
    answer = by_engine(desk.store, product, request, dt.date(2031, 6, 30))
    items = answer["result"]["level1"].items()
    return {label: item["totals"]["active"] for label, item in items if item["totals"]["active"]}


def one_client(desk: KeyDesk) -> int:
    """Active on 06-09, 10, 11, 12, 15 and 16; it says `evaluation` on the 9th and names its key on the 10th."""
    product = desk.new_product()
    records = [license_record("client-01", 1, "2031-06-09", licenseType="evaluation")]
    records += [license_record("client-01", 2, "2031-06-10", key=KEY)]
    records += [
        {"clientId": "client-01", "seq": seq, "type": "heartbeat", "at": f"2031-06-{day}T10:00:00Z"}
        for seq, day in enumerate((11, 12, 15, 16), 3)
    ]
    deliver(desk, product, *records)
    return product


def types(desk: KeyDesk, product: int) -> list[str]:
    days = ("09", "10", "11", "12", "15", "16")
    return [next(iter(active_by(desk, product, "licenseType", f"2031-06-{day}"))) for day in days]


def test_a_day_has_what_the_registry_held_at_its_end(desk: KeyDesk) -> None:
    """Added on the 10th as purchased, nfr on the 11th after a change of mind, deleted on the 12th, back on the 16th.

    9th: before it was added, reported. 10th: purchased. 11th: the last change of the day. 12th: deleted at its end.
    15th: still deleted. 16th: added anew.
    """
    product, book = one_client(desk), desk.registry.license_keys
    for day, values in (
        (10, {"license_type": "purchased"}),
        (11, {"license_type": "freeware"}),
        (11, {"license_type": "nfr"}),
        (12, None),
        (16, {"license_type": "custom1"}),
    ):
        desk.clock.day = dt.date(2031, 6, day)
        if values is None:
            book.delete(product, [KEY], actor="test")
        else:
            book.update(product, [KeyUpdate(KEY, values)], actor="test")
    assert types(desk, product) == ["evaluation"] * 6

    desk.sync.apply(product, decides=True)

    expected = ["evaluation", "purchased", "nfr", "evaluation", "evaluation", "custom1"]
    assert types(desk, product) == expected
    store, changes = desk.store, book.changes(product, [KEY])[KEY]
    store.derivation.derive_since(product, 0)
    assert types(desk, product) == expected
    said = [state_at(changes, dt.date(2031, 6, day)) for day in (9, 10, 12, 16)]
    assert [(state.holds, state.license_type) for state in said] == [
        (False, ""),
        (True, "purchased"),
        (False, ""),
        (True, "custom1"),
    ]
    desk.sync.apply(product, decides=False)
    assert types(desk, product) == ["evaluation"] * 6


def test_a_key_expires_on_the_day_after_its_expiry_date(desk: KeyDesk) -> None:
    """Expiry on the 11th: still valid on the 11th, expired on the 12th and later; moved to the 15th, from the 16th on.

    The client itself has always said that it is not expired. No clock is asked: the days say it themselves.
    """
    product, book = one_client(desk), desk.registry.license_keys
    desk.clock.day = dt.date(2031, 6, 9)
    book.update(product, [KeyUpdate(KEY, {"expiry": dt.date(2031, 6, 11)})], actor="test")
    desk.sync.apply(product, decides=True)
    days = ("10", "11", "12", "15", "16")

    def expired() -> list[str]:
        return [next(iter(active_by(desk, product, "licenseStatus.expired", f"2031-06-{day}"))) for day in days]

    assert expired() == ["false", "false", "true", "true", "true"]
    desk.clock.day = dt.date(2031, 6, 13)
    book.update(product, [KeyUpdate(KEY, {"expiry": dt.date(2031, 6, 15)})], actor="test")
    desk.sync.apply(product, decides=True)
    # The 12th stays what it was at its end: the extension came on the 13th.
    assert expired() == ["false", "false", "true", "false", "true"]


def test_the_last_known_key_stands_for_all_days(desk: KeyDesk) -> None:
    product, book = one_client(desk), desk.registry.license_keys
    desk.clock.day = dt.date(2031, 6, 1)
    book.update(product, [KeyUpdate(KEY, {"license_type": "nfr"})], actor="test")
    book.update(product, [KeyUpdate("OTHER", {"license_type": "custom2"})], actor="test")
    desk.sync.apply(product, decides=True)
    assert types(desk, product) == ["nfr"] * 6

    deliver(desk, product, license_record("client-01", 9, "2031-06-16", key="OTHER"))
    assert types(desk, product) == ["custom2"] * 6
    deliver(desk, product, license_record("client-01", 10, "2031-06-16", key=None))
    assert types(desk, product) == ["evaluation"] * 6


def test_what_a_crash_left_half_done_is_done_again(desk: KeyDesk) -> None:
    """The process dies after the states are stored and before the clients are derived; then the setting changes."""
    product, book = one_client(desk), desk.registry.license_keys
    desk.clock.day = dt.date(2031, 6, 1)
    book.update(product, [KeyUpdate(KEY, {"license_type": "nfr"})], actor="test")
    desk.sync.rewrite(product, decides=True)
    desk.store.derivation.derive_clients(product, ["client-01"])
    assert types(desk, product) == ["nfr"] * 6

    desk.sync.apply(product, decides=False)

    assert types(desk, product) == ["evaluation"] * 6
    desk.sync.rewrite(product, decides=True)
    desk.sync.apply(product, decides=True)
    assert types(desk, product) == ["nfr"] * 6
    assert desk.derived == ["client-01", "client-01"]


def test_a_key_is_collected_once_and_a_deleted_one_stays_deleted(desk: KeyDesk) -> None:
    product, book = one_client(desk), desk.registry.license_keys
    desk.sync.run(product, collects=False, decides=False)
    assert book.newest_change(product) == 0

    desk.sync.run(product, collects=True, decides=True)

    made = book.changes(product, [KEY])[KEY]
    day = dt.date(2031, 6, 10)
    assert [one.after for one in made] == [
        LicenseKey(key=KEY, license_type="evaluation", added=day, auto_collected=True)
    ]
    assert (made[0].day, made[0].actor) == (day, "collected")
    book.update(product, [KeyUpdate(KEY, {"license_type": "nfr"})], actor="test")
    assert book.changes(product, [KEY])[KEY][-1].after.auto_collected
    desk.sync.run(product, collects=True, decides=True)
    assert len(book.changes(product, [KEY])[KEY]) == 2
    # Late data from before the key was collected moves its day; what somebody set stays.
    deliver(desk, product, license_record("client-02", 1, "2031-06-02", key=KEY, licenseType="custom1", blocked=True))
    desk.sync.run(product, collects=True, decides=True)
    first, second = book.changes(product, [KEY])[KEY]
    assert (first.day, first.after.license_type, first.after.blocked) == (dt.date(2031, 6, 2), "custom1", True)
    assert (second.after.license_type, second.after.blocked) == ("nfr", False)
    assert types(desk, product) == ["custom1"] * 6
    book.delete(product, [KEY], actor="test")

    desk.sync.collect(product, from_start=True)
    deliver(desk, product, license_record("client-03", 1, "2031-06-01", key=KEY))
    desk.sync.collect(product)

    assert book.changes(product, [KEY])[KEY][-1].action == "deleted"


def test_collecting_that_was_stopped_is_done_by_the_next_call(desk: KeyDesk) -> None:
    product, book = one_client(desk), desk.registry.license_keys
    states = LicenseStates(desk.store.engine, desk.store.derivation, lambda _product_id, _clients: False)
    stopped = RegistrySync(book, AllReports(desk.store.engine), states, should_continue=lambda: False)
    stopped.collect(product)
    assert book.newest_change(product) == 0

    desk.sync.collect(product)

    assert list(book.changes(product, [KEY])) == [KEY]
    stopped.apply(product, decides=True)
    desk.sync.apply(product, decides=True)
    assert desk.derived == ["client-01"]


def test_the_deriver_derives_again_without_new_records(desk: KeyDesk) -> None:
    """A server that has just started and received nothing: figures follow the registry, and no record is lost."""
    product, store = one_client(desk), desk.store
    deriver = Deriver(store.engine, store.derivation, Clock())
    before = types(desk, product)

    assert deriver.derive_again(product, ["client-01"])
    assert types(desk, product) == before

    deriver.close()
    assert not deriver.derive_again(product, ["client-01"])


def test_nothing_is_derived_while_states_are_stored(desk: KeyDesk) -> None:
    """Else a client derived from what was said before would be missed afterwards."""
    product, store = one_client(desk), desk.store
    done = threading.Event()

    def derive() -> None:
        store.derivation.derive_clients(product, ["client-01"])
        done.set()

    with store.derivation.paused():
        thread = threading.Thread(target=derive)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()
