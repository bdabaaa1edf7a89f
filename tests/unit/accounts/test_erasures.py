"""Blocked clients and the book of erasures: nobody's id in the database, seen by other processes, cleaned for good."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from argon2 import PasswordHasher
from sqlalchemy import create_engine

from odometer.accounts import Registry, open_registry
from odometer.accounts import database as database_module
from odometer.accounts.blocked_clients import BlockedClients
from odometer.accounts.database import Database
from odometer.model.erasure import Erasure
from odometer.model.export_job import ExportOrder
from tests.erasures import note

from .conftest import MovableClock

CLIENT, OTHER = "7F3C09A1BB42D6E8", "0000AAAA0000BBBB"
PRODUCT, SECOND = 7, 8
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def products(registry: Registry) -> Registry:
    registry.products.add("Facet", PRODUCT)
    registry.products.add("Loupe", SECOND)
    return registry


@pytest.fixture
def other_process(tmp_path: Path, clock: MovableClock, products: Registry) -> Iterator[Registry]:
    assert products is not None
    opened = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=CHEAP)
    yield opened
    opened.close()


def bytes_of(folder: Path) -> bytes:
    """The registry's file with all that lies beside it."""
    return b"".join(path.read_bytes() for path in folder.glob("registry.sqlite*"))


def test_clients_are_blocked_by_product_until_they_are_unblocked(products: Registry) -> None:
    blocked = products.blocked_clients
    blocked.block(PRODUCT, [CLIENT, OTHER, CLIENT], actor="ada")
    blocked.block(PRODUCT, [CLIENT], actor="ada")

    assert blocked.among(PRODUCT, [CLIENT, "client-03"]) == {CLIENT}
    assert blocked.among(PRODUCT, []) == frozenset()
    assert blocked.among(PRODUCT, [CLIENT.lower(), f"{CLIENT}0"]) == frozenset()
    assert blocked.among(SECOND, [CLIENT]) == frozenset()
    assert blocked.unblock(SECOND, [CLIENT], actor="ada") == 0
    assert blocked.unblock(PRODUCT, [CLIENT, "client-03"], actor="bob") == 1
    assert blocked.among(PRODUCT, [CLIENT, OTHER]) == {OTHER}
    noted = [(one.actor, one.action, one.subject, one.detail) for one in products.audit_log() if "client" in one.action]
    assert noted == [
        ("bob", "clients.unblock", "7", {"clients": 1}),
        ("ada", "clients.block", "7", {"clients": 2}),
    ]


@pytest.mark.only_sqlite
def test_the_database_does_not_tell_who_is_blocked(tmp_path: Path, products: Registry) -> None:
    """Not by its bytes, nor to somebody who hashes a likely id: the hash has a key, and the product is in it."""
    products.blocked_clients.block(PRODUCT, [CLIENT], actor="ada")
    products.blocked_clients.block(SECOND, [CLIENT], actor="ada")

    held = bytes_of(tmp_path)
    assert b"clients.block" in held
    assert CLIENT.encode() not in held
    with sqlite3.connect(tmp_path / "registry.sqlite") as opened:
        hashes = [row[0] for row in opened.execute("SELECT client_hash FROM blocked_clients")]
    opened.close()
    assert len(set(hashes)) == 2
    assert {len(one) for one in hashes} == {64}


def test_another_installation_has_other_hashes(tmp_path: Path, clock: MovableClock) -> None:
    found = set()
    for name in ("one", "two"):
        registry = open_registry(f"sqlite:///{tmp_path / name}.sqlite", clock, hasher=CHEAP)
        registry.products.add("Facet", PRODUCT)
        registry.blocked_clients.block(PRODUCT, [CLIENT], actor="ada")
        registry.close()
        with sqlite3.connect(tmp_path / f"{name}.sqlite") as opened:
            found |= set(opened.execute("SELECT client_hash FROM blocked_clients"))
        opened.close()
    assert len(found) == 2


