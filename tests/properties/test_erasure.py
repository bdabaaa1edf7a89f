"""Erasing clients equals never having had them (chapter 10), and leaves no row of theirs in any table."""

import contextlib
import datetime as dt
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from odometer.errors import Problem
from odometer.model.daily_file import Stream
from odometer.model.events import EventName
from odometer.store.derive.erase import Eraser
from odometer.store.tables import STAGING, TABLES
from tests.conftest import Store, tried
from tests.oracle.wire import OPTS
from tests.properties.test_identities import snapshot
from tests.worlds import CLIENTS, World, feed, worlds

EVER = (dt.date(1970, 1, 1), dt.date(2149, 1, 1))
_EVERYTHING = "SETTINGS apply_deleted_mask = 0, apply_mutations_on_fly = 0"


def without(world: World, clients: set[str]) -> World:
    """The world in which these clients never were."""
    left = [
        replace(one, records=tuple(record for record in one.records if record["clientId"] not in clients))
        for one in world
    ]
    return [one for one in left if one.records]


def answers(store: Store, product: int) -> dict[str, Any]:
    """All that any answer is made of."""
    raw = store.questions.raw
    records = [
        list(zip(*block, strict=True))
        for day in raw.content_by_day(product, EVER)
        for block in raw.of_day(product, day)
    ]
    return {
        **snapshot(store, product),
        "records": sorted(map(str, (row for block in records for row in block))),
    }


def clean_up(eraser: Eraser, months: Collection[str]) -> None:
    """Until it is done: the engine may be merging the same parts just then."""
    for _ in range(600):
        with contextlib.suppress(Problem):
            if not eraser.is_deleting():
                eraser.rewrite(months)
                return
        time.sleep(0.05)
    raise AssertionError("the engine did not come to rest")


def rows_on_disk(store: Store, product: int, clients: set[str]) -> dict[str, int]:
    """Rows of some clients, those that no answer shows included."""
    held = {}
    for table in TABLES:
        if "client" in table.column_names and table is not STAGING:
            held[table.name] = store.engine.rows(
                f"SELECT count() FROM odometer.{table.name} "
                f"WHERE product = {{p:UInt64}} AND client IN {{clients:Array(String)}} {_EVERYTHING}",
                {"p": product, "clients": sorted(clients)},
            )[0][0]
    return held


def known(store: Store, product: int) -> dict[EventName, int]:
    """When each event that occurs was new."""
    received = store.questions.first_received(product)
    return {event: received[event] for event in store.questions.first_seen(product)}


@tried(4)
@given(data=st.data(), world=worlds(), erased=st.sets(st.sampled_from(CLIENTS), min_size=1, max_size=3))
def test_erasing_equals_never_having_had_them(
    store: Store, data: st.DataObject, world: World, erased: set[str]
) -> None:
    product, eraser = feed(store, world), store.eraser
    held = eraser.erase(product, erased)
    never = feed(store, without(world, erased))
    assert answers(store, product) == answers(store, never)
    assert eraser.held(product, erased).clients == ()
    if not any(record["clientId"] in erased and record["type"] in OPTS for one in world for record in one.records):
        # When an event was new cannot be told again where its first record was erased by an opt-out before.
        assert known(store, product) == known(store, never)
    # Again changes nothing, nor does a rebuild.
    eraser.erase(product, erased)
    store.derivation.derive_since(product, 0)
    assert answers(store, product) == answers(store, never)
    if data.draw(st.booleans(), label="they come back"):
        # They come back as new clients.
        feed(store, [one for one in world if not without([one], erased)], product=product)
        eraser.erase(product, erased)
        assert answers(store, product) == answers(store, never)
    assert held.days[Stream.RAW_EVENTS] >= held.days[Stream.EXCEPTIONS] | held.days[Stream.CUSTOM_EVENTS]


# Two are enough: it writes what all tests have stored in these months anew.
@tried(2)
@given(world=worlds(), erased=st.sets(st.sampled_from(CLIENTS), min_size=1, max_size=3))
def test_after_cleaning_up_no_table_has_a_row_of_theirs(store: Store, world: World, erased: set[str]) -> None:
    product = feed(store, world)
    held = store.eraser.erase(product, erased)
    before = answers(store, product)
    clean_up(store.eraser, held.months)
    assert not any(rows_on_disk(store, product, erased).values())
    assert answers(store, product) == before
