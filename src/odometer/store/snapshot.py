"""Snapshots of the analytics store: hard links to what is stored at one moment, and making a store of them again."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from odometer.errors import Problem, StartError
from odometer.store.derive import Derivation
from odometer.store.engine import DATABASE, Engine
from odometer.store.records import LEDGER_FILE, Entries, Months, encode_ledger, last_ingest_no, new_store_id
from odometer.store.tables import CLIENT, CLIENT_DAY, EVENT_DAY

# Other characters than these the engine would spell in another way in the name of the folder.
_NAME: Final = "odometer_backup"
_DELETIONS_WITHIN_S: Final = 120.0
# Of one that came while others were waited for; derivation waits meanwhile.
_LATE_DELETIONS_WITHIN_S: Final = 10.0
_LOOK_S: Final = 0.1
# What a restored store must answer as well: clients, and by month what they did.
_FIGURES: Final = f"""
    SELECT toString(product), 'clients' AS what, toString(sum(sign)) FROM {CLIENT} GROUP BY product
    UNION ALL
    SELECT toString(product), concat(toString(toYYYYMM(day)), ' active days, sessions, runtime') AS what,
        concat(toString(sum(sign)), ' ', toString(sum(sessions * sign)), ' ', toString(sum(runtime_ms * sign)))
    FROM {CLIENT_DAY} GROUP BY product, what
    UNION ALL
    SELECT toString(product), concat(toString(toYYYYMM(day)), ' events') AS what, toString(sum(count * sign))
    FROM {EVENT_DAY} GROUP BY product, what"""


@dataclass(frozen=True, slots=True)
class FrozenTable:
    """A table of a snapshot: how it is made, and the folder with its parts; None while it has none."""

    create: str
    folder: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The store at one moment.

    Attributes:
        folder: holds it; gone when the snapshot is given up.
        tables: by name.
        schema: the version of the tables.
        ledger: sums of all records in it.
        figures: what some questions answer, by product and what was asked.
        faults: sentences that say which derived rows are damaged.

    """

    folder: Path
    tables: Mapping[str, FrozenTable]
    schema: int
    ledger: Entries
    figures: Mapping[str, str]
    faults: Sequence[str] = ()


def drop_snapshots(engine: Engine) -> None:
    """Remove what a process that died had frozen."""
    if engine.folder is not None:
        shutil.rmtree(_shadow(engine.folder), ignore_errors=True)


@contextlib.contextmanager
def snapshot(
    engine: Engine,
    derivation: Derivation,
    paused: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    at_that_moment: Callable[[Path], None] = lambda _folder: None,
    faults: Sequence[str] = (),
) -> Iterator[Snapshot]:
    """A snapshot for the block. Nothing is stored for some milliseconds, in which `at_that_moment` is called too.

    It is given the snapshot's folder. `faults`: what is known to be damaged of what is derived. Raises `StartError` for
    a store on a server, `Problem` BUSY when deletions do not come to an end.
    """
    if engine.folder is None:
        raise StartError("The analytics store is on a ClickHouse server: back it up with BACKUP DATABASE there.")
    folder = _shadow(engine.folder)
    try:
        # Records that are deleted are only marked, and still in the parts, until the engine has got to them.
        _await_deletions(engine, _DELETIONS_WITHIN_S)
        with derivation.paused():
            _await_deletions(engine, _LATE_DELETIONS_WITHIN_S)
            tables = _tables(engine)
            with paused():
                drop_snapshots(engine)
                for name in (name for name, (_, _, is_kept) in tables.items() if is_kept):
                    engine.command(f"ALTER TABLE {DATABASE}.{name} FREEZE WITH NAME '{_NAME}'")
                up_to = last_ingest_no(engine)
                folder.mkdir(exist_ok=True)
                at_that_moment(folder)
            entries = Entries(up_to, derivation.ledger.sums_up_to(up_to))
            found = figures(engine)
        frozen = {name: _frozen(folder, create, uuid) for name, (create, uuid, _) in tables.items()}
        yield Snapshot(folder, frozen, _schema(engine), entries, found, tuple(faults))
    finally:
        drop_snapshots(engine)


def _shadow(folder: Path) -> Path:
    return folder / "chdb" / "shadow" / _NAME


def _await_deletions(engine: Engine, within_s: float) -> None:
    sql = "SELECT count() FROM system.mutations WHERE database = {database:String} AND NOT is_done"
    deadline = time.monotonic() + within_s
    while engine.rows(sql, {"database": DATABASE})[0][0]:
        if time.monotonic() > deadline:
            raise Problem("BUSY", "Deleted records are still being removed; try again later.", retry_after_s=60)
        time.sleep(_LOOK_S)


def _tables(engine: Engine) -> dict[str, tuple[str, str, bool]]:
    """(how it is made, its id, whether it is kept on the disk) of every table, by name."""
    rows = engine.rows(
        """SELECT name, create_table_query, toString(uuid), endsWith(engine, 'MergeTree') FROM system.tables
        WHERE database = {database:String} AND NOT startsWith(name, 'in_order_')""",
        {"database": DATABASE},
    )
    return {name: (create, uuid, bool(is_kept)) for name, create, uuid, is_kept in rows}


def _frozen(folder: Path, create: str, uuid: str) -> FrozenTable:
    parts = folder / "store" / uuid[:3] / uuid
    return FrozenTable(create, str(parts) if parts.exists() else None)


def _schema(engine: Engine) -> int:
    return int(engine.rows(f"SELECT max(version) FROM {DATABASE}.schema_version")[0][0])


def figures(engine: Engine) -> dict[str, str]:
    """What some questions answer; a restored store answers the same."""
    return {f"{product} {what}": value for product, what, value in engine.rows(_FIGURES)}


def begin_store(folder: Path, tables: Mapping[str, str], up_to: int, months: Months) -> Engine:
    """A new store with these tables, without a row; its ledger expects those of the snapshot. The caller closes it."""
    engine = Engine(f"chdb://{folder}", handles=1)
    for create in tables.values():
        engine.command(create)
    (folder / LEDGER_FILE).write_bytes(encode_ledger(Entries(up_to, months, store=new_store_id())))
    return engine


def table_folder(engine: Engine, table: str) -> Path:
    """Where parts wait that are to be attached."""
    sql = "SELECT data_paths[1] FROM system.tables WHERE database = {database:String} AND name = {name:String}"
    return Path(engine.rows(sql, {"database": DATABASE, "name": table})[0][0]) / "detached"


def attach(engine: Engine, table: str, part: str) -> None:
    """Take in a part that lies in the table's folder of detached ones."""
    engine.command(f"ALTER TABLE {DATABASE}.{table} ATTACH PART '{part}'")


def by_age(part: str) -> tuple[Any, ...]:
    """The order in which parts were written: rows that take others away come after them."""
    partition, lowest, *_ = part.split("_")
    return (partition, int(lowest))
