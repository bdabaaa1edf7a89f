"""`globalFilters`: what is read and into what, and that every refusal names the exact member (chapter 02)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.model.properties import BY_NAME
from odometer.selection.predicate import (
    EVERYBODY,
    AllOf,
    AnyOf,
    Days,
    Delivered,
    EventTest,
    Flag,
    Holds,
    IsNull,
    Not,
    Numbers,
    Pattern,
    Predicate,
    Texts,
    UsedEvents,
)
from odometer.selection.reading import Language
from tests.unit.selection.as_sent import parse_filters

P = BY_NAME
VERSION, RAM, TOUCH = P["prodVersion"], P["ram"], P["touchScreen"]
TODAY = dt.date(2031, 6, 20)

READ: list[tuple[str, Any, Predicate]] = [
    ("prodVersion", {"type": "string", "value": "3.2"}, AnyOf((Holds(VERSION, Texts(("3.2",))),))),
    ("prodVersion", {"type": "string", "value": "<NULL>"}, AnyOf((IsNull(VERSION), Holds(VERSION, Texts(()))))),
    (
        "prodVersion",
        {"type": "stringArray", "value": ["a", "", "a"]},
        AnyOf((IsNull(VERSION), Holds(VERSION, Texts(("a",))))),
    ),
    ("prodVersion", {"type": "regex", "value": "3\\..*"}, AnyOf((Holds(VERSION, Pattern("3\\..*")),))),
    ("prodVersion", {"includeNull": True}, AnyOf((IsNull(VERSION),))),
    ("prodVersion", {"includeNull": True, "exclude": True}, Not(AnyOf((IsNull(VERSION),)))),
    ("ram", {"type": "number", "value": 8.0}, AnyOf((Holds(RAM, Numbers(Decimal(8), Decimal(8))),))),
    ("ram", {"type": "numberRange", "max": Decimal("16.5")}, AnyOf((Holds(RAM, Numbers(None, Decimal("16.5"))),))),
    (
        "ram",
        {"type": "number", "value": 8, "includeNull": True},
        AnyOf((IsNull(RAM), Holds(RAM, Numbers(Decimal(8), Decimal(8))))),
    ),
    ("touchScreen", {"value": True}, AnyOf((Holds(TOUCH, Flag(True)),))),
    (
        "dateInstalled",
        {"type": "dateRange", "min": "2031-01-01", "max": "NOW-7"},
        AnyOf((Holds(P["dateInstalled"], Days(dt.date(2031, 1, 1), dt.date(2031, 6, 13))),)),
    ),
    ("dateLastSeen", {"type": "date", "value": "NOW"}, AnyOf((Holds(P["dateLastSeen"], Days(TODAY, TODAY)),))),
    (
        "optOut",
        {"current": False, "historical": True},
        AllOf((Holds(P["optOut.current"], Flag(False)), Holds(P["optOut.historical"], Flag(True)))),
    ),
    ("optOut.current", {"value": False}, AnyOf((Holds(P["optOut.current"], Flag(False)),))),
    ("licenseStatus.whitelisted", {"value": True}, AnyOf((Holds(P["licenseStatus.allowed"], Flag(True)),))),
    ("os.version", {"type": "string", "value": "x"}, AnyOf((Holds(P["os.version"], Texts(("x",))),))),
    (
        "os",
        {"type": "string", "version": "a", "edition": "b"},
        AnyOf((Holds(P["os.version"], Texts(("a",))), Holds(P["os.edition"], Texts(("b",))))),
    ),
    (
        "gpu",
        {"type": "regex", "model": "G.*", "includeNull": True},
        AnyOf((IsNull(P["gpu.model"]), Holds(P["gpu.model"], Pattern("G.*")))),
    ),
    (
        "licenseStatus",
        [{"activated": True, "blacklisted": False}, {"expired": True}],
        AnyOf(
            (
                AllOf(
                    (Holds(P["licenseStatus.activated"], Flag(True)), Holds(P["licenseStatus.blocked"], Flag(False)))
                ),
                AllOf((Holds(P["licenseStatus.expired"], Flag(True)),)),
            )
        ),
    ),
    ("reachOutDeliveries", {"auto": [41, 17]}, AnyOf((Delivered((41, 17), ()),))),
    ("lifetimeEventUsage", [{"name": "Crop"}], AllOf((UsedEvents(EventTest(Texts(("Crop",)), None), 1, None),))),
    (
        "lifetimeEventUsage",
        [{"category": "<NULL>", "name": "Crop", "max": 0}],
        AllOf((UsedEvents(EventTest(Texts(("Crop",)), None), 0, 0),)),
    ),
    (
        "lifetimeEventUsage",
        [{"categoryType": "regex", "category": "E.*", "nameType": "regex", "name": ".*", "max": 9}],
        AllOf((UsedEvents(EventTest(Pattern(".*"), Pattern("E.*")), 1, 9),)),
    ),
]


@pytest.mark.parametrize(("name", "given", "expected"), READ)
def test_read(language: Language, name: str, given: Any, expected: Predicate) -> None:
    assert parse_filters({name: given}, language) == AllOf((expected,))


def test_all_filters_must_hold(language: Language) -> None:
    both = parse_filters({"os": {"type": "string", "version": "a"}, "os.version": {"includeNull": True}}, language)

    assert both == AllOf((AnyOf((Holds(P["os.version"], Texts(("a",))),)), AnyOf((IsNull(P["os.version"]),))))


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_filter_is_everybody(language: Language, nothing: Any) -> None:
    assert parse_filters(nothing, language) == EVERYBODY


STRING = {"type": "string", "value": "x"}
REFUSED: list[tuple[Any, str, str]] = [
    ([], "INVALID_FIELD", "globalFilters"),
    ("x", "INVALID_FIELD", "globalFilters"),
    ({"prodversion": STRING}, "UNKNOWN_PROPERTY", "globalFilters.prodversion"),
    ({"os.kernel": STRING}, "UNKNOWN_PROPERTY", "globalFilters.os.kernel"),
    ({"x'; DROP TABLE": STRING}, "UNKNOWN_PROPERTY", 'globalFilters."x\'; DROP TABLE"'),
    ({"prodVersion": None}, "INVALID_FIELD", "globalFilters.prodVersion"),
    ({"prodVersion": "3.2"}, "INVALID_FIELD", "globalFilters.prodVersion"),
    ({"prodVersion": {}}, "MISSING_FIELD", "globalFilters.prodVersion.type"),
    ({"prodVersion": {"value": "x"}}, "MISSING_FIELD", "globalFilters.prodVersion.type"),
    ({"prodVersion": {"type": "string"}}, "MISSING_FIELD", "globalFilters.prodVersion.value"),
    ({"prodVersion": {"type": "number", "value": 3}}, "INVALID_FIELD", "globalFilters.prodVersion.type"),
    ({"prodVersion": {**STRING, "values": []}}, "INVALID_FIELD", "globalFilters.prodVersion.values"),
    ({"prodVersion": {**STRING, "min": 1}}, "INVALID_FIELD", "globalFilters.prodVersion.min"),
    ({"prodVersion": {**STRING, "split": True}}, "INVALID_FIELD", "globalFilters.prodVersion.split"),
    ({"prodVersion": {"type": "string", "value": 3}}, "INVALID_FIELD", "globalFilters.prodVersion.value"),
    ({"prodVersion": {"type": "string", "value": "a\0"}}, "INVALID_FIELD", "globalFilters.prodVersion.value"),
    ({"prodVersion": {"type": "stringArray", "value": []}}, "INVALID_FIELD", "globalFilters.prodVersion.value"),
    (
        {"prodVersion": {"type": "stringArray", "value": ["a", 1]}},
        "INVALID_FIELD",
        "globalFilters.prodVersion.value[1]",
    ),
    (
        {"prodVersion": {"type": "stringArray", "value": ["a"] * 10_001}},
        "INVALID_FIELD",
        "globalFilters.prodVersion.value",
    ),
    ({"prodVersion": {"type": "regex", "value": "("}}, "INVALID_FIELD", "globalFilters.prodVersion.value"),
    ({"prodVersion": {"type": "regex", "value": "a" * 1001}}, "INVALID_FIELD", "globalFilters.prodVersion.value"),
    ({"prodVersion": {**STRING, "includeNull": "yes"}}, "INVALID_FIELD", "globalFilters.prodVersion.includeNull"),
    ({"prodVersion": {**STRING, "exclude": 1}}, "INVALID_FIELD", "globalFilters.prodVersion.exclude"),
    ({"licenseType": {"type": "regex", "value": "p.*"}}, "INVALID_FIELD", "globalFilters.licenseType.type"),
    ({"licenseKey": STRING}, "PERMISSION_DENIED", "globalFilters.licenseKey"),
    ({"ram": STRING}, "INVALID_FIELD", "globalFilters.ram.type"),
    ({"ram": {"type": "number", "value": "8"}}, "INVALID_FIELD", "globalFilters.ram.value"),
    ({"ram": {"type": "number", "value": True}}, "INVALID_FIELD", "globalFilters.ram.value"),
    ({"ram": {"type": "numberRange"}}, "MISSING_FIELD", "globalFilters.ram.min"),
    ({"ram": {"type": "numberRange", "min": 9, "max": 8}}, "INVALID_FIELD", "globalFilters.ram.min"),
    ({"ram": {"type": "numberRange", "min": 9, "value": 8}}, "INVALID_FIELD", "globalFilters.ram.value"),
    ({"ram": {"type": "number", "value": Decimal("1e400000")}}, "INVALID_FIELD", "globalFilters.ram.value"),
    ({"touchScreen": {"value": "true"}}, "INVALID_FIELD", "globalFilters.touchScreen.value"),
    ({"touchScreen": {"type": "string", "value": "true"}}, "INVALID_FIELD", "globalFilters.touchScreen.type"),
    ({"dateInstalled": {"type": "dateRange"}}, "MISSING_FIELD", "globalFilters.dateInstalled.min"),
    ({"dateInstalled": {"type": "dateRange", "min": "2031-02-30"}}, "INVALID_FIELD", "globalFilters.dateInstalled.min"),
    (
        {"dateInstalled": {"type": "dateRange", "min": "NOW", "max": "NOW-1"}},
        "INVALID_FIELD",
        "globalFilters.dateInstalled.min",
    ),
    ({"licenseStatus": []}, "INVALID_FIELD", "globalFilters.licenseStatus"),
    ({"licenseStatus": {"activated": True}}, "INVALID_FIELD", "globalFilters.licenseStatus"),
    ({"licenseStatus": [{}]}, "INVALID_FIELD", "globalFilters.licenseStatus[0]"),
    (
        {"licenseStatus": [{"activated": True}, {"allowed": True, "whitelisted": True}]},
        "INVALID_FIELD",
        "globalFilters.licenseStatus[1].whitelisted",
    ),
    (
        {"licenseStatus": [{"activated": True, "exclude": True}]},
        "INVALID_FIELD",
        "globalFilters.licenseStatus[0].exclude",
    ),
    ({"licenseStatus": [{"activated": 1}]}, "INVALID_FIELD", "globalFilters.licenseStatus[0].activated"),
    (
        {"licenseStatus.activated": {"value": True, "includeNull": True}},
        "INVALID_FIELD",
        "globalFilters.licenseStatus.activated.includeNull",
    ),
    ({"optOut": {}}, "INVALID_FIELD", "globalFilters.optOut"),
    ({"optOut": {"exclude": True}}, "INVALID_FIELD", "globalFilters.optOut"),
    ({"optOut": {"ever": True}}, "INVALID_FIELD", "globalFilters.optOut.ever"),
    ({"backOff": {"current": None}}, "INVALID_FIELD", "globalFilters.backOff"),
    ({"os": {"type": "string"}}, "INVALID_FIELD", "globalFilters.os"),
    ({"os": {"includeNull": True, "version": "x"}}, "MISSING_FIELD", "globalFilters.os.type"),
    ({"os": {"type": "string", "value": "x"}}, "INVALID_FIELD", "globalFilters.os.value"),
    ({"os": {"type": "string", "model": "x"}}, "INVALID_FIELD", "globalFilters.os.model"),
    ({"os": {"type": "regex", "version": "a", "edition": "("}}, "INVALID_FIELD", "globalFilters.os.edition"),
    ({"os": {"type": "stringArray", "version": ["a", 2]}}, "INVALID_FIELD", "globalFilters.os.version[1]"),
    ({"reachOutDeliveries": {}}, "INVALID_FIELD", "globalFilters.reachOutDeliveries"),
    ({"reachOutDeliveries": {"auto": []}}, "INVALID_FIELD", "globalFilters.reachOutDeliveries.auto"),
    ({"reachOutDeliveries": {"auto": [1, "2"]}}, "INVALID_FIELD", "globalFilters.reachOutDeliveries.auto[1]"),
    ({"reachOutDeliveries": {"mail": [1]}}, "INVALID_FIELD", "globalFilters.reachOutDeliveries.mail"),
    ({"reachOutDeliveries.auto": [1]}, "INVALID_FIELD", "globalFilters.reachOutDeliveries.auto"),
    ({"lifetimeEventUsage": []}, "INVALID_FIELD", "globalFilters.lifetimeEventUsage"),
    ({"lifetimeEventUsage": [{}]}, "MISSING_FIELD", "globalFilters.lifetimeEventUsage[0].name"),
    (
        {"lifetimeEventUsage": [{"name": "a", "min": 3, "max": 2}]},
        "INVALID_FIELD",
        "globalFilters.lifetimeEventUsage[0].min",
    ),
    ({"lifetimeEventUsage": [{"name": "a", "min": -1}]}, "INVALID_FIELD", "globalFilters.lifetimeEventUsage[0].min"),
    ({"lifetimeEventUsage": [{"name": "a", "min": 1.5}]}, "INVALID_FIELD", "globalFilters.lifetimeEventUsage[0].min"),
    (
        {"lifetimeEventUsage": [{"name": "a", "nameType": "glob"}]},
        "INVALID_FIELD",
        "globalFilters.lifetimeEventUsage[0].nameType",
    ),
    (
        {"lifetimeEventUsage": [{"name": "a", "event": "b"}]},
        "INVALID_FIELD",
        "globalFilters.lifetimeEventUsage[0].event",
    ),
]


@pytest.mark.parametrize(("given", "code", "field"), REFUSED)
def test_refused(language: Language, given: Any, code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_filters(given, language)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message
