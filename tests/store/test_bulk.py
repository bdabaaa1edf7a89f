"""Imported chunks: stored once, opt-outs hold, what was refused is told."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from hypothesis import given
from hypothesis import strategies as st

from odometer.collect.import_rows import FileChunk, encode_chunk
from odometer.store.records.bulk import BulkAppend, ChunkResult
from tests.conftest import Store, tried
from tests.store.test_writer import NOON_MS

Records = Mapping[str, object]


def encoded(*records: Records) -> bytes:
    lines = b"\n".join(orjson.dumps({"clientId": "client-01", **record}) for record in records)
    chunk = encode_chunk(FileChunk(Path("history"), 1, "lines", lines, 0), NOON_MS)
    assert chunk.rejected == []
    return chunk.rows


def append(store: Store, product: int, *records: Records) -> ChunkResult:
    return BulkAppend(store.engine, product, NOON_MS).append(encoded(*records))


def bring(
    store: Store, product: int, *chunks: Sequence[Records], is_trial: bool = False
) -> tuple[int, int, int, list[tuple[str, int]]]:
    """One import of several chunks: accepted, duplicates, conflicts, opted out."""
    bulk = BulkAppend(store.engine, product, NOON_MS, is_trial=is_trial)
    results = [bulk.append(encoded(*chunk)) for chunk in chunks]
    opted_out = [one for part in bulk.refuse_opted_out() for one in part]
    bulk.close()
    accepted = sum(one.accepted for one in results) - len(opted_out)
    return accepted, sum(one.duplicates for one in results), sum(one.conflicts for one in results), opted_out


def stored(store: Store, product: int) -> list[tuple[object, ...]]:
    sql = "SELECT client, seq, type, used_ms, name, value FROM odometer.records WHERE product = {p:UInt64} ORDER BY ALL"
    return store.engine.rows(sql, {"p": product})


def test_equal_records_are_one(store: Store) -> None:
    """Spelled differently, a record without seq is the same record: in a chunk and in a later import."""
    product = store.new_product()
    day = {"type": "client_day", "day": "2031-05-13"}

    first = append(store, product, day, {**day, "sessions": 0}, {**day, "sessions": 1})
    again = append(store, product, {**day, "runtimeSeconds": 0.0})

    assert (first.accepted, first.duplicates) == (2, 1)
    assert (again.accepted, again.duplicates) == (0, 1)


def test_an_opt_out_holds_for_import(store: Store) -> None:
    """What follows an opt-out in time is refused and told, also when the import is repeated."""
    product = store.new_product()
    out = {"type": "opt_out", "at": "2031-05-14T00:00:00Z"}
    days = [{"type": "client_day", "day": f"2031-05-{day}"} for day in (13, 14, 15)]

    first = bring(store, product, [out, *days])
    again = bring(store, product, [out, *days])

    assert first == (3, 0, 0, [("client-01", 0)])
    assert again == (0, 3, 0, [("client-01", 0)])


OUT: Records = {"type": "opt_out", "seq": 3, "at": "2031-05-13T10:00:00Z"}
BACK: Records = {"type": "opt_in", "seq": 6, "at": "2031-05-16T10:00:00Z"}
EVENTS: list[Records] = [
    {"type": "event", "seq": seq, "at": f"2031-05-{10 + seq}T12:00:00Z", "name": "Crop", "value": seq}
    for seq in (1, 2, 4, 5, 7)
]
OTHER: Records = {**EVENTS[0], "name": "Blur"}
UNNUMBERED: list[Records] = [
    {"type": "event", "at": f"2031-05-{day}T11:00:00Z", "name": "Crop"} for day in (12, 14, 17)
]


@tried(8)
@given(data=st.data())
def test_any_order_of_lines_stores_the_same(store: Store, data: st.DataObject) -> None:
    """Opt records, records with and without seq, and two records under one seq: in any order, in any chunks."""
    order = data.draw(st.permutations([OUT, BACK, *EVENTS, OTHER, *UNNUMBERED, EVENTS[1]]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=4)))
    chunks = [order[low:high] for low, high in itertools.pairwise([0, *cuts, len(order)])]
    product, other = store.new_product(), store.new_product()

    tried = bring(store, product, *chunks, is_trial=True)
    nothing = stored(store, product)
    done = bring(store, product, *chunks)
    bring(store, other, [OUT, BACK, *EVENTS, OTHER, *UNNUMBERED])

    # Without seq: nearest opt record by time. The 12th is before the opt_out, the 14th after it, the 17th after both.
    assert (*done[:3], sorted(done[3])) == (7, 2, 1, [("client-01", 0), ("client-01", 4), ("client-01", 5)])
    assert [row[1] for row in stored(store, product)] == [0, 0, 1, 2, 3, 6, 7]
    assert stored(store, product) == stored(store, other)
    assert nothing == []
    assert (*tried[:3], sorted(tried[3])) == (*done[:3], sorted(done[3]))
    assert bring(store, product, *chunks)[:2] == (0, 9)


def test_a_conflict_with_what_was_stored_before_changes_nothing(store: Store) -> None:
    """What was received first stays, whatever its content; a replay is no conflict."""
    product = store.new_product()
    bring(store, product, [EVENTS[0], EVENTS[1]])
    before = stored(store, product)

    again = bring(store, product, [OTHER], [{**EVENTS[1], "value": 2.0}], [{**EVENTS[1], "text": "more"}])

    assert again == (0, 3, 2, [])
    assert stored(store, product) == before
