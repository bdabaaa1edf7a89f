"""Raw event files imported into an empty product give the same product (chapter 08): records, derived tables, all."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.collect.import_files import encode_chunk, read_chunks
from odometer.exports.raw_files import write_raw_csv, write_raw_parquet
from odometer.store.records.bulk import BulkAppend
from odometer.store.tables import DERIVED, RECORDS
from tests.conftest import Store, tried
from tests.worlds import World, feed, feed_as_stored, worlds

NOW_MS = 2_000_000_000_000
Write = Callable[..., int]
FORMATS = {".csv.zip": write_raw_csv, ".parquet": write_raw_parquet}
# What a store says of a record only for itself.
_OWN = ("product", "client_no", "batch_id", "ingest_no", "sign")


def contents(store: Store, product: int) -> dict[str, list[tuple[Any, ...]]]:
    """All records of a product, each once, and all that is derived from them."""
    found = {}
    for table in DERIVED:
        names = ", ".join(name for name in table.column_names if name not in _OWN)
        found[table.name] = store.engine.rows(
            f"SELECT {names}, sum(sign) AS times FROM odometer.{table.name} WHERE product = {{p:UInt64}} "
            f"GROUP BY {names} HAVING times != 0 ORDER BY ALL",
            {"p": product},
        )
    names = ", ".join(name for name in RECORDS.column_names if name not in _OWN)
    found["records"] = store.engine.rows(
        f"""SELECT {names} FROM (
            SELECT * FROM odometer.records WHERE product = {{p:UInt64}}
            ORDER BY client, seq, hash, received_ms, batch_id, ingest_no LIMIT 1 BY client, seq, hash
        ) ORDER BY used_ms, client, seq, hash""",
        {"p": product},
    )
    return found


def days_of(store: Store, product: int) -> list[dt.date]:
    states = store.questions.raw.content_by_day(product, (dt.date(1970, 1, 1), dt.date(2149, 1, 1)))
    return sorted(states)


def import_files(store: Store, files: Iterable[Path], product: int) -> tuple[int, int]:
    """As `odometer import` does it, in this process; how many were accepted, and how many are duplicates."""
    append = BulkAppend(store.engine, product, NOW_MS)
    accepted = duplicates = 0
    for chunk in read_chunks(sorted(files)):
        encoded = encode_chunk(chunk, NOW_MS)
        assert encoded.rejected == []
        if encoded.rows:
            result = append.append(encoded.rows)
            accepted += result.accepted
            duplicates += result.duplicates
            assert result.conflicts == 0
    store.derivation.derive_since(product, append.ingest_no_before)
    return accepted, duplicates


def written(store: Store, product: int, folder: Path, ending: str) -> tuple[list[Path], int]:
    """The files of all days of a product, and how many rows they have."""
    files, rows = [], 0
    for day in days_of(store, product):
        files.append(folder / f"rawEvents_{day}{ending}")
        rows += FORMATS[ending](store.questions.raw, product, day, files[-1], lambda: None)
    return files, rows


def check(store: Store, product: int, ending: str) -> None:
    before = contents(store, product)
    with tempfile.TemporaryDirectory() as folder:
        files, rows = written(store, product, Path(folder), ending)
        assert rows == len(before["records"])
        other = store.new_product()
        assert import_files(store, files, other) == (rows, 0)
        assert contents(store, other) == before
        if rows:
            assert import_files(store, files, product) == (0, rows)
            assert contents(store, product) == before


@pytest.mark.parametrize("ending", FORMATS)
@tried(4)
@given(world=worlds())
def test_imported_into_an_empty_product_files_give_the_same_product(store: Store, ending: str, world: World) -> None:
    check(store, feed(store, world), ending)


@tried(3)
@given(data=st.data(), world=worlds())
def test_of_records_that_are_stored_twice_files_have_the_first(store: Store, data: st.DataObject, world: World) -> None:
    product = feed_as_stored(store, data.draw(st.permutations(world)))
    before = contents(store, product)
    with tempfile.TemporaryDirectory() as folder:
        files, rows = written(store, product, Path(folder), ".csv.zip")
        assert rows == len(before["records"])
        other = store.new_product()
        import_files(store, files, other)
    assert contents(store, other) == before
