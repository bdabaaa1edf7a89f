"""Worked cases, computed by hand: engine and oracle must both give them to the digit; each says why it exists."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.generic import by_engine, by_oracle
from tests.oracle.history import lives
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
_FOLDER = Path(__file__).parent / "golden" / "generic_date_range"
WORLDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.json"))}
CASES = [(name, case) for name, world in WORLDS.items() for case in world["cases"]]
IDS = [f"{name}: {case['why']}" for name, case in CASES]


def delivered(world: Case) -> list[Delivery]:
    """The records of a file, imported at the end of its T (or of `receivedOn`, for data that T may not see)."""
    received_on = dt.date.fromisoformat(world["receivedOn" if "receivedOn" in world else "T"])
    return [Delivery(tuple(world["records"]), to_ms(received_on) + DAY_MS - 1, "golden", is_import=True)]


@pytest.fixture(scope="module")
def products(store: Store) -> dict[str, int]:
    return {name: feed(store, delivered(world)) for name, world in WORLDS.items()}


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_engine_gives_it(store: Store, products: dict[str, int], name: str, case: Case) -> None:
    world = WORLDS[name]
    today = dt.date.fromisoformat(world["T"])
    answered = by_engine(store, products[name], case["request"], today, world["daysUntilDeclaredLost"])
    assert picked(answered, case) == case["result"], case["why"]


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_oracle_gives_it(name: str, case: Case) -> None:
    world = WORLDS[name]
    found = lives(received(delivered(world))).values()
    answered = by_oracle(found, case["request"], dt.date.fromisoformat(world["T"]), world["daysUntilDeclaredLost"])
    assert picked(answered, case) == case["result"], case["why"]


def picked(answer: dict[str, Any], case: Case) -> list[Any]:
    """The answer as ordered pairs; with `zerosElsewhere` only the buckets with figures, and the first and last key."""
    pairs = [[key, value] for key, value in answer["result"].items()]
    if not case.get("zerosElsewhere"):
        return pairs
    figures = [[key, value] for key, value in pairs if any(value.values())]
    return [["first", pairs[0][0]], ["last", pairs[-1][0]], ["buckets", len(pairs)], *figures]
