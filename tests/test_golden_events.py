"""Worked cases of the event reports: engine and oracle both give them to the digit; each says why it exists.

A file holds a world (`records`, or `recordsOf` another file), T, perhaps the product's `daysUntilDeclaredLost`, and
cases. A case says the `result`, or the whole `answer` where the report has members beside it; perhaps `flags` as the
list of events spells them. Short spellings, which the first case of each report does without: a table's row may give
its nine `figures` in their order, the full report's `data` its seven numbers and the bins that are not 0, a histogram
the bare numbers of the events asked for.
"""

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.event_reports import REPORTS, Flags, asked, expected
from tests.generic import text
from tests.oracle.history import lives
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
_GOLDEN = Path(__file__).parent / "golden"
_FILES = sorted(path for report in REPORTS for path in (_GOLDEN / report).glob("*.json"))
WORLDS = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8")) for path in _FILES}
CASES = [
    pytest.param(name, case, id=f"{name}: {case['why']}") for name, world in WORLDS.items() for case in world["cases"]
]

_FIGURES = (
    "eventCount",
    "eventCountPerUserUsedAtLeastOnce",
    "eventCountPerUserUsedAtLeastOnceActiveDay",
    "eventCountPerUserUsedAtLeastOnceActiveWeek",
    "eventCountPerUserUsedAtLeastOnceActiveMonth",
    "uniqueUsersUsedAtLeastOnce",
    "uniqueUsersNeverUsed",
    "percentUsedAtLeastOnce",
    "activeUsers",
)
_DATA = (
    "eventCounts",
    "averageEventCountPerSessionUsedAtLeastOnce",
    "averageEventCountPerSessionAll",
    "averageEventCountPerUserAtLeastOnce",
    "averageEventCountPerUserAll",
    "uniqueUsersUsedAtLeastOnce",
    "uniqueUsersNeverUsed",
)
_FREQUENCY = (
    *map(str, range(1, 11)),
    *("11 - 15", "16 - 20", "21 - 30", "31 - 40", "41 - 50", "51 - 75", "76 - 100"),
    *("101 - 200", "201 - 500", "501 - 1000", "1001 - 5000", "≥ 5001"),
)


def delivered(world: Case) -> list[Delivery]:
    """The records of a file, imported at the end of its T."""
    records = WORLDS[world["recordsOf"]]["records"] if "recordsOf" in world else world["records"]
    return [Delivery(tuple(records), to_ms(today_of(world)) + DAY_MS - 1, "golden", is_import=True)]


def today_of(world: Case) -> dt.date:
    return dt.date.fromisoformat(world["T"])


def flags_of(case: Case) -> Flags:
    return {(one["category"] or "", one["eventName"]): (one["basic"], one["advanced"]) for one in case.get("flags", [])}


def wanted(case: Case) -> Any:
    """The whole answer that a case describes."""
    names = [_names(event) for event in case["request"].get("events") or []]
    return spelled(case["answer"] if "answer" in case else {"result": case["result"]}, names)


def _names(event: Case) -> Case:
    if "combiLabel" in event:
        return {"combiLabel": event["combiLabel"]}
    category = event.get("category")
    return {"category": None if category == "<NULL>" else category, "name": event["name"]}


def spelled(value: Any, names: list[Case]) -> Any:
    """A result with its short spellings written out."""
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        return [{**name, "value": one} for name, one in zip(names, value, strict=True)]
    if isinstance(value, list):
        return [spelled(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    found: Case = {}
    for key, below in value.items():
        if key == "figures":
            found.update(zip(_FIGURES, below, strict=True))
        elif key == "data" and isinstance(below, list):
            *numbers, some = below
            assert set(some) <= set(_FREQUENCY)
            frequency = {label: some.get(label, 0) for label in _FREQUENCY}
            found["data"] = {**dict(zip(_DATA, numbers, strict=True)), "usageFrequency": frequency}
        else:
            found[key] = spelled(below, names)
    return found


@pytest.fixture(scope="module")
def products(store: Store) -> Any:
    """The product that holds the world of a file, which is fed when it is first asked for."""
    return cache(lambda name: feed(store, delivered(WORLDS[name])))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_engine_gives_it(store: Store, products: Any, name: str, case: Case) -> None:
    world = WORLDS[name]
    product = products(world.get("recordsOf", name))
    silence = world.get("daysUntilDeclaredLost", 40)
    report = name.partition("/")[0]
    answered = asked(store, product, report, case["request"], today_of(world), flags_of(case), silence)
    assert text(answered) == text(wanted(case)), case["why"]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_oracle_gives_it(name: str, case: Case) -> None:
    world = WORLDS[name]
    found = lives(received(delivered(world))).values()
    silence = world.get("daysUntilDeclaredLost", 40)
    answered = expected(name.partition("/")[0], found, case["request"], today_of(world), flags_of(case), silence)
    assert text(answered) == text(wanted(case)), case["why"]
