"""Bodies of the basic event reports: what is taken and what is refused (contract 04); and exact rounding (00)."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.reports.basic_data_table import REPORT as TABLE
from odometer.reports.basic_timeline import REPORT as TIMELINE
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.exact import average, rounded
from odometer.store.questions import Questions

RANGE: dict[str, Any] = {"startDate": "2031-03-03", "stopDate": "2031-03-05"}
GOOD: dict[str, Any] = {**RANGE, "dateSplit": "day", "events": [{"category": "Canvas", "name": "Rotate"}]}


class Nothing:
    """The door of a store that holds nothing."""

    def occurrences(self, _question: object) -> dict[Any, Any]:
        return {}

    def activity(self, _question: object) -> dict[Any, Any]:
        return {}


def run(report: Report[Any], body: dict[str, Any]) -> Any:
    context = Context(1, 40, None, dt.date(2031, 6, 20), cast("Questions", Nothing()))
    return report.run(validated(report.request, body), context)["result"]


def test_nothing_is_zeros() -> None:
    empty: dict[str, Any] = {"globalFilters": {}, "segments": [], "groupBy": None, "sorting": {}, "user": "x"}

    assert run(TABLE, RANGE | empty) == []
    assert run(TIMELINE, GOOD | {"divisor": None, "dataView": None} | empty) == {
        f"2031-03-0{day}": [{"category": "Canvas", "name": "Rotate", "value": 0}] for day in (3, 4, 5)
    }


@pytest.mark.parametrize(
    ("report", "extra", "code", "field"),
    [
        (TABLE, {"startDate": None}, "MISSING_FIELD", "startDate"),
        (TABLE, {"stopDate": "2031-03-01"}, "INVALID_FIELD", "startDate"),
        (TABLE, {"globalFilters": {"prodVersion": 1}}, "INVALID_FIELD", "globalFilters"),
        (TABLE, {"events": [{"name": "a"}]}, "INVALID_FIELD", "events"),
        (TABLE, {"dateSplit": "day"}, "INVALID_FIELD", "dateSplit"),
        (TABLE, {"page": 1}, "INVALID_FIELD", "page"),
        (TABLE, {"sort": "alpha"}, "INVALID_FIELD", "sort"),
        (TIMELINE, {"groupBy": "machineId"}, "INVALID_FIELD", "groupBy"),
        (TIMELINE, {"dateSplit": None}, "MISSING_FIELD", "dateSplit"),
        (TIMELINE, {"dateSplit": "year"}, "INVALID_FIELD", "dateSplit"),
        (TIMELINE, {"dataView": "counts"}, "INVALID_FIELD", "dataView"),
        (TIMELINE, {"divisor": "clients"}, "INVALID_FIELD", "divisor"),
        (TIMELINE, {"divisor": "usageCounts"}, "INVALID_FIELD", "divisor"),
        (TIMELINE, {"events": None}, "MISSING_FIELD", "events"),
        (TIMELINE, {"events": []}, "INVALID_FIELD", "events"),
        (TIMELINE, {"events": {"name": "a"}}, "INVALID_FIELD", "events"),
        (TIMELINE, {"events": [{"category": "a"}]}, "MISSING_FIELD", "events[0].name"),
        (TIMELINE, {"events": [{"name": 3}]}, "INVALID_FIELD", "events[0].name"),
        (TIMELINE, {"events": [{"name": "a", "nameType": "regex"}]}, "INVALID_FIELD", "events[0].nameType"),
        (TIMELINE, {"events": [{"name": "a", "label": "b"}]}, "INVALID_FIELD", "events[0].label"),
        (TIMELINE, {"events": [{"combiLabel": "a", "combiArray": []}]}, "INVALID_FIELD", "events[0].combiLabel"),
        (TIMELINE, {"events": [{"name": "a"}, {"category": "<NULL>", "name": "a"}]}, "INVALID_FIELD", "events[1]"),
        (TIMELINE, {"events": [{"name": f"e{n}"} for n in range(51)]}, "INVALID_FIELD", "events"),
    ],
)
def test_refused(report: Report[Any], extra: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        run(report, (RANGE if report is TABLE else GOOD) | extra)

    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(5, 8), "0.63"),
        (Fraction(-5, 8), "-0.63"),
        (Decimal("1.005"), "1.01"),
        (Decimal("2.675"), "2.68"),
        (Fraction(16, 15), "1.07"),
        (Fraction(1, 300), "0.0"),
        (Fraction(-1, 300), "0.0"),
        (3, "3.0"),
        (Decimal("123456789012.345"), "123456789012.35"),
    ],
)
def test_rounding_is_exact_and_half_away_from_zero(value: Any, shown: str) -> None:
    assert str(rounded(value)) == shown


def test_by_nothing_is_zero() -> None:
    assert str(average(7, 0)) == "0.0"
    assert str(average(Decimal("2.5"), 4)) == "0.63"
    assert str(average(2, 3, digits=1)) == "0.7"
