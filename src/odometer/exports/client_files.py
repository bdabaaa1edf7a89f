"""Client lists as files: JSON lines, CSV and Parquet, each written chunk by chunk."""

import datetime as dt
import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
from pyarrow import parquet

from odometer.exports.delimited import harmless, zipped_csv
from odometer.model.clients import ClientRow, Value
from odometer.model.properties import Property
from odometer.selection.client_list import CLIENT_ID, ClientChoice, as_json, as_object

WriteClients = Callable[[Sequence[ClientRow]], None]
_GZIP_LEVEL: Final = 4
# Rows of a Parquet row group: so many are held in memory.
_ROW_GROUP: Final = 16_384


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One format: the ending of its files, and how one is opened for writing; complete at the end of the block."""

    ending: str
    open: Callable[[Path, ClientChoice], AbstractContextManager[WriteClients]]


@contextmanager
def _json_lines(path: Path, choice: ClientChoice) -> Iterator[WriteClients]:
    """One object a line, the same as in pages."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file:

        def write(rows: Sequence[ClientRow]) -> None:
            file.write(b"".join(orjson.dumps(as_object(row, choice)) + b"\n" for row in rows))

        yield write


@contextmanager
def _csv(path: Path, choice: ClientChoice) -> Iterator[WriteClients]:
    """One row a client; with daily data one for each active day, or one with an empty date."""
    header = [CLIENT_ID, *(column.name for column in choice.columns)]
    if choice.daily is not None:
        header += ["date", *(f"dailyData.{c.name}" if c.name in header else c.name for c in choice.daily.columns)]
    with zipped_csv(path, "clientPropertyList.csv", header) as file:

        def write(rows: Sequence[ClientRow]) -> None:
            file.write(cells for row in rows for cells in _lines(row, choice))

        yield write


def _lines(row: ClientRow, choice: ClientChoice) -> Iterator[list[str]]:
    of_client = [
        harmless(row.client),
        *(_cell(c.prop, value) for c, value in zip(choice.columns, row.values, strict=True)),
    ]
    if choice.daily is None:
        yield of_client
        return
    columns = choice.daily.columns
    if not row.days:
        yield [*of_client, "", *("" for _ in columns)]
    for day, values in row.days:
        yield [*of_client, str(day), *(_cell(c.prop, value) for c, value in zip(columns, values, strict=True))]


def _cell(prop: Property, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return orjson.dumps(as_json(prop, value)).decode()
    return str(value)


@contextmanager
def _parquet(path: Path, choice: ClientChoice) -> Iterator[WriteClients]:
    """One row a client; null is null, dates are dates, lists are lists of structs."""
    schema = _schema(choice)
    waiting: list[pa.RecordBatch] = []

    def flush(file: parquet.ParquetWriter) -> None:
        if waiting:
            file.write_table(pa.Table.from_batches(waiting, schema), row_group_size=_ROW_GROUP)
            waiting.clear()

    with parquet.ParquetWriter(path, schema, compression="zstd") as file:

        def write(rows: Sequence[ClientRow]) -> None:
            waiting.append(_batch(rows, choice, schema))
            if sum(batch.num_rows for batch in waiting) >= _ROW_GROUP:
                flush(file)

        yield write
        flush(file)


_ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "string": pa.string(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "events": pa.list_(
        pa.struct([("eventCategory", pa.string()), ("eventName", pa.string()), ("eventCount", pa.int64())])
    ),
    "deliveries": pa.list_(pa.struct([("reachoutId", pa.int64()), ("name", pa.string())])),
}


def _schema(choice: ClientChoice) -> pa.Schema:
    fields = [(CLIENT_ID, pa.string()), *((c.name, _ARROW_TYPES[c.prop.data_type]) for c in choice.columns)]
    if choice.daily is not None:
        days = [("date", pa.date32()), *((c.name, _ARROW_TYPES[c.prop.data_type]) for c in choice.daily.columns)]
        fields.append(("dailyData", pa.list_(pa.struct(days))))
    return pa.schema(fields)


def _batch(rows: Sequence[ClientRow], choice: ClientChoice, schema: pa.Schema) -> pa.RecordBatch:
    columns: list[Sequence[Any]] = [[row.client for row in rows]]
    for place, column in enumerate(choice.columns):
        values: list[Any] = [row.values[place] for row in rows]
        is_list = column.prop.data_type in ("events", "deliveries")
        columns.append([as_json(column.prop, value) for value in values] if is_list else values)
    if choice.daily is not None:
        names = [column.name for column in choice.daily.columns]
        columns.append([[_day(names, day, values) for day, values in row.days] for row in rows])
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _day(names: Sequence[str], day: dt.date, values: Sequence[Value]) -> dict[str, Any]:
    return {"date": day, **dict(zip(names, values, strict=True))}


CLIENT_FILES: Final[dict[str, ClientFile]] = {
    "jsonl": ClientFile(".jsonl.gz", _json_lines),
    "csv": ClientFile(".csv.zip", _csv),
    "parquet": ClientFile(".parquet", _parquet),
}
