"""Deleting rows. The engine keeps the text of a DELETE beside the data, so it names rows by hashes, not by ids."""

from collections.abc import Sequence
from typing import Any

from odometer.store.engine import Engine
from odometer.store.tables import Table


def delete_rows(
    engine: Engine, table: Table, product_id: int, columns: Sequence[str], values: Sequence[tuple[Any, ...]]
) -> None:
    """Delete the product's rows whose columns have one of these values; every reader misses them at once."""
    kinds = dict(table.columns)
    given = ", ".join(kinds[name] for name in columns)
    members = ", ".join(f"given.{position}" for position in range(1, len(columns) + 1))
    hashes = engine.rows(
        f"SELECT {_hash(members)} FROM (SELECT arrayJoin({{values:Array(Tuple({given}))}}) AS given)",
        {"values": values},
    )
    engine.command(
        f"""DELETE FROM {table}
        WHERE product = {{product:UInt64}} AND {_hash(", ".join(columns))} IN {{hashes:Array(UInt128)}}""",
        {"product": product_id, "hashes": [hash_ for (hash_,) in hashes]},
    )


def _hash(columns: str) -> str:
    return f"reinterpretAsUInt128(sipHash128({columns}))"
