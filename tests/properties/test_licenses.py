"""The license key registry meets random histories: who decides over type and flags, and which keys are collected."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from odometer.model.licenses import KeyUpdate
from tests.conftest import Store, tried
from tests.generic import assert_same, by_engine, by_oracle
from tests.licenses import KeyDesk, open_desk
from tests.oracle.history import Life
from tests.oracle.licenses import Change, with_registry
from tests.oracle.wire import FLAGS, OPTS, Record, at_ms, day_of
from tests.properties.histories import days_of, histories, lives_of
from tests.properties.values import KEYS
from tests.worlds import World, feed

ONE_DAY = dt.timedelta(days=1)
LEVELS = ("licenseType", *FLAGS)


@pytest.fixture(scope="module")
def desk(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyDesk]:
    opened = open_desk(store, tmp_path_factory.mktemp("licenses"))
    yield opened
    opened.registry.close()


@st.composite
def plans(draw: st.DrawFn, days: list[dt.date]) -> list[tuple[dt.date, str, dict[str, Any] | None]]:
    """What is done to which key on which day, in order: values to set, or None to delete."""
    near = sorted({day + n * ONE_DAY for day in days for n in (-1, 0, 1)})
    flag = st.booleans()
    values = st.fixed_dictionaries(
        {},
        optional={
            "license_type": st.sampled_from(["purchased", "nfr", "custom3"]),
            "activated": flag,
            "blocked": flag,
            "expired": flag,
            "expiry": st.sampled_from([*near, None]),
        },
    )
    step = st.tuples(st.sampled_from(near), st.sampled_from([*KEYS, "K-3"]), values | st.none())
    return sorted(draw(st.lists(step, min_size=2, max_size=7)), key=lambda one: one[0])


def carry_out(desk: KeyDesk, product: int, plan: list[tuple[dt.date, str, dict[str, Any] | None]]) -> list[Change]:
    """Do it, and tell it to the oracle: what each key was afterwards."""
    made: list[Change] = []
    for day, key, values in plan:
        desk.clock.day = day
        book = desk.registry.license_keys
        if values is None:
            if book.delete(product, [key], actor="test"):
                made.append((day, key, None))
        else:
            book.update(product, [KeyUpdate(key, values)], actor="test")
            made.append((day, key, _held(desk, product, key)))
    return made


def _held(desk: KeyDesk, product: int, key: str) -> dict[str, Any]:
    return asdict(desk.registry.license_keys.changes(product, [key])[key][-1].after)


def assert_figures(desk: KeyDesk, product: int, lives: list[Life], days: list[dt.date]) -> None:
    """Figures by every property that the registry decides, day by day and over all."""
    for name in LEVELS:
        for split in ("day", None):
            request = {
                "startDate": str(days[0]),
                "stopDate": str(days[-1]),
                "dateSplit": split,
                "clientStatus": ["new", "active", "lost"],
                "daysUntilDeclaredLost": 3,
                "levels": {"level1": {"property": name}},
            }
            today = days[-1] + 5 * ONE_DAY
            found = by_engine(desk.store, product, request, today), by_oracle(lives, request, today)
            assert_same(*found, request, today)


def rebuild(desk: KeyDesk, product: int, *, decides: bool) -> None:
    """As the command does it."""
    written = desk.sync.rewrite(product, decides=decides)
    desk.store.derivation.derive_since(product, 0)
    desk.sync.applied(product, written)


@tried(4)
@given(data=st.data(), world=histories(), later=histories())
def test_the_registry_decides_over_each_day(desk: KeyDesk, data: st.DataObject, world: World, later: World) -> None:
    product = feed(desk.store, world, product=desk.new_product())
    lives = lives_of(world)
    plan = data.draw(plans(days_of(lives)))
    half = len(plan) // 2
    made = carry_out(desk, product, plan[:half])
    desk.sync.apply(product, decides=True)
    assert_figures(desk, product, with_registry(lives, made), days_of(lives))

    # The registry changes, and is followed; then data arrives that knows at once what the registry says.
    made += carry_out(desk, product, plan[half:])
    desk.sync.apply(product, decides=True)
    assert_figures(desk, product, with_registry(lives, made), days_of(lives))
    feed(desk.store, later, product=product)
    lives = lives_of([*world, *later])
    assert_figures(desk, product, with_registry(lives, made), days_of(lives))

    rebuild(desk, product, decides=True)
    assert_figures(desk, product, with_registry(lives, made), days_of(lives))
    desk.derived.clear()
    desk.sync.apply(product, decides=True)
    assert desk.derived == [], "nothing has changed since"

    desk.sync.apply(product, decides=False)
    assert_figures(desk, product, lives, days_of(lives))
    rebuild(desk, product, decides=False)
    assert_figures(desk, product, lives, days_of(lives))


@tried(4)
@given(world=histories(), later=histories())
def test_keys_are_collected_with_their_first_day(desk: KeyDesk, world: World, later: World) -> None:
    """Whatever arrives first: the day is that of the earliest record, the values are what that client had said then."""
    whole = [*world, *later]
    records = [record for one in whole for record in one.records]
    assume(not any(record["type"] in OPTS for record in records))
    product = feed(desk.store, world, product=desk.new_product())
    desk.sync.collect(product)
    feed(desk.store, later, product=product)
    desk.sync.collect(product)

    again = desk.new_product()
    feed(desk.store, whole, product=again)
    desk.sync.collect(again)
    assert collected(desk, product) == collected(desk, again) == expected_keys(whole, records)
    before = desk.registry.license_keys.newest_change(product)
    desk.sync.collect(product, from_start=True)
    assert desk.registry.license_keys.newest_change(product) == before


@tried(6)
@given(data=st.data(), world=histories())
def test_what_is_collected_of_a_key_does_not_depend_on_the_order_of_arrival(
    desk: KeyDesk, data: st.DataObject, world: World
) -> None:
    """Every record alone or with others, in any order, and the registry looks at any moment between."""
    records = [record for one in world for record in one.records if record["type"] not in OPTS]
    order = data.draw(st.permutations(records))
    product = desk.new_product()
    place = 0
    while place < len(order):
        size = data.draw(st.integers(1, 6))
        feed(desk.store, [replace(world[0], records=tuple(order[place : place + size]))], product=product)
        if data.draw(st.booleans()):
            desk.sync.collect(product)
        place += size
    desk.sync.collect(product)

    assert collected(desk, product) == expected_keys(world, records)
    changes = desk.registry.license_keys.changes(product, KEYS)
    assert all(len(made) == 1 for made in changes.values())


def expected_keys(world: World, records: list[Record]) -> dict[str, tuple[Any, ...]]:
    """Of the clients that name a key on the first day of all, the one with the smallest id, as it was that evening."""
    # Each record as of when it was received: a later delivery holds days that would be in the future of the first.
    told = [replace(one, records=tuple(record for record in one.records if record in records)) for one in world]
    lives = {life.client: life for life in lives_of(told)}
    found = {}
    for key in KEYS:
        named = [(day_of(at_ms(one)), one["clientId"].encode()) for one in records if one.get("key") == key]
        if named:
            day, client = min(named)
            found[key] = (day, *reported(lives[client.decode()], day))
    return found


def collected(desk: KeyDesk, product: int) -> dict[str, tuple[Any, ...]]:
    """The keys of the registry, none of which anybody edited."""
    return {
        key: (made[-1].after.added, made[-1].after.license_type, *flags(made[-1].after))
        for key, made in desk.registry.license_keys.changes(product, KEYS).items()
    }


def reported(life: Life, day: dt.date) -> tuple[Any, ...]:
    values = life.days[day].values
    return (values["licenseType"] or "unknown", *(values[flag] for flag in FLAGS))


def flags(key: Any) -> tuple[bool, ...]:
    return key.activated, key.allowed, key.blocked, key.expired
