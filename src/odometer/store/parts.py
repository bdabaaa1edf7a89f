"""How much the engine keeps: parts, rows and bytes of each table."""

from typing import Final, NamedTuple

from odometer.store.engine import DATABASE, Engine
from odometer.store.tables import RECORDS

_SQL: Final = """SELECT table, count(), sum(rows), sum(bytes_on_disk) FROM system.parts
    WHERE active AND database = {database:String} GROUP BY table ORDER BY table"""


class TableParts(NamedTuple):
    """The parts of one table that are in use."""

    table: str
    parts: int
    rows: int
    size_bytes: int


def parts_of_tables(engine: Engine) -> list[TableParts]:
    """Every table that holds something, by name."""
    return [TableParts(*row) for row in engine.rows(_SQL, {"database": DATABASE})]


def last_received(engine: Engine) -> dict[int, int]:
    """When the last record of each product was received (milliseconds since 1970)."""
    sql = f"SELECT product, max(received_ms) FROM {RECORDS} GROUP BY product"
    return {int(product): int(received_ms) for product, received_ms in engine.rows(sql)}
