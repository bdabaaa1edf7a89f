"""Client lists as Parquet, in a module of its own because loading Arrow takes a while."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from odometer.model.clients import ClientRow, Value
from odometer.selection.client_list import CLIENT_ID, ClientChoice, as_json

# Rows of a Parquet row group: so many are held in memory.
_ROW_GROUP: Final = 16_384


@contextmanager
def open_parquet(path: Path, choice: ClientChoice) -> Iterator[Callable[[Sequence[ClientRow]], None]]:
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
