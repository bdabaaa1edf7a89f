"""Levels, segments and groups: what is read and into what, and that every refusal names the member (chapter 02)."""

from decimal import Decimal
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.model.properties import BY_NAME
from odometer.selection.predicate import AllOf, AnyOf, AnyValue, Flag, Holds, IsNull, Numbers, Pattern, Texts
from odometer.selection.reading import Language
from odometer.selection.segments import Joined, Split
from tests.unit.selection.as_sent import parse_group_by, parse_levels, parse_segment_by

VERSION, RAM, TOUCH = BY_NAME["prodVersion"], BY_NAME["ram"], BY_NAME["touchScreen"]
EIGHT = Holds(RAM, Numbers(Decimal(8), Decimal(8)))

READ: list[tuple[str, Any, tuple[Joined | Split, ...]]] = [
    ("prodVersion", None, (Split(Holds(VERSION, AnyValue()), with_null=True, limit=None),)),
    ("clientId", [], (Split(Holds(BY_NAME["clientId"], AnyValue()), with_null=False, limit=None),)),
    ("prodVersion", [{"type": "string", "value": "3"}], (Joined("3", AnyOf((Holds(VERSION, Texts(("3",))),))),)),
    (
        "prodVersion",
        [{"type": "string", "value": ""}],
        (Joined("<NULL>", AnyOf((IsNull(VERSION), Holds(VERSION, Texts(()))))),),
    ),
    ("prodVersion", [{"includeNull": True}], (Joined("<NULL>", IsNull(VERSION)),)),
    ("prodVersion", [{"includeNull": True, "segmentLabel": "unknown"}], (Joined("unknown", IsNull(VERSION)),)),
    (
        "prodVersion",
        [{"type": "stringArray", "value": ["a", "<NULL>"]}],
        (Split(Holds(VERSION, Texts(("a",))), with_null=True, limit=None),),
    ),
    (
        "prodVersion",
        [{"type": "stringArray", "value": ["a"], "segmentLabel": "A"}],
        (Joined("A", AnyOf((Holds(VERSION, Texts(("a",))),))),),
    ),
    (
        "prodVersion",
        [{"type": "regex", "value": ".*", "split": True, "limit": 5}],
        (Split(Holds(VERSION, Pattern(".*")), with_null=False, limit=5),),
    ),
    ("ram", [{"type": "number", "value": Decimal("8.0")}], (Joined("8", AnyOf((EIGHT,))),)),
    ("ram", [{"type": "number", "value": 8, "segmentLabel": "eight"}], (Joined("eight", AnyOf((EIGHT,))),)),
    ("touchScreen", [{"value": False}], (Joined("false", AnyOf((Holds(TOUCH, Flag(False)),))),)),
    (
        "optOut",
        [{"segmentLabel": "out", "current": True}],
        (Joined("out", AllOf((Holds(BY_NAME["optOut.current"], Flag(True)),))),),
    ),
    (
        "licenseStatus",
        [{"segmentLabel": "old", "blacklisted": False}],
        (Joined("old", AllOf((Holds(BY_NAME["licenseStatus.blocked"], Flag(False)),))),),
    ),
]


@pytest.mark.parametrize(("name", "segments", "expected"), READ)
def test_read(language: Language, name: str, segments: Any, expected: tuple[Joined | Split, ...]) -> None:
    (level,) = parse_levels({"level1": {"property": name, "segments": segments}}, language, has_split=True)
    other_spelling = parse_segment_by(name, segments, language)

    assert level.segments == expected
    assert other_spelling is not None
    assert other_spelling.segments == expected


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_levels(language: Language, nothing: Any) -> None:
    assert parse_levels(nothing, language, has_split=False) == ()


STRING = {"type": "string", "value": "x"}
REGEX = {"type": "regex", "value": ".*"}
RANGE = {"type": "numberRange", "min": 1}


def _with(*segments: Any, name: str = "prodVersion") -> dict[str, Any]:
    return {"level1": {"property": name, "segments": list(segments)}}


