"""Event tracking management: lists, flags, what is refused, and what the setting newEvents does (chapter 01)."""

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.model.events import EventName
from odometer.store.questions import Questions
from tests.http.conftest import EMAIL, PRODUCT, Connect, NoQuestions, World, code_of, log_in

PATH = f"/v3/event-tracking/{PRODUCT}"
SEEN = dt.date(2031, 2, 10)


class SomeEvents(NoQuestions):
    """The door of a store that holds events."""

    def __init__(self) -> None:
        self.events: dict[EventName, int] = {}

    def add(self, category: str, name: str, received_ms: int = 1_000) -> None:
        self.events[EventName(category, name)] = received_ms

    def first_received(self, _product_id: int) -> dict[EventName, int]:
        return self.events

    def first_seen(self, _product_id: int) -> dict[EventName, dt.date]:
        return dict.fromkeys(self.events, SEEN)


@pytest.fixture
def events() -> SomeEvents:
    found = SomeEvents()
    for category, name in (
        ("", "AppStart"),
        ("canvas", "Blur"),
        ("Canvas", "rotate"),
        ("Canvas", "Zoom"),
        ("Äther", "A"),
    ):
        found.add(category, name)
    return found


@pytest.fixture
def developer(connect: Connect, world: World, events: SomeEvents) -> TestClient:
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.DEVELOPER])
    caller = connect(questions=cast("Questions", events))
    log_in(caller)
    return caller


def listed(answer: Any) -> list[tuple[str | None, str, bool, bool]]:
    assert answer.status_code == 200, answer.text
    return [
        (category["category"], event["eventName"], event["basic"], event["advanced"])
        for category in answer.json()["result"]
        for event in category["categoryEventNames"]
    ]


def patch(caller: TestClient, *events: dict[str, Any]) -> Any:
    return caller.patch(PATH, json={"events": list(events)})


def test_events_stand_by_category_whatever_the_case_and_those_without_one_last(developer: TestClient) -> None:
    assert [one[:2] for one in listed(developer.get(PATH))] == [
        ("Canvas", "rotate"),
        ("Canvas", "Zoom"),
        ("canvas", "Blur"),
        ("Äther", "A"),
        (None, "AppStart"),
    ]
    first = developer.get(PATH).json()["result"][0]["categoryEventNames"][0]
    assert first == {"eventName": "rotate", "basic": True, "advanced": True, "dateFirstSeen": "2031-02-10"}


def test_flags_are_set_and_shown_by_kind(developer: TestClient) -> None:
    answer = patch(
        developer,
        {"category": "Canvas", "eventName": "Zoom", "basic": True, "advanced": False},
        {"category": None, "eventName": "AppStart", "basic": False},
        {"category": "<NULL>", "eventName": "AppStart"}
        | {"category": "canvas", "eventName": "Blur", "advanced": False},
    )
    assert listed(answer) == [
        ("Canvas", "Zoom", True, False),
        ("canvas", "Blur", True, False),
        (None, "AppStart", False, False),
    ]

    assert len(listed(developer.get(PATH))) == 5
    assert [one[1] for one in listed(developer.get(PATH, params={"showEvents": "basic"}))] == [
        "rotate",
        "Zoom",
        "Blur",
        "A",
    ]
    assert [one[1] for one in listed(developer.get(PATH, params={"showEvents": "advanced"}))] == ["rotate", "A"]
    either = developer.get(PATH, params={"showEvents": "basic,advanced"})
    assert [one[1] for one in listed(either)] == ["rotate", "Zoom", "Blur", "A"]
    assert listed(patch(developer, {"eventName": "AppStart", "advanced": True})) == [(None, "AppStart", True, True)]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"category": "Canvas", "eventName": "Rotate"}, "NOT_FOUND", "events[1]"),
        ({"category": None, "eventName": "rotate"}, "NOT_FOUND", "events[1]"),
        ({"category": "Canvas", "eventName": "Zoom"}, "INVALID_FIELD", "events[1]"),
        (
            {"category": "Canvas", "eventName": "rotate", "basic": False, "advanced": True},
            "INVALID_FIELD",
            "events[1].basic",
        ),
        ({"category": "Canvas", "eventName": "rotate", "basic": 1}, "INVALID_FIELD", "events[1].basic"),
        ({"category": "Canvas"}, "MISSING_FIELD", "events[1].eventName"),
    ],
)
def test_a_refused_change_changes_nothing(developer: TestClient, change: dict[str, Any], code: str, field: str) -> None:
    before = developer.get(PATH).json()

    answer = patch(developer, {"category": "Canvas", "eventName": "Zoom", "basic": False}, change)

    assert (code_of(answer), answer.json()["error"]["field"]) == (code, field)
    assert answer.status_code == (404 if code == "NOT_FOUND" else 400)
    assert developer.get(PATH).json() == before


def test_what_else_is_refused(developer: TestClient) -> None:
    for kind in ("", "none", "basic;advanced", "all,basic"):
        assert code_of(developer.get(PATH, params={"showEvents": kind})) == "INVALID_FIELD"
    assert code_of(developer.patch(PATH, json={"events": []})) == "INVALID_FIELD"
    assert code_of(developer.patch(PATH, json={})) == "MISSING_FIELD"


def test_reporting_may_look_but_not_change(connect: Connect, events: SomeEvents) -> None:
    caller = connect(questions=cast("Questions", events))
    log_in(caller)

    assert len(listed(caller.get(PATH))) == 5
    assert code_of(patch(caller, {"eventName": "AppStart", "basic": False})) == "PERMISSION_DENIED"


def test_an_event_keeps_the_flags_of_the_time_when_it_was_new(
    developer: TestClient, world: World, events: SomeEvents
) -> None:
    def set_new(value: str | None) -> int:
        world.clock.move(minutes=1)
        world.registry.products.change(PRODUCT, {"newEvents": value}, actor="test")
        return world.clock.now_ms()

    events.events.clear()
    events.add("", "before")
    events.add("", "basic", set_new("basic"))
    events.add("", "still basic", world.clock.now_ms() + 1)
    events.add("", "inactive", set_new("inactive"))
    events.add("", "advanced", set_new(None))

    flags = {name: (basic, advanced) for _, name, basic, advanced in listed(developer.get(PATH))}
    assert flags == {
        "before": (True, True),
        "basic": (True, False),
        "still basic": (True, False),
        "inactive": (False, False),
        "advanced": (True, True),
    }
    product = world.registry.products.get(PRODUCT)
    assert product is not None
    assert [value for _, value in product.new_events_since] == ["basic", "inactive", "advanced"]


def test_changes_are_audited(developer: TestClient, tmp_path: Path) -> None:
    patch(developer, {"category": "Canvas", "eventName": "Zoom", "advanced": False})

    with sqlite3.connect(tmp_path / "registry.sqlite") as database:
        rows = database.execute("SELECT actor, subject, detail FROM audit_log WHERE action = 'event.flags'").fetchall()
    database.close()
    detail = '{"events": [{"category": "Canvas", "eventName": "Zoom", "basic": true, "advanced": false}]}'
    assert rows == [(EMAIL, str(PRODUCT), detail)]
