"""Imported chunks: stored once, opt-outs hold, what was refused is told."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from odometer.collect.import_rows import FileChunk, encode_chunk
from odometer.store.bulk import BulkAppend, ChunkResult
from tests.conftest import Store
from tests.store.test_writer import NOON_MS


def append(store: Store, product: int, *records: Mapping[str, object]) -> ChunkResult:
    lines = b"\n".join(orjson.dumps({"clientId": "client-01", **record}) for record in records)
    encoded = encode_chunk(FileChunk(Path("history"), 1, "lines", lines, 0), NOON_MS)
    assert encoded.rejected == []
    return BulkAppend(store.engine, product, NOON_MS).append(encoded.rows)


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

    first = append(store, product, out, *days)
    again = append(store, product, out, *days)

    assert (first.accepted, first.duplicates, first.opted_out) == (3, 0, [("client-01", 0)])
    assert (again.accepted, again.duplicates, again.opted_out) == (0, 3, [("client-01", 0)])
