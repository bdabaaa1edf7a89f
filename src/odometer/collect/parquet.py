"""Parquet import files: columns named like the members of a record; `set` and `data` as map, list, struct or JSON text.

A null is an absent member, also within a struct; only a null value of a map or list clears a property. A time without
zone is UTC. Texts in a map are read as JSON where the property is a number or flag: a map has one type for all.
"""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from odometer.collect.compression import DamagedDataError
from odometer.collect.known_members import ALL_MEMBERS
from odometer.collect.raw_rows import MARK
from odometer.errors import Problem, invalid
from odometer.model import strict_json
from odometer.model.moments import to_text
from odometer.model.properties import BY_NAME
from odometer.model.raw_events import RAW_EVENT_COLUMNS

_ROWS_PER_CHUNK: Final = 8192
_LAST_MS: Final = 253_402_300_800_000  # year 10000


def read_batches(stream: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(Arrow stream, rows in it, bytes of the file done) for some thousand rows at a time."""
    size = stream.seek(0, 2)
    try:
        with pq.ParquetFile(stream, pre_buffer=False) as file:
            names = file.schema_arrow.names
            known = _known(names)
            total = max(1, file.metadata.num_rows)
            done = 0
            for batch in file.iter_batches(_ROWS_PER_CHUNK, use_threads=False):
                done += batch.num_rows
                yield _to_stream(_told(batch, known)), batch.num_rows, size * done // total
    except (pa.ArrowException, OSError) as error:
        raise DamagedDataError(f"the Parquet data cannot be read ({error})") from error


def _known(names: list[str]) -> Collection[str]:
    return RAW_EVENT_COLUMNS if MARK in names and "atUsed" in names else ALL_MEMBERS


def _told(batch: pa.RecordBatch, known: Collection[str]) -> pa.RecordBatch:
    """The columns of records, and what else may be told of: the import says what it ignores.

    Of binary and nested columns only whether something stands there.
    """
    columns = {
        name: column if name in known or _is_plain(column.type) else pc.if_else(column.is_valid(), True, None)  # noqa: FBT003
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if name in known or name != MARK
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _to_stream(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def rows_of(stream: bytes) -> Iterator[dict[str, Any]]:
    """The rows of one chunk as plain values; nulls are left out."""
    with pa.ipc.open_stream(stream) as reader:
        for batch in reader:
            names = batch.schema.names
            columns = [_plain(name, batch.column(name)) for name in names]
            for values in zip(*columns, strict=True):
                yield {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _plain(name: str, column: pa.Array) -> list[Any]:
    """The values of a column in the types that JSON would have given them."""
    kind = column.type
    if pa.types.is_floating(kind):
        # Arrow writes the shortest text that gives the number back, also for 32 bits.
        return [None if text is None else Decimal(text) for text in column.cast(pa.string()).to_pylist()]
    if name == "day" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return [None if day is None else day.isoformat() for day in column.cast(pa.date32(), safe=False).to_pylist()]
    if pa.types.is_timestamp(kind):
        moments = column.cast(pa.timestamp("ms", kind.tz), safe=False).cast(pa.int64()).to_pylist()
        return [ms if ms is None or not 0 <= ms < _LAST_MS else to_text(ms) for ms in moments]
    values: list[Any] = column.to_pylist()
    return values


def to_record(row: dict[str, Any]) -> dict[str, Any]:
    """The record a row stands for. Raises `Problem` when `set` or `data` cannot be understood."""
    if "set" in row:
        row = {**row, "set": _set_of(row["set"])}
    if "data" in row:
        row = {**row, "data": _data_of(row["data"])}
    return row


def _set_of(value: object) -> object:
    if isinstance(value, str):
        return strict_json.parse(value.encode())
    if isinstance(value, dict):
        return {name: _typed(name, given) for name, given in value.items() if given is not None}
    pairs = [_pair(item, "set") for item in value] if isinstance(value, list) else []
    found = {name: _typed(name, given) for name, given in pairs if isinstance(name, str)}
    if len(found) != len(pairs):
        raise Problem("MALFORMED_JSON", "A name in set appears twice, or is no text.", field="set")
    return found


def _typed(name: str, given: object) -> object:
    if isinstance(given, float):
        return Decimal(repr(given))
    if isinstance(given, str) and name in BY_NAME and BY_NAME[name].data_type in ("number", "boolean"):
        try:
            return strict_json.parse(given.encode())
        except Problem:
            return given
    return given


def _data_of(value: object) -> object:
    if isinstance(value, str):
        return strict_json.parse(value.encode())
    if isinstance(value, dict):
        return [[name, given] for name, given in value.items() if given is not None]
    return [_pair(item, "data") for item in value] if isinstance(value, list) else value


def _pair(item: object, field: str) -> list[Any]:
    """Key and value of a map's entry, of a two-element list, or of a struct of two members."""
    parts = list(item.values()) if isinstance(item, dict) else item
    if not isinstance(parts, list | tuple) or len(parts) != 2:
        raise invalid(field, f"{field} must hold pairs of a key and a value.")
    return list(parts)
