"""A real registry in a real file, with a cheap password hash and a clock that tests move."""

from collections.abc import Iterator
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


@pytest.fixture
def registry(tmp_path: Path, clock: MovableClock) -> Iterator[Registry]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    opened = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=cheap)
    yield opened
    opened.close()
