"""The registry: what is stored, what is refused, and that nothing stale is answered."""

import datetime as dt
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from argon2 import PasswordHasher
from sqlalchemy import create_engine

from odometer.accounts import Permission, Registry, open_registry
from odometer.accounts.keys import IngestionKey
from odometer.accounts.permission import ALL_PERMISSIONS, parse_permissions
from odometer.accounts.products import MAX_PRODUCT_ID
from odometer.accounts.tables import METADATA
from odometer.clock import Clock
from odometer.errors import Problem, StartError

from .conftest import MovableClock

PASSWORD = "correct horse"


def test_a_driver_that_is_not_installed_is_named(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(StartError, match=r"psycopg.* is not installed: pip install 'odometer\[postgresql\]'"):
        open_registry("postgresql+psycopg://nobody@127.0.0.1:1/none", clock)


def test_migrations_make_exactly_the_tables_that_the_code_knows(registry_url: str, registry: Registry) -> None:
    registry.ping()
    engine = create_engine(registry_url)
    with engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), METADATA)
    engine.dispose()

    assert difference == []


def test_a_registry_is_opened_again_and_by_several_at_once(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'new folder' / 'registry.sqlite'}"
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_registry(url, clock, hasher=PasswordHasher(1, 8, 1)), range(4)))
    opened[0].products.add("Paint", 7)
    names = [one.products.list()[0].name for one in opened]
    for one in opened:
        one.close()

    assert names == ["Paint"] * 4


@pytest.mark.parametrize("url", ["sqlite:////proc/none/registry.sqlite", "nonsense", "sqlite:////proc/version"])
def test_a_registry_that_cannot_be_opened_is_one_line(url: str, clock: Clock) -> None:
    with pytest.raises(StartError, match="ODOMETER_REGISTRY"):
        open_registry(url, clock)


def test_a_product_is_added_found_and_changed(registry: Registry) -> None:
    made = registry.products.add("  Paint ")
    changes = {"daysUntilDeclaredLost": 30, "oldestDate": "2030-01-01", "newEvents": "basic"}
    changed = registry.products.change(made.product_id, changes, actor="a@example.com")

    found = registry.products.get(made.product_id)

    assert found is not None
    assert (made.name, made.days_until_declared_lost, made.oldest_date) == ("Paint", 40, None)
    assert (found.days_until_declared_lost, found.oldest_date) == (30, dt.date(2030, 1, 1))
    assert found.new_events == "basic"
    assert found == changed
    assert registry.products.list() == [found]


@pytest.mark.parametrize("product_id", [0, -1, MAX_PRODUCT_ID + 1, 2**70])
def test_ids_that_fit_no_64_bits_are_no_products(registry: Registry, product_id: int) -> None:
    assert registry.products.get(product_id) is None
    with pytest.raises(Problem):
        registry.products.add("Paint", product_id)


def test_the_largest_id_works(registry: Registry) -> None:
    registry.products.add("Paint", MAX_PRODUCT_ID)

    assert registry.products.get(MAX_PRODUCT_ID) is not None


def test_an_id_is_taken_once(registry: Registry) -> None:
    registry.products.add("Paint", 7)

    with pytest.raises(Problem, match="already"):
        registry.products.add("Other", 7)


def test_a_password_is_checked_whatever_the_case_of_the_email(registry: Registry) -> None:
    registry.users.add("Ann@Example.com", PASSWORD)

    right = registry.users.check_password(" ann@example.COM", PASSWORD)

    assert right is not None
    assert right.email == "ann@example.com"
    assert registry.users.check_password("ann@example.com", PASSWORD + " ") is None
    assert registry.users.check_password("bob@example.com", PASSWORD) is None
    assert registry.users.check_password("\ud800", "\ud800") is None


@pytest.mark.parametrize(("email", "password"), [("ann", PASSWORD), ("a b@c", PASSWORD), ("a@b\n", "short")])
def test_bad_emails_and_short_passwords_are_refused(registry: Registry, email: str, password: str) -> None:
    with pytest.raises(Problem):
        registry.users.add(email, password)


