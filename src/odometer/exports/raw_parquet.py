"""Raw event files as Parquet, in a module of its own because loading Arrow takes a while."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from odometer.exports.raw_files import Moment, columns_of
from odometer.model.raw_events import RAW_EVENT_COLUMNS
from odometer.store.engine import Columns

_MOMENT: Final = pa.timestamp("ms", "UTC")
_ARROW_TYPES: Final = {
    **dict.fromkeys(("receivedAt", "at", "atUsed"), _MOMENT),
    "day": pa.date32(),
    **dict.fromkeys(("seq", "count", "sessions"), pa.int64()),
    "value": pa.decimal128(38, 6),
    "runtimeSeconds": pa.decimal128(18, 3),
}
_SCHEMA: Final = pa.schema([(name, _ARROW_TYPES.get(name, pa.string())) for name in RAW_EVENT_COLUMNS])
# Rows of a Parquet row group: so many are held in memory.
_ROW_GROUP: Final = 65_536


def write_blocks(path: Path, blocks: Iterator[Columns]) -> int:
    """Write the records of a day in the types of their columns; how many they are."""
    written = 0
    with parquet.ParquetWriter(path, _SCHEMA, compression="zstd") as file:
        for batches in _gathered(blocks):
            file.write_table(pa.Table.from_batches(batches, _SCHEMA), row_group_size=_ROW_GROUP)
            written += sum(batch.num_rows for batch in batches)
    return written


def _gathered(blocks: Iterator[Columns]) -> Iterator[list[pa.RecordBatch]]:
    """Blocks put together until they are a row group."""
    waiting: list[pa.RecordBatch] = []
    for block in blocks:
        arrays = [
            pa.array(map(_milliseconds, column) if field.type == _MOMENT else column, field.type)
            for column, field in zip(columns_of(block), _SCHEMA, strict=True)
        ]
        waiting.append(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))
        if sum(batch.num_rows for batch in waiting) >= _ROW_GROUP:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _milliseconds(moment: Moment | None) -> int | None:
    return None if moment is None else int(moment)
