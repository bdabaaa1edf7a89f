"""Ids are never given again, in new registries and in those of before; what was of a removed user stays nobody's."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from argon2 import PasswordHasher
from sqlalchemy import create_engine

from odometer.accounts import Permission, Registry, open_registry
from odometer.accounts import database as database_module
from odometer.accounts.database import Database
from odometer.accounts.secret_text import hash_of
from odometer.errors import Problem
from odometer.model.export_job import ExportOrder, JobStatus

from .conftest import START_MS, MovableClock

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "seven lamps by the river"
PRODUCT = 7
# As a registry of revision 0007 holds it: Ada with everything, Bob (user 2, token 2) and key 3 removed since.
BEFORE = f"""
INSERT INTO products VALUES ({PRODUCT}, 'Facet', 30, NULL, '{{}}', 5);
INSERT INTO users VALUES (1, 'ada@example.com', 'Ada', '{CHEAP.hash(PASSWORD)}', 1, 5, NULL);
INSERT INTO permissions VALUES (1, {PRODUCT}, 'reporting');
INSERT INTO sessions VALUES ('{hash_of("a session")}', 1, {START_MS}, {START_MS});
INSERT INTO api_tokens VALUES (1, 1, 'ci', '{hash_of("odt_ci")}', 0, 1, 5, NULL, 'odt_ci', NULL, 9);
INSERT INTO api_token_products VALUES (1, {PRODUCT});
INSERT INTO ingestion_keys VALUES (1, {PRODUCT}, '{hash_of("odk_old")}', 1, 5, NULL, 'a relay', 'odk_old', NULL);
INSERT INTO export_jobs VALUES ('ex-ada', {PRODUCT}, 1, '{{}}', '2030-01-01', '.csv', 0, 'key of Ada', 'a.csv',
    'queued', 0, 0, NULL, 0, '', NULL, 5, NULL);
INSERT INTO export_jobs VALUES ('ex-bob', {PRODUCT}, NULL, '{{}}', '2030-01-01', '.csv', 0, 'key of Bob', 'b.csv',
    'queued', 0, 0, NULL, 0, '', NULL, 4, NULL);
INSERT INTO audit_log (at_ms, actor, action, subject, detail) VALUES
    (5, 'root', 'user.add', 'anything', '{{}}'),
    (5, 'root', 'user.add', 'anything', '{{}}'),
    (5, 'root', 'token.add', 'anything', '{{}}'),
    (5, 'root', 'token.add', 'anything', '{{}}'),
    (5, 'root', 'key.add', 'anything', '{{}}'),
    (5, 'root', 'key.add', 'anything', '{{}}'),
    (5, 'root', 'key.add', 'anything', '{{}}');