def test_grants_replace_each_other_and_count_at_once(registry: Registry) -> None:
    registry.products.add("Paint", 7)
    user_id = registry.users.add("a@example.com", PASSWORD).user_id
    held = []
    for granted in (["developer"], ["license_read"], []):
        registry.users.grant("a@example.com", 7, parse_permissions(granted))
        caller = registry.users.caller(user_id)
        assert caller is not None
        held.append(caller.permissions_on(7))

    assert held == [{Permission.DEVELOPER, Permission.REPORTING}, {Permission.LICENSE_READ}, frozenset()]


def test_grants_need_a_known_user_product_and_permission(registry: Registry) -> None:
    registry.users.add("a@example.com", PASSWORD)
    with pytest.raises(Problem, match="no user"):
        registry.users.grant("b@example.com", 7, [])
    with pytest.raises(Problem, match="no product"):
        registry.users.grant("a@example.com", 7, [])
    with pytest.raises(Problem, match="no permission"):
        parse_permissions(["everything"])


def test_an_administrator_holds_everything(registry: Registry) -> None:
    user_id = registry.users.add("a@example.com", PASSWORD, is_admin=True).user_id

    caller = registry.users.caller(user_id)

    assert caller is not None
    assert caller.permissions_on(123) == ALL_PERMISSIONS
    assert caller.may_administer


def test_a_token_is_its_owner_within_its_limits(registry: Registry) -> None:
    registry.products.add("Paint", 7)
    registry.products.add("Draw", 8)
    registry.users.add("a@example.com", PASSWORD, is_admin=True)
    token = registry.tokens.add("ci", "a@example.com", products=[7], is_read_only=True)

    caller = registry.tokens.find(token)

    assert caller is not None
    assert Permission.REPORTING in caller.permissions_on(7)
    assert not caller.permissions_on(7) & {Permission.DEVELOPER, Permission.LICENSE_WRITE, Permission.ADMIN}
    assert caller.permissions_on(8) == frozenset()
    assert not caller.may_administer
    assert [entry.products for entry in registry.tokens.list()] == [frozenset({7})]


def test_a_revoked_token_is_refused_and_its_name_is_free_again(registry: Registry) -> None:
    registry.users.add("a@example.com", PASSWORD)
    token = registry.tokens.add("ci", "a@example.com")
    with pytest.raises(Problem, match="already"):
        registry.tokens.add("ci", "a@example.com")
    registry.tokens.revoke("ci", "a@example.com")

    assert registry.tokens.find(token) is None
    assert registry.tokens.find("odt_nonsense") is None
    assert registry.tokens.find(registry.tokens.add("ci", "a@example.com")) is not None
    with pytest.raises(Problem, match="no token"):
        registry.tokens.revoke("other", "a@example.com")


def test_a_token_for_an_unknown_product_is_not_made(registry: Registry) -> None:
    registry.users.add("a@example.com", PASSWORD)
    with pytest.raises(Problem, match="no product"):
        registry.tokens.add("ci", "a@example.com", products=[7])

    assert registry.tokens.list() == []


def test_sessions_slide_and_expire(registry: Registry, clock: MovableClock) -> None:
    registry.users.add("a@example.com", PASSWORD)
    caller = registry.users.check_password("a@example.com", PASSWORD)
    assert caller is not None
    token = registry.sessions.open(caller)
    alive = []
    for minutes in (59, 60, 61):  # use is noted by the minute, and nobody loses by it
        clock.move(minutes=minutes)
        session = registry.sessions.find(token)
        assert session is not None
        alive.append(session.caller is not None)

    assert alive == [True, True, False]


def test_sessions_end_after_twelve_hours_however_busy(registry: Registry, clock: MovableClock) -> None:
    registry.users.add("a@example.com", PASSWORD)
    caller = registry.users.check_password("a@example.com", PASSWORD)
    assert caller is not None
    token = registry.sessions.open(caller)
    alive = []
    for _ in range(24):
        clock.move(minutes=30)
        session = registry.sessions.find(token)
        alive.append(session is not None and session.caller is not None)

    assert alive == [True] * 23 + [False]


