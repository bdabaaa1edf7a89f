"""Worked cases of the event reports: engine and oracle both give them to the digit."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.event_reports import REPORTS, asked
from tests.generic import text
from tests.oracle.history import lives
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
_GOLDEN = Path(__file__).parent / "golden"
WORLDS = {name: json.loads((_GOLDEN / name / "worked_example.json").read_text(encoding="utf-8")) for name in REPORTS}
CASES = [(name, case) for name, world in WORLDS.items() for case in world["cases"]]
IDS = [f"{name}: {case['why']}" for name, case in CASES]


def delivered(world: Case) -> list[Delivery]:
    return [Delivery(tuple(world["records"]), to_ms(today_of(world)) + DAY_MS - 1, "golden", is_import=True)]


def today_of(world: Case) -> dt.date:
    return dt.date.fromisoformat(world["T"])


@pytest.fixture(scope="module")
def products(store: Store) -> dict[str, int]:
    return {name: feed(store, delivered(world)) for name, world in WORLDS.items()}


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_engine_gives_it(store: Store, products: dict[str, int], name: str, case: Case) -> None:
    answered = asked(store, products[name], name, case["request"], today_of(WORLDS[name]))
    assert text(answered) == text({"result": case["result"]}), case["why"]


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_oracle_gives_it(name: str, case: Case) -> None:
    world = WORLDS[name]
    found = lives(received(delivered(world))).values()
    answered = REPORTS[name][1](found, case["request"], today_of(world))
    assert text(answered) == text({"result": case["result"]}), case["why"]