@pytest.mark.only_sqlite
def test_another_process_notices_within_seconds(tmp_path: Path, clock: MovableClock, products: Registry) -> None:
    """What it remembers is asked for anew after three seconds; a restart remembers nothing."""
    seconds = [100.0]
    database = Database(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    secret = products.signing_secret("blocked clients")
    there = BlockedClients(database, lambda: secret, monotonic_s=lambda: seconds[0])
    assert there.among(PRODUCT, [CLIENT]) == frozenset()

    products.blocked_clients.block(PRODUCT, [CLIENT], actor="ada")
    seconds[0] += 2.9
    assert there.among(PRODUCT, [CLIENT]) == frozenset()
    seconds[0] += 0.1
    assert there.among(PRODUCT, [CLIENT]) == {CLIENT}
    products.blocked_clients.unblock(PRODUCT, [CLIENT], actor="ada")
    seconds[0] += 3.0
    assert there.among(PRODUCT, [CLIENT]) == frozenset()
    # Its own changes hold at once.
    there.block(PRODUCT, [OTHER], actor="ada")
    assert there.among(PRODUCT, [OTHER]) == {OTHER}
    assert there.unblock(PRODUCT, [OTHER], actor="ada") == 1
    assert there.among(PRODUCT, [OTHER]) == frozenset()
    database.close()


@pytest.mark.only_sqlite
def test_processes_that_start_with_an_empty_registry_share_the_key(products: Registry, other_process: Registry) -> None:
    other_process.blocked_clients.block(PRODUCT, [CLIENT], actor="ada")
    assert products.blocked_clients.among(PRODUCT, [CLIENT]) == {CLIENT}


def erasure(receipt: str, product: int, erased_ms: int) -> Erasure:
    return Erasure(
        receipt_id=receipt,
        product_id=product,
        erased_ms=erased_ms,
        clients=2,
        records=2**40,
        months=frozenset(["203106", "203012"]),
    )


@pytest.mark.only_sqlite
def test_the_book_of_erasures(products: Registry, other_process: Registry, clock: MovableClock) -> None:
    book = products.erasures
    first, second, third = erasure("er-2", PRODUCT, 100), erasure("er-1", PRODUCT, 200), erasure("er-3", SECOND, 150)
    for one in (first, second, third):
        note(book, one)

    assert other_process.erasures.of(PRODUCT) == [second, first]
    assert book.unfinished() == [first, third, second]
    book.note_rewritten(["er-2", "er-3"], 5_000)
    assert {one.receipt_id: one.rewritten_ms for one in book.unfinished()} == {
        "er-2": 5_000,
        "er-3": 5_000,
        "er-1": None,
    }
    book.note_cleaned(["er-2"])
    assert [one.receipt_id for one in book.unfinished()] == ["er-3", "er-1"]
    assert other_process.erasures.of(PRODUCT)[1].cleaned_ms == clock.now_ms()
    noted = products.audit_log()[0]
    assert (noted.action, noted.subject, noted.detail) == (
        "clients.erase",
        "8",
        {"receiptId": "er-3", "clients": 2, "records": 2**40},
    )


def named(padding: str = "") -> str:
    """A request that asks for the client by its id."""
    by_id = {"clientId": {"type": "string", "value": CLIENT}}
    return json.dumps({"globalFilters": by_id | {"C01": {"type": "string", "value": padding}}})


def ask_for(registry: Registry, request: str) -> str:
    user = registry.users.add(f"{len(registry.users.list())}@example.com", "correct horse", display_name="Ada")
    order = ExportOrder(
        product_id=PRODUCT,
        user_id=user.user_id,
        request=request,
        today=dt.date(2031, 6, 20),
        ending=".csv.zip",
        has_license_keys=False,
    )
    return registry.export_jobs.request(order, at_most=3).export_id


@pytest.mark.only_sqlite
@pytest.mark.parametrize("padding", [0, 20_000], ids=["a row", "a row over several pages"])
def test_an_id_that_an_export_named_leaves_the_files(tmp_path: Path, products: Registry, padding: int) -> None:
    ask_for(products, named("x" * padding))
    ask_for(products, "{}")
    assert CLIENT.encode() in bytes_of(tmp_path)
    note(products.erasures, erasure("er-1", PRODUCT, 1))
    products.export_jobs.stop_running(PRODUCT, [CLIENT])

    products.erasures.note_cleaned(["er-1"])

    assert products.erasures.unfinished() == []
    assert CLIENT.encode() not in bytes_of(tmp_path)
    with sqlite3.connect(tmp_path / "registry.sqlite") as opened:
        assert opened.execute("SELECT request FROM export_jobs").fetchall() == [("{}",)]
    opened.close()


def test_clean_is_what_is_clean_and_not_before(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who reads keeps the log from being emptied: then it is tried again, and not said to be done."""
    monkeypatch.setattr(database_module, "_BUSY_MS", 20)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=CHEAP)
    ask_for(registry, named())
    note(registry.erasures, erasure("er-1", PRODUCT, 1))
    reader = sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM export_jobs").fetchone()
    registry.export_jobs.stop_running(PRODUCT, [CLIENT])

    registry.erasures.note_cleaned(["er-1"])
    assert CLIENT.encode() in bytes_of(tmp_path)
    assert [one.receipt_id for one in registry.erasures.unfinished()] == ["er-1"]

    reader.execute("COMMIT")
    reader.close()
    registry.erasures.note_cleaned(["er-1"])
    assert registry.erasures.unfinished() == []
    assert CLIENT.encode() not in bytes_of(tmp_path)
    registry.close()


def test_an_existing_registry_gets_the_new_tables_and_keeps_what_it_holds(tmp_path: Path, clock: MovableClock) -> None:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.exec_driver_sql(
            """INSERT INTO products (product_id, name, days_until_declared_lost, settings, created_ms)
            VALUES (7, 'Facet', 30, '{}', 5)"""
        )
        tables = "SELECT name FROM sqlite_master WHERE name IN ('blocked_clients', 'erasures')"
        assert connection.exec_driver_sql(tables).all() == []
    engine.dispose()

    registry = open_registry(url, clock, hasher=CHEAP)

    product = registry.products.get(PRODUCT)
    assert product is not None
    assert (product.name, product.days_until_declared_lost) == ("Facet", 30)
    registry.blocked_clients.block(PRODUCT, [CLIENT], actor="ada")
    note(registry.erasures, erasure("er-1", PRODUCT, 1))
    registry.close()
    again = open_registry(url, clock, hasher=CHEAP)
    assert again.blocked_clients.among(PRODUCT, [CLIENT]) == {CLIENT}
    assert [one.receipt_id for one in again.erasures.of(PRODUCT)] == ["er-1"]
    again.close()