def test_a_new_password_ends_sessions(registry: Registry) -> None:
    registry.users.add("a@example.com", PASSWORD)
    caller = registry.users.check_password("a@example.com", PASSWORD)
    assert caller is not None
    token = registry.sessions.open(caller)
    registry.users.set_password("a@example.com", "another horse")

    assert registry.sessions.find(token) is None
    assert registry.users.check_password("a@example.com", "another horse") is not None


def test_ingestion_keys_are_found_until_revoked(registry: Registry) -> None:
    registry.products.add("Paint", 7)
    key = registry.keys.add(7, may_set_ip=True).text

    assert registry.keys.find(key) == registry.keys.find(key) == IngestionKey(7, may_set_ip=True, key_id=1)
    assert registry.keys.find("odk_wrong") is None
    assert registry.keys.find("wrong") is None

    (entry,) = registry.keys.list(7)
    registry.keys.revoke(entry.key_id)

    assert registry.keys.find(key) is None
    assert registry.keys.list(7) == []
    with pytest.raises(Problem):
        registry.keys.revoke(entry.key_id)
    with pytest.raises(Problem, match="no product"):
        registry.keys.add(8)


@pytest.mark.only_sqlite
def test_no_secret_is_stored_in_clear(registry: Registry, tmp_path: Path) -> None:
    registry.products.add("Paint", 7)
    registry.users.add("a@example.com", PASSWORD)
    caller = registry.users.check_password("a@example.com", PASSWORD)
    assert caller is not None
    secrets = [
        PASSWORD,
        registry.keys.add(7).text,
        registry.tokens.add("ci", "a@example.com"),
        registry.sessions.open(caller),
    ]
    with sqlite3.connect(tmp_path / "registry.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()

    assert "a@example.com" in dump
    assert [secret for secret in secrets if secret in dump] == []


def test_every_change_is_audited(registry: Registry) -> None:
    registry.products.add("Paint", 7, actor="root@example.com")
    registry.users.add("a@example.com", PASSWORD)
    registry.users.grant("a@example.com", 7, [Permission.REPORTING])
    registry.keys.add(7)
    registry.tokens.add("ci", "a@example.com")

    log = registry.audit_log()

    assert [entry.action for entry in log] == ["token.add", "key.add", "user.grant", "user.add", "product.add"]
    assert (log[-1].actor, log[-1].subject, log[-1].detail) == ("root@example.com", "7", {"name": "Paint"})
    assert log[2].detail == {"productId": 7, "permissions": ["reporting"]}


def test_signing_secrets_stay(registry: Registry) -> None:
    first = registry.signing_secret("csrf")

    assert len(first) == 32
    assert registry.signing_secret("csrf") == first
    assert registry.signing_secret("links") != first


def test_a_leaked_key_can_be_told_from_others(registry: Registry) -> None:
    registry.products.add("Paint", 7)
    first, second = (registry.keys.add(7, name=name).text for name in ("Paint for Windows", "a relay"))
    registry.keys.find(second)
    registry.write_last_uses()

    windows, relay = registry.keys.list(7)
    assert (windows.name, windows.prefix, windows.last_used_ms) == ("Paint for Windows", first[:8], None)
    assert (relay.name, relay.prefix) == ("a relay", second[:8])
    assert relay.last_used_ms == relay.created_ms

    registry.keys.revoke(windows.key_id)

    assert "was revoked at 2" in registry.keys.why_refused(first)
    assert registry.keys.why_refused("odk_unknown") == "This ingestion key is unknown."
    assert "This is an API token" in registry.keys.why_refused("odt_anything")
    entry = registry.audit_log(1)[0]
    assert (entry.action, entry.subject) == ("key.revoke", "7")
    assert entry.detail == {"keyId": windows.key_id, "name": "Paint for Windows", "prefix": first[:8]}


def test_notes_of_use_never_go_back(registry: Registry, clock: MovableClock) -> None:
    registry.products.add("Paint", 7)
    key = registry.keys.add(7).text
    registry.keys.find(key)
    registry.write_last_uses()
    before = registry.keys.list(7)[0].last_used_ms
    clock.ms -= 3_600_000
    registry.keys.find(key)
    registry.write_last_uses()

    assert registry.keys.list(7)[0].last_used_ms == before
