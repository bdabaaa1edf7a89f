"""Values and custom slots as metadata tells of them, over what is really stored (chapter 01)."""

import datetime as dt
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.model.metadata import product_properties
from odometer.model.properties import CATALOGUE
from odometer.reports.definition import Context
from odometer.reports.property_values import PAGE, REPORT
from tests.conftest import Store
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
KEYS = ["name", "friendlyName", "filterType", "dataType", "supportsRegex", "supportsMeta", "supportsNull"]


def _import(store: Store, records: list[dict[str, Any]], product: int | None = None) -> int:
    return feed(store, [Delivery(tuple(records), to_ms(TODAY), "", is_import=True)], product=product)


def _day(client: int, **values: Any) -> dict[str, Any]:
    return {"clientId": f"client-{client:04}", "type": "client_day", "day": "2031-05-13", "set": values}


def _values(store: Store, product: int, prop: str, **members: Any) -> Any:
    context = Context(product, 40, None, TODAY, store.questions, custom_types={"C04": 3})
    return REPORT.run(REPORT.request.model_validate({"property": prop, **members}), context)


def test_values_are_paged_without_gap_or_overlap(store: Store) -> None:
    """2,500 versions: pages of 1,000, 1,000 and 500, in code point order; the last one names no lastValue."""
    names = sorted(f"{number}.{number % 7}-Ω" for number in range(2_500))
    product = _import(store, [_day(number, prodVersion=name) for number, name in enumerate(names)])
    pages, after = [], None
    while True:
        answer = _values(store, product, "prodVersion", startAfter=after)
        pages.append([entry["value"] for entry in answer["result"]])
        after = answer.get("lastValue")
        if after is None:
            break
        assert after == pages[-1][-1]

    assert [len(page) for page in pages] == [PAGE, PAGE, 500]
    assert [value for page in pages for value in page] == names


def test_an_exactly_full_page_has_no_successor(store: Store) -> None:
    product = _import(store, [_day(number, prodVersion=f"{number:04}") for number in range(PAGE)])

    answer = _values(store, product, "prodVersion")

    assert len(answer["result"]) == PAGE
    assert "lastValue" not in answer


def test_values_that_were_ever_stored_are_listed_and_those_taken_back_are_not(store: Store) -> None:
    records = [
        {"seq": 1, "type": "properties", "at": "2031-05-13T10:00:00Z", "set": {"prodVersion": "1"}},
        {"seq": 3, "type": "properties", "at": "2031-05-14T10:00:00Z", "set": {"prodVersion": "3"}},
    ]
    client = {"clientId": "client-0001"}
    product = feed(store, [Delivery(tuple({**client, **one} for one in records), to_ms(TODAY), "first")])
    assert [entry["value"] for entry in _values(store, product, "prodVersion")["result"]] == ["1", "3"]
    late = {**client, "seq": 4, "type": "properties", "at": "2031-05-14T11:00:00Z", "set": {"prodVersion": None}}

    feed(store, [Delivery((late,), to_ms(TODAY), "late")], product=product)

    assert [entry["value"] for entry in _values(store, product, "prodVersion")["result"]] == ["1", "<NULL>"]


@pytest.mark.parametrize("slot", ["C01", "C20"])
def test_a_custom_slot_is_listed_with_a_name_or_data(store: Store, slot: str) -> None:
    product = _import(store, [_day(1, **{slot: "x"})])
    in_use = store.questions.custom_slots_in_use(product)
    listed = product_properties({"C07": ("Channel", 3)}, in_use, may_use_license_keys=False)["result"][-1]

    assert in_use == {slot}
    assert listed["category"] == "Custom Properties"
    assert {(entry["name"], entry["friendlyName"], entry["customType"]) for entry in listed["properties"]} == {
        (slot, slot, 1),
        ("C07", "Channel", 3),
    }
    by_name = {entry["name"]: entry for entry in listed["properties"]}
    assert (by_name[slot]["supportsMeta"], by_name["C07"]["supportsMeta"]) == (True, False)


