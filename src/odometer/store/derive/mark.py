"""The mark of derivation: up to which record everything is derived. It outlives the process."""

from odometer.store.engine import Engine
from odometer.store.tables import MARK


def read_mark(engine: Engine) -> int:
    """The greatest ingest_no whose records are all derived."""
    return int(engine.rows(f"SELECT max(value) FROM {MARK} WHERE name = 'derived'")[0][0])


def write_mark(engine: Engine, ingest_no: int) -> None:
    """Remember durably that everything up to `ingest_no` is derived."""
    engine.command(f"INSERT INTO {MARK} VALUES ('derived', {{value:UInt64}})", {"value": ingest_no})
