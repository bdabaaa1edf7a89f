"""Hostile texts through every member of the query language: values stay values, patterns stay patterns."""

import datetime as dt
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.reports.definition import Context
from odometer.reports.generic_date_range import REPORT
from odometer.reports.property_values import REPORT as VALUES
from tests.conftest import Store
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
HOSTILE = (
    "'",
    "\\'",
    "' OR 1=1 --",
    "'; DROP TABLE odometer.client_day; --",
    "{product:UInt64}",
    "{v0:String}",
    "%(product)s",
    "%s",
    "$1",
    "`client`",
    "\\",
    "\\N",
    "\t\n\r",
    "/* */ --",
    "\u2028\u202e😀",
    "<NULL>x",
    "x" * 256,
)
# Valid alone only where the engine's matcher would put something before or after it, or dear for other matchers.
NO_PATTERNS = (
    "a)|(b", ")(", "(", "[", "*", "a\\", "(?i", "(?=a)", "(?<=a)", "\\1", "(a)\\1", "a{1001}", "\\Qab", "a{1000}{1000}",
)  # fmt: skip
DEAR_PATTERNS = ("(a+)+$", "(a|aa)+b", "(.*)*x", ".*" * 300, "(x?){500}x{500}", "([^b]|a)*" * 50)


def _context(store: Store, product: int) -> Context:
    return Context(product, 40, None, TODAY, store.questions, may_use_license_keys=True, custom_types={"C04": 3})


def _ask(store: Store, product: int, **members: Any) -> Any:
    request = {"startDate": "2031-05-01", "stopDate": "2031-05-31", "clientStatus": ["active"], **members}
    return REPORT.run(validated(REPORT.request, request), _context(store, product))["result"]


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    """One client for each hostile text, which is its prodVersion, its machine and what it calls an event."""
    records = []
    for number, text in enumerate((*HOSTILE, "plain")):
        shared = {"clientId": f"hostile-{number:03}", "day": "2031-05-13"}
        records.append({**shared, "type": "client_day", "machineId": text, "set": {"prodVersion": text, "C04": text}})
        records.append({**shared, "type": "event_day", "category": text[:128], "name": text[:128].strip() or "blank"})
    return feed(store, [Delivery(tuple(records), to_ms(TODAY), "hostile", is_import=True)])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_finds_its_client_and_nobody_else(store: Store, product: int, text: str) -> None:
    everyone = len(HOSTILE) + 1
    for prop in ("prodVersion", "machineId", "C04"):
        one = {"type": "string", "value": text}
        many = {"type": "stringArray", "value": [text, "no such value"]}
        assert _ask(store, product, globalFilters={prop: one}) == {"active": 1}
        assert _ask(store, product, globalFilters={prop: many}) == {"active": 1}
        assert _ask(store, product, globalFilters={prop: {**one, "exclude": True}}) == {"active": everyone - 1}
        for segment in (one, {**one, "segmentLabel": f"{text[:99]}!"}, {**many, "split": True, "limit": 9}):
            found = _ask(store, product, levels={"level1": {"property": prop, "segments": [segment]}})["level1"]
            assert found == {segment.get("segmentLabel", text): {"totals": {"active": 1}}}
    used = [{"category": text[:128], "name": text[:128]}]
    assert _ask(store, product, globalFilters={"lifetimeEventUsage": used})["active"] <= 1
    values = VALUES.request.model_validate({"property": "prodVersion", "filter": {"type": "string", "value": text}})
    assert VALUES.run(values, _context(store, product)) == {"result": [{"value": text}]}


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_never_taken_from_the_request(store: Store, product: int, text: str) -> None:
    for members in (
        {"globalFilters": {text: {"type": "string", "value": "1"}}},
        {"globalFilters": {"prodVersion": {"type": text, "value": "1"}}},
        {"globalFilters": {"prodVersion": {"type": "string", "value": "1", text: "1"}}},
        {"levels": {"level1": {"property": text}}},
        {"levels": {text: {"property": "prodVersion"}}},
        {"groupBy": text},
    ):
        with pytest.raises(Problem) as refused:
            _ask(store, product, **members)
        assert refused.value.status == 400
        assert refused.value.field


@pytest.mark.parametrize("pattern", NO_PATTERNS)
def test_what_is_no_pattern_is_refused(store: Store, product: int, pattern: str) -> None:
    given = {"type": "regex", "value": pattern}
    used = {"lifetimeEventUsage": [{"nameType": "regex", "name": pattern}]}
    for members in (
        {"globalFilters": {"prodVersion": given}},
        {"globalFilters": {"os": {"type": "regex", "version": pattern}}},
        {"levels": {"level1": {"property": "prodVersion", "segments": [given]}}},
        {"globalFilters": used},
    ):
        with pytest.raises(Problem) as refused:
            _ask(store, product, **members)
        assert refused.value.code == "INVALID_FIELD"
    with pytest.raises(Problem):
        VALUES.run(
            VALUES.request.model_validate({"property": "prodVersion", "filter": given}), _context(store, product)
        )


@pytest.mark.parametrize("pattern", DEAR_PATTERNS)
def test_a_pattern_that_is_dear_elsewhere_is_answered_or_refused(store: Store, product: int, pattern: str) -> None:
    filters = {"prodVersion": {"type": "regex", "value": pattern}}
    if store.questions.pattern_fault(pattern) is None:
        assert 0 <= _ask(store, product, globalFilters=filters)["active"] <= len(HOSTILE) + 1
        return
    with pytest.raises(Problem, match="not a valid regular expression"):
        _ask(store, product, globalFilters=filters)


def test_a_pattern_matches_the_whole_text(store: Store, product: int) -> None:
    def matched(pattern: str) -> int:
        found = _ask(store, product, globalFilters={"prodVersion": {"type": "regex", "value": pattern}})
        return int(found["active"])

    assert [matched(pattern) for pattern in ("plain", "lai", "p|n", "p.*|n", "(?i)PLAIN", "PLAIN")] == [
        1,
        0,
        0,
        1,
        1,
        0,
    ]
    assert matched(r"[\t\n\r]+") == 1, "white space is kept in values"
    assert matched(".*") == len(HOSTILE) + 1, "a dot matches line breaks, too"
    assert matched(r"\\N") == 1


def test_ten_thousand_values_are_one_question(store: Store, product: int) -> None:
    many = {"type": "stringArray", "value": [f"{number}'\\" for number in range(9_999)] + ["plain"]}

    assert _ask(store, product, globalFilters={"prodVersion": many}) == {"active": 1}
    assert _ask(store, product, levels={"level1": {"property": "prodVersion", "segments": [many]}}) == {
        "level1": {"plain": {"totals": {"active": 1}}}
    }
