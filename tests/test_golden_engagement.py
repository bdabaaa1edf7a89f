"""Worked cases of the reports of chapter 05: engine and oracle both give them to the digit; each says why it exists.

A file holds a world (`records`, or `recordsOf` another file), T, the product's `daysUntilDeclaredLost`, and cases.
Short spellings, which the first case of a report does without: an age, or several alike as `2-5`, may give its four
figures in their order; a bin of the distribution may leave out what is 0 in it, and be 0 where nothing else is.
"""

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.engagement_reports import REPORTS, asked, expected
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
_AMOUNTS = ("activeDays", "sessions", "runtime")
_FIGURES = ("engaged", "engagedPercent", "lost", "lostPercent")


def delivered(world: Case) -> list[Delivery]:
    """The records of a file, imported at the end of its T."""
    records = WORLDS[world["recordsOf"]]["records"] if "recordsOf" in world else world["records"]
    return [Delivery(tuple(records), to_ms(today_of(world)) + DAY_MS - 1, "golden", is_import=True)]


def today_of(world: Case) -> dt.date:
    return dt.date.fromisoformat(world["T"])


def wanted(name: str, answer: Case) -> Case:
    """The whole answer that a case describes."""
    if name.startswith("usage_distribution/"):
        return {"result": _distribution(answer)}
    return _ages(answer) if name.startswith("churn_and_engagement/") else answer


def _distribution(short: Case) -> Case:
    """Every bin of one amount with every bin of the other two."""
    found: Case = {}
    for amount in _AMOUNTS:
        others = [other for other in _AMOUNTS if other != amount]
        found[amount] = {}
        for label, told in short[amount].items():
            given = told or {"users": 0}
            assert all(set(given.get(other, {})) <= set(short[other]) for other in others)
            tables = {other: {one: given.get(other, {}).get(one, 0) for one in short[other]} for other in others}
            found[amount][label] = {"users": given["users"], **tables}
    return found


def _ages(short: Any) -> Any:
    """Ages with their figures named."""
    found: Case = {}
    for key, below in short.items():
        if not isinstance(below, list):
            found[key] = _ages(below) if isinstance(below, dict) else below
            continue
        first, _, last = key.partition("-")
        for age in range(int(first), int(last or first) + 1):
            found[str(age)] = dict(zip(_FIGURES, below, strict=True))
    return found


@pytest.fixture(scope="module")
def products(store: Store) -> Any:
    """The product that holds the world of a file, which is fed when it is first asked for."""
    return cache(lambda name: feed(store, delivered(WORLDS[name])))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_engine_gives_it(store: Store, products: Any, name: str, case: Case) -> None:
    world = WORLDS[name]
    product = products(world.get("recordsOf", name))
    silence = world["daysUntilDeclaredLost"]
    answered = asked(store, product, name.partition("/")[0], case["request"], today_of(world), silence)
    assert text(answered) == text(wanted(name, case["answer"])), case["why"]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_oracle_gives_it(name: str, case: Case) -> None:
    world = WORLDS[name]
    found = lives(received(delivered(world))).values()
    silence = world["daysUntilDeclaredLost"]
    answered = expected(name.partition("/")[0], found, case["request"], today_of(world), silence)
    assert text(answered) == text(wanted(name, case["answer"])), case["why"]
