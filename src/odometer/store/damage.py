"""Damage that the engine knows of or that tables show against each other: broken parts, rows without records."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from odometer.store.engine import DATABASE, Engine
from odometer.store.records import IS_LINE, IS_OPT_RECORD
from odometer.store.tables import CLIENT, CLIENT_DAY, CLIENT_EVENT, EVENT_DAY, LINE, RECORDS, TABLES

_IN_ORDER: Final = {"optimize_aggregation_in_order": 1}


class Pair(NamedTuple):
    """What must be equal for each product: how it is called, and two statements (product, number)."""

    name: str
    one: str
    other: str


def _pairs(of_records: str) -> tuple[Pair, ...]:
    """`of_records`: the condition that records must meet to be expected among the derived rows."""
    return (
        Pair(
            "clients",
            f"""SELECT product, count() FROM (
                SELECT product, client FROM {RECORDS} WHERE NOT {IS_OPT_RECORD} AND {of_records}
                GROUP BY product, client
            ) GROUP BY product""",
            f"SELECT product, sum(sign) FROM {CLIENT} GROUP BY product",
        ),
        Pair(
            "active days",
            f"SELECT product, sum(active_days * sign) FROM {CLIENT} GROUP BY product",
            f"SELECT product, sum(sign) FROM {CLIENT_DAY} GROUP BY product",
        ),
        Pair(
            "sessions",
            f"SELECT product, sum(sessions * sign) FROM {CLIENT} GROUP BY product",
            f"SELECT product, sum(sessions * sign) FROM {CLIENT_DAY} GROUP BY product",
        ),
        Pair(
            "events",
            f"SELECT product, sum(count * sign) FROM {CLIENT_EVENT} GROUP BY product",
            f"SELECT product, sum(count * sign) FROM {EVENT_DAY} GROUP BY product",
        ),
        Pair(
            "custom events and exceptions",
            f"""SELECT product, count() FROM (
                SELECT DISTINCT product, client, seq, hash FROM {RECORDS}
                WHERE {IS_LINE} AND {of_records}
            ) GROUP BY product""",
            f"SELECT product, sum(sign) FROM {LINE} GROUP BY product",
        ),
    )


class BrokenPart(NamedTuple):
    """A part that the engine found damaged and set aside when it opened."""

    table: str
    name: str
    # A merged part whose rows its table has from others: those it was made of, or a later merge of them.
    is_covered: bool

    def __str__(self) -> str:
        return f"{self.table}/{self.name}"

    @property
    def holds_records(self) -> bool:
        """Whether its rows are records, which the ledger counts."""
        return self.table == RECORDS.name


def broken_parts(engine: Engine) -> Sequence[BrokenPart]:
    """All parts of tables that the engine set aside as damaged."""
    rows = engine.rows(
        """SELECT table, name, partition_id, min_block_number, max_block_number, level FROM system.detached_parts
        WHERE database = {database:String} AND startsWith(reason, 'broken') ORDER BY table, name""",
        {"database": DATABASE},
    )
    return [
        BrokenPart(table, name, bool(level) and _is_covered(engine, table, partition, int(low), int(high)))
        for table, name, partition, low, high, level in rows
    ]


def _is_covered(engine: Engine, table: str, partition: str, low: int, high: int) -> bool:
    """Whether parts of the table hold all blocks of these numbers, which it counts up with each insert."""
    rows = engine.rows(
        """SELECT sum(least(max_block_number, {high:Int64}) - greatest(min_block_number, {low:Int64}) + 1)
        FROM system.parts WHERE active AND database = {database:String} AND table = {table:String}
            AND partition_id = {partition:String} AND min_block_number <= {high:Int64}
            AND max_block_number >= {low:Int64}""",
        {"database": DATABASE, "table": table, "partition": partition, "low": low, "high": high},
    )
    return int(rows[0][0] or 0) >= high - low + 1


def unreadable_parts(engine: Engine) -> Sequence[str]:
    """Parts of tables whose files are not what they were, as `table/name`. Reads everything that is stored."""
    found = []
    for table in (table for table in TABLES if table.order_by):
        found += [f"{table.name}/{name}" for name in engine.unreadable_parts(table.name)]
    return found


def records_in(engine: Engine, parts: Sequence[str]) -> Sequence[str]:
    """How many records of which month are in these parts, as `17 of 2031-05`; they need not be readable."""
    names = [name for table, _, name in (part.partition("/") for part in parts) if table == RECORDS.name]
    rows = engine.rows(
        """SELECT partition, sum(rows) FROM system.parts
        WHERE active AND database = {database:String} AND table = {table:String} AND name IN {names:Array(String)}
        GROUP BY partition ORDER BY partition""",
        {"database": DATABASE, "table": RECORDS.name, "names": names},
    )
    return [f"{count:,} of {month[:4]}-{month[4:]}" for month, count in rows]


def set_aside_damaged(engine: Engine) -> Sequence[str]:
    """Take unreadable parts out of their tables, so that what is left can be read; all parts that are set aside."""
    for part in unreadable_parts(engine):
        table, _, name = part.partition("/")
        engine.command(f"ALTER TABLE {DATABASE}.{table} DETACH PART '{name}'")
    return set_aside_parts(engine)


def set_aside_parts(engine: Engine) -> Sequence[str]:
    """All parts that lie beside their tables, for whatever reason, as `table/name`."""
    rows = engine.rows(
        "SELECT table, name FROM system.detached_parts WHERE database = {database:String} ORDER BY ALL",
        {"database": DATABASE},
    )
    return [f"{table}/{name}" for table, name in rows]


def derived_faults(engine: Engine, up_to: int | None = None) -> Sequence[str]:
    """Sentences that say which derived tables are not what records, or their neighbours, make them.

    Only where nothing waits for derivation, but for records with an ingest_no after `up_to`, and no erasure broke off.
    Reads a few columns of everything.
    """
    params: dict[str, Any] = {} if up_to is None else {"up_to": up_to}
    of_records = "1" if up_to is None else "ingest_no <= {up_to:UInt64}"
    faults = []
    for pair in _pairs(of_records):
        expected, held = (dict(engine.rows(sql, params, settings=_IN_ORDER)) for sql in pair[1:])
        for product_id in sorted(expected.keys() | held.keys()):
            counts = expected.get(product_id, 0), held.get(product_id, 0)
            if counts[0] != counts[1]:
                faults.append(
                    f"Product {product_id}: {counts[0]:,} {pair.name} on one side, {counts[1]:,} on the other."
                )
    return faults
