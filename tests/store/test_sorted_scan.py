"""Days that are read in slices: no record twice, none missing, in order, and nothing left behind."""

import datetime as dt
import random
from unittest.mock import Mock

import orjson
import pytest

from odometer.store.records import sorted_scan
from odometer.store.records.reading import RAW_COLUMNS
from odometer.store.records.sorted_scan import drop_leftovers
from tests.conftest import Store

DAY = dt.date(2031, 6, 12)
KEY = [RAW_COLUMNS.index(name) for name in ("used_ms", "client", "seq")]


def fill(store: Store, records: int) -> int:
    """A day of few moments and few clients, so that slices begin amid equal ones, in several parts."""
    product, chance = store.new_product(), random.Random(7)
    rows = [
        {
            "product": product,
            "client": f"c{chance.randrange(3)}",
            "seq": seq,
            "used_ms": chance.randrange(3),
            "day": DAY,
        }
        for seq in range(records)
    ]
    for start in range(0, records, 400):
        store.engine.insert_json("records", b"\n".join(map(orjson.dumps, rows[start : start + 400])))
    return product


def tables(store: Store) -> set[str]:
    rows = store.engine.rows("SELECT name FROM system.tables WHERE database = 'odometer'")
    return {name for (name,) in rows}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_scan, "_SLICE_BYTES", 4_000)
    monkeypatch.setattr(sorted_scan, "_SAMPLED", 7)
    monkeypatch.setattr(sorted_scan, "_BLOCK_ROWS", 100)


@pytest.mark.usefixtures("small")
def test_slices_are_the_day_in_order_and_in_even_blocks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    product, before = fill(store, 1_210), tables(store)
    read = Mock(wraps=sorted_scan._slice)
    monkeypatch.setattr(sorted_scan, "_slice", read)

    blocks = list(store.questions.raw.of_day(product, DAY))

    keys = [tuple(row[place] for place in KEY) for block in blocks for row in zip(*block, strict=True)]
    assert read.call_count > 10
    assert [len(block[0]) for block in blocks] == [*[100] * 12, 10]
    assert keys == sorted(keys)
    assert sorted(seq for _, _, seq in keys) == list(range(1_210))
    assert tables(store) == before


@pytest.mark.usefixtures("small")
def test_a_day_is_read_as_it_was_when_reading_began(store: Store) -> None:
    product = fill(store, 500)
    blocks = store.questions.raw.of_day(product, DAY)

    read = len(next(blocks)[0])
    row = {"product": product, "client": "late", "seq": 1, "used_ms": 5, "day": DAY}
    store.engine.insert_json("records", orjson.dumps(row))

    assert read + sum(len(block[0]) for block in blocks) == 500


@pytest.mark.usefixtures("small")
def test_a_reader_that_leaves_leaves_nothing_behind_and_what_a_dead_one_left_is_removed(store: Store) -> None:
    product, before = fill(store, 500), tables(store)
    blocks = store.questions.raw.of_day(product, DAY)
    next(blocks)
    assert len(tables(store)) == len(before) + 1

    blocks.close()

    assert tables(store) == before
    store.engine.command("CREATE TABLE odometer.in_order_dead (a UInt8) ENGINE = MergeTree ORDER BY a")
    drop_leftovers(store.engine)
    assert tables(store) == before
