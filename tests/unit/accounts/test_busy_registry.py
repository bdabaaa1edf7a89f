"""Looking up keys, tokens and sessions never waits for those who write to the registry."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from odometer.accounts import Registry, open_registry
from odometer.errors import StartError

from .conftest import MovableClock

EMAIL, PASSWORD, PRODUCT = "ada@example.com", "correct horse", 7
# As many as a server has threads for callers.
WRITERS = 40
AT_ONCE_S = 1.0


@pytest.fixture
def lookups(registry: Registry, clock: MovableClock) -> dict[str, Callable[[], object]]:
    """What a server looks up at every call, with a session whose last use is due to be noted."""
    registry.products.add("Facet", PRODUCT)
    user_id = registry.users.add(EMAIL, PASSWORD).user_id
    caller = registry.users.check_password(EMAIL, PASSWORD)
    assert caller is not None
    session, token, key = (
        registry.sessions.open(caller),
        registry.tokens.add("ci", EMAIL),
        registry.keys.add(PRODUCT).text,
    )
    registry.blocked_clients.block(PRODUCT, ["a client"], actor=EMAIL)
    clock.move(minutes=30)
    return {
        "key": lambda: registry.keys.find(key),
        "token": lambda: registry.tokens.find(token),
        "session": lambda: registry.sessions.find(session),
        "user": lambda: registry.users.caller(user_id),
        "product": lambda: registry.products.get(PRODUCT),
        "blocked": lambda: registry.blocked_clients.among(PRODUCT, ["a client"]),
        "secret": lambda: registry.signing_secret("blocked clients"),
    }


@pytest.fixture
def busy(
    registry: Registry, tmp_path: Path, lookups: dict[str, Callable[[], object]]
) -> Iterator[list[threading.Thread]]:
    """Another process has a transaction open, and every thread that could write waits for it."""
    assert lookups

    def write(number: int) -> None:
        registry.products.add("Loupe", 100 + number)

    with closing(sqlite3.connect(tmp_path / "registry.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        time.sleep(0.2)
        yield writers
        other.execute("ROLLBACK")
    for writer in writers:
        writer.join()


@pytest.mark.only_sqlite
def test_lookups_answer_at_once_while_writers_wait(
    busy: list[threading.Thread], lookups: dict[str, Callable[[], object]]
) -> None:
    took = {}
    for name, look_up in lookups.items():
        begun = time.monotonic()
        assert look_up(), name
        took[name] = time.monotonic() - begun

    assert all(writer.is_alive() for writer in busy)
    assert {name for name, seconds in took.items() if seconds > AT_ONCE_S} == set()


def test_the_use_of_a_session_counts_before_it_is_written_and_after(
    registry: Registry, clock: MovableClock, lookups: dict[str, Callable[[], object]]
) -> None:
    def is_live() -> bool:
        found = lookups["session"]()
        return found is not None and getattr(found, "caller", None) is not None

    assert is_live()
    clock.move(minutes=50)  # 80 after the last use that is written down
    assert is_live()
    registry.write_last_uses()
    clock.move(minutes=50)
    assert is_live()
    clock.move(minutes=61)
    assert not is_live()


def test_a_registry_in_memory_is_refused(clock: MovableClock) -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(StartError, match="ODOMETER_REGISTRY has to name a file"):
            open_registry(url, clock)
