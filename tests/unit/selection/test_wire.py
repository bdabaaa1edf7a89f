"""The models of the query language: examples are what they say, nulls are absent, and bad requests stay cheap."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from odometer.errors import Problem
from odometer.licenses import wire as registry
from odometer.model.properties import CATALOGUE
from odometer.reports.shapes import event_histogram
from odometer.selection.reading import Language
from odometer.selection.wire import Wire
from odometer.selection.wire_events import EventEntries
from odometer.selection.wire_filters import FILTERS, filters_as_sent
from odometer.selection.wire_segments import Segments
from tests.unit.selection.as_sent import parse_filters, parse_segment_by

assert event_histogram
assert registry


def models(of: type[Wire] = Wire) -> Iterator[type[Wire]]:
    for model in of.__subclasses__():
        yield model
        yield from models(model)


SHOWN = [(model, example) for model in models() for example in TypeAdapter(model).json_schema().get("examples", [])]


@pytest.mark.parametrize(("model", "example"), SHOWN, ids=lambda one: getattr(one, "__name__", None))
def test_examples_are_what_their_model_takes(model: type[Wire], example: dict[str, Any]) -> None:
    model.model_validate(example)


def test_each_form_in_the_description_has_an_example() -> None:
    shown = {model for model, _ in SHOWN}
    without = set()
    for kind in (FILTERS, TypeAdapter[Any](Segments), TypeAdapter[Any](EventEntries)):
        for name, schema in kind.json_schema()["$defs"].items():
            if schema.get("type") == "object" and not schema.get("examples"):
                without.add(name)

    assert len(shown) > 25
    assert without == set()


def test_every_property_that_can_be_filtered_shows_its_forms() -> None:
    properties = FILTERS.json_schema()["properties"]
    lists = {prop.name for prop in CATALOGUE if prop.data_type == "deliveries"}
    assert {prop.name for prop in CATALOGUE} - lists <= properties.keys()
    assert properties["ram"] != properties["prodVersion"]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("prodVersion", {"type": "string", "value": "3", "min": None, "max": None, "includeNull": None}),
        ("ram", {"type": "numberRange", "min": 3, "value": None, "exclude": None}),
        ("touchScreen", {"type": None, "value": True}),
        ("prodVersion", {"includeNull": True, "type": None, "value": None}),
    ],
)
def test_members_of_other_forms_may_be_null(language: Language, name: str, given: dict[str, Any]) -> None:
    named = {key: value for key, value in given.items() if value is not None}

    assert parse_filters({name: given}, language) == parse_filters({name: named}, language)
    segment = {key: value for key, value in given.items() if key != "exclude"} | {"segmentLabel": "a", "limit": None}
    assert parse_segment_by(name, [segment], language) is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"prodVersoin": {}}, "'prodVersoin' is not a property. Did you mean prodVersion?"),
        ({"ram": {"type": "string", "value": "8"}}, "Takes the type number or numberRange."),
        ({"ram": {"type": "numberRange"}}, "Give min, max or both."),
        ({"ram": {"type": "numberRange", "min": 9, "max": 8}}, "min 9 is greater than max 8."),
        (
            {"prodVersion": {"type": "stringArray", "value": ["a"] * 10_001}},
            "Has 10,001 entries; at most 10,000 are allowed.",
        ),
        ({"dateInstalled": {"type": "date", "value": 3}}, "A date must be text: YYYY-MM-DD, NOW or NOW-<days>."),
    ],
)
def test_a_refusal_says_what_to_do(language: Language, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Problem) as refused:
        parse_filters(given, language)

    assert refused.value.message == message


MANY = 140_000


@pytest.mark.parametrize(
    "given",
    [
        {f"x{number}": {} for number in range(MANY)},
        {"prodVersion": {"type": "stringArray", "value": list(range(MANY))}},
        {"prodVersion": {"type": "string", "value": "a", **{f"x{number}": 1 for number in range(MANY)}}},
        {"reachOutDeliveries": {"auto": ["a"] * MANY}},
        {"licenseStatus": [1] * MANY},
        {"lifetimeEventUsage": [{}] * MANY},
        {"os": {"type": "stringArray", "version": [1] * MANY, "edition": [1] * MANY}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_request_of_nothing_but_faults_makes_few_errors(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        FILTERS.validate_python(given)

    assert refused.value.error_count() <= 2


@pytest.mark.parametrize(
    "given",
    [
        {
            "lifetimeEventUsage": [{"name": "a", "nameType": "regex", "min": 2}],
            "os": {"type": "regex", "version": "W.*"},
        },
        {"ram": {"type": "number", "value": 8, "exclude": True}, "touchScreen": {"value": False}},
        {"licenseStatus": [{"allowed": True}], "prodVersion": {"includeNull": True}},
    ],
)
def test_filters_are_stored_as_they_were_sent(given: dict[str, Any]) -> None:
    assert filters_as_sent(FILTERS.validate_python(given)) == json.loads(json.dumps(given))