REFUSED: list[tuple[Any, str, str]] = [
    ([], "INVALID_FIELD", "levels"),
    ({"level2": {"property": "prodVersion"}}, "INVALID_FIELD", "levels.level2"),
    ({"level4": {"property": "prodVersion"}}, "INVALID_FIELD", "levels.level4"),
    ({"level1": None, "level2": {"property": "prodVersion"}}, "INVALID_FIELD", "levels.level2"),
    ({"level1": "prodVersion"}, "INVALID_FIELD", "levels.level1"),
    ({"level1": {}}, "MISSING_FIELD", "levels.level1.property"),
    ({"level1": {"property": 3}}, "INVALID_FIELD", "levels.level1.property"),
    ({"level1": {"property": "prodVersion", "segment": []}}, "INVALID_FIELD", "levels.level1.segment"),
    ({"level1": {"property": "version"}}, "UNKNOWN_PROPERTY", "levels.level1.property"),
    ({"level1": {"property": "os"}}, "INVALID_FIELD", "levels.level1.property"),
    ({"level1": {"property": "dateInstalled"}}, "INVALID_FIELD", "levels.level1.property"),
    ({"level1": {"property": "lifetimeEventUsage"}}, "INVALID_FIELD", "levels.level1.property"),
    ({"level1": {"property": "reachOutDeliveries.auto"}}, "INVALID_FIELD", "levels.level1.property"),
    ({"level1": {"property": "licenseStatus"}}, "INVALID_FIELD", "levels.level1.segments"),
    ({"level1": {"property": "licenseKey"}}, "PERMISSION_DENIED", "levels.level1.property"),
    ({"level1": {"property": "ram"}, "level2": {"property": "ram"}}, "INVALID_FIELD", "levels.level2.property"),
    (_with("x"), "INVALID_FIELD", "levels.level1.segments[0]"),
    (_with({}), "MISSING_FIELD", "levels.level1.segments[0].type"),
    (_with({"includeNull": False}), "MISSING_FIELD", "levels.level1.segments[0].type"),
    (_with({"value": "x"}), "MISSING_FIELD", "levels.level1.segments[0].type"),
    (_with({"current": True}), "INVALID_FIELD", "levels.level1.segments[0].current"),
    (_with({"includeNull": True, "colour": 1}), "INVALID_FIELD", "levels.level1.segments[0].colour"),
    (_with({}, name="touchScreen"), "MISSING_FIELD", "levels.level1.segments[0].value"),
    (_with({"includeNull": False}, name="touchScreen"), "MISSING_FIELD", "levels.level1.segments[0].value"),
    (_with({"value": "true"}, name="touchScreen"), "INVALID_FIELD", "levels.level1.segments[0].value"),
    (_with({**STRING, "segmentLabel": "a"}, name="optOut"), "INVALID_FIELD", "levels.level1.segments[0].type"),
    (_with(*[STRING] * 101), "INVALID_FIELD", "levels.level1.segments"),
    (_with({**STRING, "colour": 1}), "INVALID_FIELD", "levels.level1.segments[0].colour"),
    (_with({**STRING, "exclude": True}), "INVALID_FIELD", "levels.level1.segments[0].exclude"),
    (_with({**STRING, "split": False}), "INVALID_FIELD", "levels.level1.segments[0].split"),
    (_with({**STRING, "limit": 3}), "INVALID_FIELD", "levels.level1.segments[0].limit"),
    (_with({"type": "numberRange", "min": 1, "segmentLabel": "a"}), "INVALID_FIELD", "levels.level1.segments[0].type"),
    (_with({**REGEX, "split": False}), "INVALID_FIELD", "levels.level1.segments[0].segmentLabel"),
    (_with({**REGEX, "split": True, "segmentLabel": "a"}), "INVALID_FIELD", "levels.level1.segments[0].segmentLabel"),
    (
        _with({**REGEX, "split": False, "segmentLabel": "a", "limit": 1}),
        "INVALID_FIELD",
        "levels.level1.segments[0].limit",
    ),
    (_with({**REGEX, "limit": 0}), "INVALID_FIELD", "levels.level1.segments[0].limit"),
    (_with({**REGEX, "limit": 1.5}), "INVALID_FIELD", "levels.level1.segments[0].limit"),
    (_with({**REGEX, "segmentLabel": "<NULL>"}), "INVALID_FIELD", "levels.level1.segments[0].segmentLabel"),
    (_with({**REGEX, "segmentLabel": ""}), "INVALID_FIELD", "levels.level1.segments[0].segmentLabel"),
    (
        _with({**REGEX, "segmentLabel": "a"}, {**STRING, "segmentLabel": "a"}),
        "INVALID_FIELD",
        "levels.level1.segments[1].segmentLabel",
    ),
    (_with(RANGE, name="ram"), "INVALID_FIELD", "levels.level1.segments[0].segmentLabel"),
    (
        _with({"value": True, "includeNull": True}, name="optOut.current"),
        "INVALID_FIELD",
        "levels.level1.segments[0].includeNull",
    ),
    (_with({"current": True}, name="optOut"), "MISSING_FIELD", "levels.level1.segments[0].segmentLabel"),
    (_with({"segmentLabel": "a"}, name="optOut"), "INVALID_FIELD", "levels.level1.segments[0]"),
    (
        _with({"segmentLabel": "a", "current": True, "includeNull": True}, name="optOut"),
        "INVALID_FIELD",
        "levels.level1.segments[0].includeNull",
    ),
]


@pytest.mark.parametrize(("given", "code", "field"), REFUSED)
def test_refused(language: Language, given: Any, code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_levels(given, language, has_split=False)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.message


def test_one_level_beside_a_split(language: Language) -> None:
    two = {"level1": {"property": "ram"}, "level2": {"property": "vm"}}

    with pytest.raises(Problem) as refused:
        parse_levels(two, language, has_split=True)

    assert refused.value.field == "levels.level2"
    assert len(parse_levels(two, language, has_split=False)) == 2


def test_segments_belong_to_segment_by(language: Language) -> None:
    with pytest.raises(Problem) as refused:
        parse_segment_by(None, [STRING], language)

    assert refused.value.field == "segments"
    assert parse_segment_by(None, [], language) is None


@pytest.mark.parametrize("name", [None, "clientId"])
def test_every_client_by_itself(language: Language, name: str | None) -> None:
    assert parse_group_by(name, language) is None


@pytest.mark.parametrize("name", ["machineId", "C04"])
def test_what_groups(language: Language, name: str) -> None:
    assert parse_group_by(name, language) == BY_NAME[name]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("C05", "INVALID_FIELD"),
        ("C06", "INVALID_FIELD"),
        ("prodVersion", "INVALID_FIELD"),
        ("machine", "UNKNOWN_PROPERTY"),
        ("licenseKey", "PERMISSION_DENIED"),
        ({}, "INVALID_FIELD"),
        (3, "INVALID_FIELD"),
    ],
)
def test_what_does_not_group(language: Language, name: Any, code: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_group_by(name, language)

    assert (refused.value.code, refused.value.field) == (code, "groupBy")
