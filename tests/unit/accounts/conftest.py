"""A real registry in a real file, with a cheap password hash and a clock that tests move."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from odometer.accounts import Registry, open_registry
from odometer.clock import Clock

START_MS = 1_900_000_000_000


class MovableClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.ms = START_MS

    def now_ms(self) -> int:
        return self.ms

    def move(self, *, minutes: float) -> None:
        self.ms += int(minutes * 60_000)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On both databases, unless a test looks into the file of one."""
    if "database_kind" in metafunc.fixturenames:
        only_sqlite = metafunc.definition.get_closest_marker("only_sqlite")
        metafunc.parametrize("database_kind", ["sqlite"] if only_sqlite else ["sqlite", "postgresql"])


@pytest.fixture
def registry_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.sqlite'}"
    new_database: Callable[[], str] = request.getfixturevalue("postgresql")
    return new_database()


@pytest.fixture
def registry(registry_url: str, clock: MovableClock) -> Iterator[Registry]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    opened = open_registry(registry_url, clock, hasher=cheap)
    yield opened
    opened.close()
