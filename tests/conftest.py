"""What all tests share: one open store for the whole process, and how hard Hypothesis tries."""

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from odometer.store.derive.derivation import Derivation
from odometer.store.derive.erase import Eraser
from odometer.store.engine import DATABASE, Engine
from odometer.store.gate import Gate
from odometer.store.questions import Questions
from odometer.store.records.append import Writer
from odometer.store.records.ledger import Ledger
from odometer.store.tables import DERIVED, TABLES, migrate

pytest_plugins = ["tests.postgresql"]

_SLOW_IS_FINE = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large)
# How many times as many examples as each test names are tried; `make test-long` tries many, and others each time.
_TIMES = int(os.environ.get("TEST_EXAMPLES", "1"))
# The same examples on every run: a failure on main is a failure at home.
# Making a failing world small takes minutes with a real engine: the profile `explore` does it, at home.
settings.register_profile(
    "ci",
    derandomize=_TIMES == 1,
    deadline=None,
    max_examples=6 * _TIMES,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile("explore", deadline=None, max_examples=500, suppress_health_check=_SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def tried(examples: int, **more: Any) -> settings:
    """Settings of a test that tries so many examples, each of which takes a while."""
    return settings(max_examples=examples * _TIMES, **more)


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. Worlds are kept apart by product id, because one process opens one embedded engine."""

    engine: Engine
    gate: Gate
    derivation: Derivation
    writer: Writer
    questions: Questions
    products: Iterator[int]

    @property
    def eraser(self) -> Eraser:
        """What erases clients, and derives them itself."""

        def derive_again(product: int, clients: Sequence[str]) -> bool:
            self.derivation.derive_clients(product, clients)
            return True

        return Eraser(self.engine, self.gate, self.derivation, derive_again)

    def new_product(self) -> int:
        """A product id that no other test uses."""
        return next(self.products)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    engine = Engine(f"chdb://{tmp_path_factory.mktemp('store')}", handles=4)
    migrate(engine)
    for table in (table for table in TABLES if "fsync" in table.settings):
        # Nothing here has to survive a power cut, and waiting for the disk is most of the time otherwise.
        engine.command(
            f"ALTER TABLE {DATABASE}.{table.name} MODIFY SETTING fsync_after_insert=0, fsync_part_directory=0"
        )
    gate = Gate()
    ledger = Ledger(engine)
    assert ledger.check() == ()
    # Tests say themselves when to derive, so that they can choose worse moments than the server would.
    writer = Writer(engine, lambda _touched, _ingest_no: None)
    questions = Questions(engine, gate, as_of_ms=lambda: 0, timeout_s=60)
    yield Store(engine, gate, Derivation(engine, gate, ledger), writer, questions, itertools.count(1_000_001))
    writer.close()
    engine.close()


@pytest.fixture
def unmerged(store: Store) -> Iterator[None]:
    """Rows that cancel each other out stay where they are, as they do for a while in a busy store."""
    for table in DERIVED:
        store.engine.command(f"SYSTEM STOP MERGES {DATABASE}.{table.name}")
    yield
    for table in DERIVED:
        store.engine.command(f"SYSTEM START MERGES {DATABASE}.{table.name}")
