"""Worked cases, computed by hand: engine and oracle must both give them to the digit; each says why it exists.

A file holds a world (`records`, or `recordsOf` another file) and cases. `defaults` are members that every request of
the file has. A case says its `result` (an object, in the order of the answer), or `who`: the clients that count, which
the request is then asked for with one level by clientId. "1/2/0" stands for new 1, active 2, lost 0.
"""

import datetime as dt
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Store
from tests.generic import by_engine, by_oracle, current_by_engine, current_by_oracle, text
from tests.oracle.history import lives
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
_GOLDEN = Path(__file__).parent / "golden"
_ASK = {"generic_date_range": (by_engine, by_oracle), "generic_current": (current_by_engine, current_by_oracle)}
_FILES = sorted(path for report in _ASK for path in (_GOLDEN / report).glob("*.json"))
WORLDS = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8")) for path in _FILES}
CASES = [(name, case) for name, world in WORLDS.items() for case in world["cases"]]
IDS = [f"{name}: {case['why']}" for name, case in CASES]
_FIGURES = re.compile(r"(\d+)/(\d+)/(\d+)")


def delivered(world: Case) -> list[Delivery]:
    """The records of a file, imported at the end of its T (or of `receivedOn`, for data that T may not see)."""
    received_on = dt.date.fromisoformat(world["receivedOn" if "receivedOn" in world else "T"])
    records = WORLDS[world["recordsOf"]]["records"] if "recordsOf" in world else world["records"]
    return [Delivery(tuple(records), to_ms(received_on) + DAY_MS - 1, "golden", is_import=True)]


@pytest.fixture(scope="module")
def products(store: Store) -> Any:
    """The product that holds the world of a file, which is fed when it is first asked for."""
    return cache(lambda name: feed(store, delivered(WORLDS[name])))


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_engine_gives_it(store: Store, products: Any, name: str, case: Case) -> None:
    world = WORLDS[name]
    ask, _ = _ASK[name.partition("/")[0]]
    today = dt.date.fromisoformat(world["T"])
    product = products(world.get("recordsOf", name))
    answered = ask(store, product, request_of(world, case), today, world["daysUntilDeclaredLost"])
    assert text(picked(answered, case)) == text(wanted(case)), case["why"]


@pytest.mark.parametrize(("name", "case"), CASES, ids=IDS)
def test_the_oracle_gives_it(name: str, case: Case) -> None:
    world = WORLDS[name]
    _, ask = _ASK[name.partition("/")[0]]
    found = lives(received(delivered(world))).values()
    today = dt.date.fromisoformat(world["T"])
    answered = ask(found, request_of(world, case), today, world["daysUntilDeclaredLost"])
    assert text(picked(answered, case)) == text(wanted(case)), case["why"]


def request_of(world: Case, case: Case) -> Case:
    request = {**world.get("defaults", {}), **case["request"]}
    return {**request, "levels": {"level1": {"property": "clientId"}}} if "who" in case else request


def wanted(case: Case) -> Any:
    return case["who"] if "who" in case else spelled(case["result"])


def spelled(value: Any) -> Any:
    """A result with its short figures written out."""
    if isinstance(value, dict):
        return {key: spelled(below) for key, below in value.items()}
    if isinstance(value, list):
        return [spelled(below) for below in value]
    figures = _FIGURES.fullmatch(value) if isinstance(value, str) else None
    return dict(zip(("new", "active", "lost"), map(int, figures.groups()), strict=True)) if figures else value


def picked(answer: Case, case: Case) -> Any:
    """What a case speaks of: all, or with `zerosElsewhere` the buckets with figures and the first and last key."""
    result: Case = answer["result"]
    if "who" in case:
        return list(result["level1"])
    if isinstance(case["result"], dict):
        return result
    pairs = [[key, value] for key, value in result.items()]
    if not case.get("zerosElsewhere"):
        return pairs
    figures = [[key, value] for key, value in pairs if any(value.values())]
    return [["first", pairs[0][0]], ["last", pairs[-1][0]], ["buckets", len(pairs)], *figures]