def test_every_property_has_all_seven_keys_and_no_category_is_empty() -> None:
    """Public clients abort at an empty category, and select by the friendly name."""
    categories = product_properties({}, (), may_use_license_keys=True)["result"]
    entries = [entry for category in categories for entry in category["properties"]]

    assert all(category["properties"] for category in categories)
    assert all(list(entry)[:7] == KEYS for entry in entries)
    assert len({entry["friendlyName"] for entry in entries}) == len(entries)
    assert {entry["dataType"] for entry in entries} == {"string", "number", "date", "boolean"}
    assert [entry["name"] for entry in entries] == [p.name for p in CATALOGUE if p.category != "Custom Properties"]
    hidden = product_properties({}, (), may_use_license_keys=False)["result"]
    assert "licenseKey" not in {entry["name"] for category in hidden for entry in category["properties"]}


def test_flags_follow_the_definitions() -> None:
    categories = product_properties({}, (), may_use_license_keys=True)["result"]
    entries = {entry["name"]: entry for category in categories for entry in category["properties"]}

    assert entries["prodVersion"] == dict(
        zip(KEYS, ["prodVersion", "Product Version", "standard", "string", True, True, True], strict=True)
    )
    assert entries["os.version"]["group"] == "os"
    assert entries["os.version"]["granularity"] == "version"
    assert entries["ram"]["filterType"] == "currentData"
    no_null = {name for name, entry in entries.items() if not entry["supportsNull"]}
    assert no_null == {
        *("clientId", "dateInstalled", "dateLastSeen", "lifetimeSessionCount", "lifetimeRuntimeMinutes"),
        *(f"licenseStatus.{flag}" for flag in ("activated", "allowed", "blocked", "expired")),
        *(f"{pair}.{flag}" for pair in ("optOut", "backOff") for flag in ("current", "historical")),
    }
    strings = {name for name, entry in entries.items() if entry["dataType"] == "string"}
    assert {name for name in strings if not entries[name]["supportsRegex"]} == {"licenseType"}
    assert {name for name in strings if not entries[name]["supportsMeta"]} == {"clientId", "machineId", "licenseKey"}


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({}, "MISSING_FIELD", "property"),
        ({"property": "version"}, "UNKNOWN_PROPERTY", "property"),
        ({"property": "os"}, "MISSING_FIELD", "granularity"),
        ({"property": "os", "granularity": "kernel"}, "INVALID_FIELD", "granularity"),
        ({"property": "os.version", "granularity": "edition"}, "INVALID_FIELD", "granularity"),
        ({"property": "prodVersion", "granularity": "version"}, "INVALID_FIELD", "granularity"),
        ({"property": "ram"}, "INVALID_FIELD", "property"),
        ({"property": "clientId"}, "INVALID_FIELD", "property"),
        ({"property": "machineId"}, "INVALID_FIELD", "property"),
        ({"property": "licenseKey"}, "PERMISSION_DENIED", "property"),
        ({"property": "C04"}, "INVALID_FIELD", "property"),
        ({"property": "prodVersion", "getFullList": True}, "INVALID_FIELD", "getFullList"),
        ({"property": "prodVersion", "filter": "3"}, "INVALID_FIELD", "filter"),
        ({"property": "prodVersion", "filter": {"type": "glob", "value": "3"}}, "INVALID_FIELD", "filter.type"),
        ({"property": "prodVersion", "filter": {"type": "regex", "value": "("}}, "INVALID_FIELD", "filter.value"),
        ({"property": "prodVersion", "filter": {"type": "regex"}}, "MISSING_FIELD", "filter.value"),
        ({"property": "prodVersion", "filter": {"type": "string", "value": 3}}, "INVALID_FIELD", "filter.value"),
        ({"property": "geography.country", "filter": {"type": "string", "value": "MT"}}, "INVALID_FIELD", "filter"),
        ({"property": "prodVersion", "startAfter": "a\0"}, "INVALID_FIELD", "startAfter"),
    ],
)
def test_refused(store: Store, members: dict[str, Any], code: str, field: str) -> None:
    context = Context(store.new_product(), 40, None, TODAY, store.questions, custom_types={"C04": 3})
    with pytest.raises(Problem) as refused:
        REPORT.run(validated(REPORT.request, members), context)

    assert (refused.value.code, refused.value.field) == (code, field)
