"""Rows in order, in constant memory: laid down sorted in a table of their own, then read slice by slice.

The embedded engine sorts in memory only, whatever `max_bytes_before_external_sort` says, and an own table is one state.
"""

import uuid
from collections.abc import Generator, Iterable
from typing import Any, Final

from odometer.store.engine import DATABASE, Columns, Engine, Params
from odometer.store.tables import RECORDS, Table

_ORDER: Final = ("used_ms", "client", "seq", "hash")
_NAME: Final = "in_order_"
# A slice is sorted in memory: so many bytes of rows, about.
_SLICE_BYTES: Final = 16 * 1024 * 1024
# A slice begins at one of every so many rows of a part.
_SAMPLED: Final = 1_024
_BLOCK_ROWS: Final = 8_192
# Many small parts that nobody merges, each in few files: they are soon gone.
_PARTS: Final = (
    f"index_granularity={_SAMPLED}, min_bytes_for_wide_part={2**60}, min_rows_for_wide_part={2**60}, "
    f"max_bytes_to_merge_at_max_space_in_pool=1, parts_to_delay_insert={10**6}, parts_to_throw_insert={10**6}"
)
_WRITING: Final = (
    f"max_threads=1, max_insert_threads=1, max_block_size={_BLOCK_ROWS}, "
    f"min_insert_block_size_rows=65536, min_insert_block_size_bytes={_SLICE_BYTES}"
)
_READING: Final[Params] = {"max_threads": 1, "max_block_size": _BLOCK_ROWS, "optimize_read_in_order": 0}


def records_in_order(
    engine: Engine, columns: tuple[str, ...], select: str, params: Params
) -> Generator[Columns, None, None]:
    """Blocks of these columns of the records that `select` answers, by (used time, client, seq).

    All but the last have the same number of rows, whatever lies where: what is made of them depends on the rows alone.
    `select` answers columns of `records` by name. It is asked once, when the first block is.
    """
    held = tuple(dict.fromkeys((*columns, *_ORDER)))
    kinds = tuple((name, kind) for name, kind in RECORDS.columns if name in held)
    table = Table(f"{_NAME}{uuid.uuid4().hex}", kinds, "MergeTree", f"({', '.join(_ORDER)})", settings=_PARTS)
    names = ", ".join(table.column_names)
    try:
        engine.command(table.ddl)
        engine.command(f"INSERT INTO {table} ({names}) SETTINGS {_WRITING} SELECT {names} FROM ({select})", params)
        starts = _starts(engine, table)
        slices = zip([None, *starts], [*starts, None], strict=True)
        yield from _evened(block for first, end in slices for block in _slice(engine, table, columns, first, end))
    finally:
        engine.command(f"DROP TABLE IF EXISTS {table} SYNC")


def drop_leftovers(engine: Engine) -> None:
    """Remove what a process that died was reading."""
    for (name,) in engine.rows(
        "SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {name:String})",
        {"database": DATABASE, "name": _NAME},
    ):
        engine.command(f"DROP TABLE IF EXISTS {DATABASE}.{name} SYNC")


def _starts(engine: Engine, table: Table) -> list[tuple[Any, ...]]:
    """Where each slice but the first begins, ascending."""
    held = engine.rows(
        "SELECT sum(data_uncompressed_bytes) FROM system.parts "
        "WHERE database = {database:String} AND table = {name:String} AND active",
        {"database": DATABASE, "name": table.name},
    )
    slices = held[0][0] // _SLICE_BYTES + 1
    keys = ", ".join(_ORDER)
    sample = engine.rows(
        f"""SELECT {keys} FROM (
            SELECT DISTINCT {keys} FROM {table} WHERE _part_offset % {_SAMPLED:d} = 0
        ) ORDER BY {keys}""",
        settings=_READING,
    )
    step = max(1, len(sample) // slices)
    return sample[step::step]


def _slice(
    engine: Engine, table: Table, columns: tuple[str, ...], first: tuple[Any, ...] | None, end: tuple[Any, ...] | None
) -> Generator[Columns, None, None]:
    params: dict[str, Any] = {}
    conditions = ["1"]
    keys = ", ".join(_ORDER)
    for name, compared, key in (("first", ">=", first), ("end", "<", end)):
        if key is not None:
            # The time stands by itself too, for the index.
            params |= {f"{name}_ms": key[0], name: key}
            conditions += [f"used_ms {compared[0]}= {{{name}_ms:Int64}}"]
            conditions += [f"({keys}) {compared} {{{name}:Tuple(Int64, String, UInt64, UInt128)}}"]
    yield from engine.stream(
        f"SELECT {', '.join(columns)} FROM {table} WHERE {' AND '.join(conditions)} ORDER BY {keys}",
        params,
        _READING,
    )


def _evened(blocks: Iterable[Columns]) -> Generator[Columns, None, None]:
    waiting: Columns = ()
    for block in blocks:
        waiting = tuple([*left, *new] for left, new in zip(waiting, block, strict=True)) if waiting else block
        while len(waiting[0]) >= _BLOCK_ROWS:
            yield tuple(column[:_BLOCK_ROWS] for column in waiting)
            waiting = tuple(column[_BLOCK_ROWS:] for column in waiting)
    if waiting and len(waiting[0]):
        yield waiting