"""


def order(user_id: int | None) -> ExportOrder:
    return ExportOrder(
        product_id=PRODUCT,
        user_id=user_id,
        request="{}",
        today=dt.date(2030, 1, 1),
        ending=".csv",
        has_license_keys=False,
    )


@pytest.fixture
def migrated(tmp_path: Path, clock: MovableClock) -> Iterator[Registry]:
    """A registry of revision 0007, opened by this version."""
    config = Config()
    config.set_main_option("script_location", str(Path(database_module.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    file = tmp_path / "old.sqlite"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
    engine.dispose()
    with closing(sqlite3.connect(file)) as old:
        old.executescript(BEFORE)
    opened = open_registry(f"sqlite:///{file}", clock, hasher=CHEAP)
    yield opened
    opened.close()


def test_a_registry_of_before_keeps_everything(migrated: Registry, tmp_path: Path) -> None:
    (user,) = migrated.users.list()
    session, token = migrated.sessions.find("a session"), migrated.tokens.find("odt_ci")
    key = migrated.keys.find("odk_old")
    (entry,), (key_entry,) = migrated.tokens.list(), migrated.keys.list(PRODUCT)

    assert (user.user_id, user.email, user.is_admin) == (1, "ada@example.com", True)
    assert user.permissions == {PRODUCT: {Permission.REPORTING}}
    assert migrated.users.check_password("ada@example.com", PASSWORD) is not None
    assert session is not None
    assert session.caller is not None
    assert session.caller.user_id == 1
    assert token is not None
    assert token.only_products == frozenset({PRODUCT})
    assert (entry.name, entry.prefix, entry.last_used_ms) == ("ci", "odt_ci", 9)
    assert key is not None
    assert (key.key_id, key.may_set_ip, key_entry.name) == (1, True, "a relay")
    assert migrated.export_jobs.get(PRODUCT, 1, "ex-ada") is not None
    assert len(migrated.audit_log()) == 7
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_in_a_registry_of_before_ids_of_removed_rows_are_not_given_again(migrated: Registry) -> None:
    eve = migrated.users.add("eve@example.com", PASSWORD)
    migrated.tokens.add("fresh", "eve@example.com")
    fresh = migrated.tokens.list()[-1]
    migrated.keys.add(PRODUCT)

    assert eve.user_id == 3
    assert fresh.email == "eve@example.com"
    assert migrated.caller_again(1, 2) is None
    assert migrated.caller_again(1, 3) is not None
    assert [one.key_id for one in migrated.keys.list(PRODUCT)] == [1, 4]


def test_in_a_registry_of_before_exports_of_removed_users_are_over(migrated: Registry) -> None:
    job = migrated.export_jobs.claim()

    assert job is not None
    assert job.export_id == "ex-ada"
    assert migrated.export_jobs.claim() is None
    assert migrated.export_jobs.counts()[JobStatus.FAILED] == 1


def test_a_migrated_registry_still_removes_what_belongs_to_a_user(migrated: Registry) -> None:
    migrated.users.add("eve@example.com", PASSWORD, is_admin=True)
    migrated.users.remove("ada@example.com")

    assert migrated.sessions.find("a session") is None
    assert migrated.tokens.find("odt_ci") is None


@pytest.fixture
def bob(registry: Registry) -> int:
    """The id of a user beside Ada; the last that was given."""
    registry.products.add("Facet", PRODUCT)
    registry.users.add("ada@example.com", PASSWORD, is_admin=True)
    return registry.users.add("bob@example.com", PASSWORD).user_id


def test_a_link_of_a_removed_user_is_not_the_next_ones(registry: Registry, bob: int) -> None:
    registry.users.remove("bob@example.com")
    eve = registry.users.add("eve@example.com", PASSWORD).user_id

    assert eve != bob
    assert registry.caller_again(bob, None) is None


def test_the_last_use_of_a_removed_token_is_not_the_next_ones(registry: Registry, bob: int) -> None:
    assert registry.tokens.find(registry.tokens.add("old", "bob@example.com")) is not None
    registry.users.remove("bob@example.com")
    registry.tokens.add("fresh", "ada@example.com")
    registry.write_last_uses()

    assert bob
    assert [one.last_used_ms for one in registry.tokens.list()] == [None]


@pytest.mark.parametrize("is_running", [False, True])
def test_an_export_of_a_removed_user_is_not_written(registry: Registry, bob: int, *, is_running: bool) -> None:
    jobs = registry.export_jobs
    job = jobs.request(order(bob), at_most=5)
    if is_running:
        assert jobs.claim() is not None
    registry.users.remove("bob@example.com")

    assert not jobs.is_running(job.export_id)
    assert not jobs.finish(job.export_id, 1, 1, "")
    assert jobs.claim() is None
    assert jobs.counts()[JobStatus.FAILED] == 1


def test_the_next_user_has_an_export_of_their_own(registry: Registry, bob: int) -> None:
    registry.export_jobs.request(order(bob), at_most=5)
    registry.users.remove("bob@example.com")
    eve = registry.users.add("eve@example.com", PASSWORD).user_id

    job = registry.export_jobs.request(order(eve), at_most=5)

    assert registry.export_jobs.get(PRODUCT, eve, job.export_id) is not None


@pytest.mark.only_sqlite
def test_notes_of_use_wait_for_a_registry_that_does_not_answer(
    registry: Registry, bob: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: MovableClock
) -> None:
    assert bob
    registry.tokens.find(registry.tokens.add("ci", "bob@example.com"))
    monkeypatch.setattr(database_module, "_BUSY_MS", 50)
    short = Database(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    monkeypatch.setattr(registry.tokens.last_used, "_database", short)
    with closing(sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Problem, match="does not answer"):
            registry.write_last_uses()
        other.execute("ROLLBACK")
    registry.write_last_uses()
    short.close()

    assert [one.last_used_ms for one in registry.tokens.list()] == [START_MS]
