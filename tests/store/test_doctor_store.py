"""What `odometer doctor` says of a store: of parts that are set aside, of what an import left, beside a server."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from odometer.cli.doctor_store import _by_server, _parts, _records
from odometer.control import Control
from odometer.errors import StartError
from odometer.settings import read_settings
from odometer.store.analytics import Analytics
from odometer.store.damage import broken_parts
from odometer.store.derive.background import catch_up
from odometer.store.derive.derivation import Derivation
from odometer.store.derive.mark import read_mark, write_mark
from odometer.store.engine import DATABASE
from odometer.store.records.append import last_ingest_no
from odometer.store.records.bulk import BulkAppend
from odometer.store.records.ledger import LEDGER_FILE, Ledger
from odometer.store.snapshot import Snapshot, table_folder
from tests.conftest import Store
from tests.worlds import Delivery, encoded

TABLE = "license_state"


@pytest.fixture
def analytics(store: Store) -> Iterator[Analytics]:
    """The shared store with a ledger of its own."""
    assert store.engine.folder is not None
    file = store.engine.folder / LEDGER_FILE
    write_mark(store.engine, last_ingest_no(store.engine))
    file.unlink(missing_ok=True)
    ledger = Ledger(store.engine)
    assert ledger.check() == ()
    yield Analytics(store.engine, store.gate, Derivation(store.engine, store.gate, ledger))
    file.unlink(missing_ok=True)


@pytest.fixture
def merged(store: Store) -> Iterator[Path]:
    """The folder of parts that are set aside of a table whose two parts have become one."""
    for number in range(2):
        store.engine.command(f"INSERT INTO {DATABASE}.{TABLE} VALUES ({store.new_product()}, 'key-{number}', 1, [])")
    store.engine.command(f"OPTIMIZE TABLE {DATABASE}.{TABLE} FINAL")
    folder = table_folder(store.engine, TABLE)
    yield folder
    for path in folder.glob("broken*"):
        shutil.rmtree(path)


def set_aside(store: Store, folder: Path, name: str) -> None:
    """As the engine does with a part that it cannot open."""
    sql = f"SELECT path FROM system.parts WHERE active AND database = '{DATABASE}' AND table = '{TABLE}'"
    shutil.copytree(store.engine.rows(sql)[0][0], folder / f"broken-on-start_{name}")


def active_part(store: Store) -> tuple[str, int, int, int]:
    sql = f"""SELECT partition_id, min_block_number, max_block_number, level FROM system.parts
        WHERE active AND database = '{DATABASE}' AND table = '{TABLE}'"""
    ((partition, low, high, level),) = store.engine.rows(sql)
    return partition, low, high, level


@pytest.mark.parametrize("kind", ["merged", "inserted", "wider"])
def test_a_part_whose_rows_are_nowhere_else_is_a_loss(
    store: Store, analytics: Analytics, merged: Path, kind: str
) -> None:
    """It was called ok: the engine was said to have the rows from others."""
    partition, low, high, level = active_part(store)
    name = {
        "merged": f"{partition}_{low}_{high}_{level}",
        "inserted": f"{partition}_{high}_{high}_0",
        "wider": f"{partition}_{low}_{high + 1}_{level + 1}",
    }[kind]
    assert _parts(analytics).is_fine
    set_aside(store, merged, name)

    (broken,) = broken_parts(store.engine)

    assert broken.is_covered is (kind == "merged")
    found = _parts(analytics)
    assert found.is_fine is broken.is_covered
    assert str(broken) in found.text
    if kind != "merged":
        assert found.advice == "Run `odometer rebuild`."
        # Which makes them anew.
        analytics.settle_derived()
        assert _parts(analytics).is_fine


def test_how_many_records_a_damaged_part_holds_is_told(
    store: Store, analytics: Analytics, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = tuple({"clientId": f"client-{n}", "type": "client_day", "day": "2041-05-03"} for n in range(3))
    append = BulkAppend(store.engine, store.new_product(), 2_260_000_000_000)
    append.append(encoded(Delivery(records, 2_260_000_000_000, "b", is_import=True)))
    ((name,),) = store.engine.rows(
        f"SELECT name FROM system.parts WHERE active AND database = '{DATABASE}' AND partition = '204105'"
    )
    damaged = [f"records/{name}", "client/all_1_1_0"]
    monkeypatch.setattr("odometer.cli.doctor_store.unreadable_parts", lambda _engine: damaged)
    found = _parts(analytics)
    assert found.text.endswith("In them are records: 3 of 2041-05.")
    assert "--accept-loss" in found.advice


def test_what_an_import_left_is_counted(store: Store, analytics: Analytics) -> None:
    """It was stored and not derived when the import was killed; opening derives it."""
    before = _records(analytics).text.partition(",")[0]
    records = tuple({"clientId": f"client-{n}", "type": "client_day", "day": "2031-05-03"} for n in range(3))
    append = BulkAppend(store.engine, store.new_product(), 1_940_000_000_000)
    append.append(encoded(Delivery(records, 1_940_000_000_000, "b", is_import=True)))
    catch_up(store.engine, analytics.derivation)
    # Tests that put rows in by hand give them no number: the ledger leaves them out, as derivation does.
    counted = f"ingest_no > 0 AND ingest_no <= {read_mark(store.engine)}"
    held = store.engine.rows(f"SELECT count() FROM {DATABASE}.records WHERE {counted}")[0][0]
    found = _records(analytics)
    assert found.is_fine
    assert found.text.startswith(f"{held:,}, as many")
    assert not found.text.startswith(f"{before}, as many")


def no_snapshot() -> contextlib.AbstractContextManager[Snapshot]:
    raise StartError("none is wanted")


@pytest.mark.parametrize(
    ("state", "not_fine"),
    [
        ({}, []),
        ({"disk_low": "900 MiB are free."}, []),
        ({"records_lost": "1 of 2 records of 2031-05 are missing."}, ["records"]),
        ({"derived_damaged": "2 clients on one side."}, ["derived tables"]),
        ({"analytics": "The analytics store did not answer."}, ["analytics"]),
    ],
)
def test_beside_a_server_its_word_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, str], not_fine: list[str]
) -> None:
    """It said ok, stop the other process, and that all was fine, in one breath, whatever the server had found."""
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    with contextlib.closing(Control(tmp_path, no_snapshot, lambda: state)):
        found = _by_server(read_settings())
    assert [one.subject for one in found if not one.is_fine] == not_fine
    for one in found:
        assert bool(one.advice) is not one.is_fine
        assert one.is_fine or any(reason in one.text for reason in state.values())


def test_beside_an_import_nothing_is_said_to_be_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    (found,) = _by_server(read_settings())
    assert found.text.startswith("not looked at")
    assert "again" in found.advice
