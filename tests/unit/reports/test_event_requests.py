"""Bodies of the basic event reports: what is taken and what is refused (chapter 04); and exact rounding (00)."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import pytest

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.model.events import EventName
from odometer.reports.basic_data_table import REPORT as TABLE
from odometer.reports.basic_timeline import REPORT as TIMELINE
from odometer.reports.churn_data_table import REPORT as CHURN_TABLE
from odometer.reports.churn_event_histogram import REPORT as CHURN_HISTOGRAM
from odometer.reports.definition import Context, Report
from odometer.reports.full_report import REPORT as FULL_REPORT
from odometer.reports.lifetime_data_table import REPORT as LIFETIME_TABLE
from odometer.reports.lifetime_histogram import REPORT as LIFETIME_HISTOGRAM
from odometer.reports.shapes.exact import average, rounded
from odometer.store.answers.event_usage import Item, LifeUsage, UsageTable
from odometer.store.answers.known_events import EventSets
from odometer.store.questions import Questions

RANGE: dict[str, Any] = {"startDate": "2031-03-03", "stopDate": "2031-03-05"}
GOOD: dict[str, Any] = {**RANGE, "dateSplit": "day", "events": [{"category": "Canvas", "name": "Rotate"}]}


class Nothing:
    """The door of a store that holds nothing."""

    def occurrences(self, _question: object) -> dict[Any, Any]:
        return {}

    def usage(self, _question: object) -> tuple[dict[Any, Any], dict[Any, Any]]:
        return {}, {}

    def first_received(self, _product_id: int) -> dict[EventName, int]:
        return {}

    def pattern_fault(self, pattern: str) -> str | None:
        return "missing )" if pattern == "(" else None

    def event_sets(self, _product_id: int, entries: list[Any]) -> EventSets:
        return EventSets(tuple(frozenset() for _ in entries))

    def use_in_life(self, _population: object, _sets: object) -> UsageTable[LifeUsage]:
        return UsageTable(Item(""), {}, {})

    use_in_range = use_in_life

    def distributions(self, _population: object, _sets: object) -> tuple[int, dict[Any, Any]]:
        return 0, {}


def run(report: Report[Any, Any], body: dict[str, Any]) -> Any:
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
def test_refused(report: Report[Any, Any], extra: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        run(report, (RANGE if report is TABLE else GOOD) | extra)

    assert (refused.value.code, refused.value.field) == (code, field)


ROTATE = {"category": "Canvas", "name": "Rotate"}
COMBINATION: dict[str, Any] = {"combiLabel": "any", "combiArray": [{"nameType": "regex", "name": ".*"}]}
TABLES = (LIFETIME_TABLE, CHURN_TABLE)
HISTOGRAMS = (LIFETIME_HISTOGRAM, CHURN_HISTOGRAM)
EVERY = (*TABLES, *HISTOGRAMS, FULL_REPORT)
Refusal = tuple[dict[str, Any], str, str]
OF_USERS: list[Refusal] = [
    ({"startDate": None}, "MISSING_FIELD", "startDate"),
    ({"events": []}, "INVALID_FIELD", "events"),
    ({"events": [ROTATE, ROTATE]}, "INVALID_FIELD", "events[1]"),
    ({"events": [COMBINATION, COMBINATION]}, "INVALID_FIELD", "events[1]"),
    ({"events": [{**ROTATE, "min": 1}]}, "INVALID_FIELD", "events[0].min"),
    ({"events": [{"combiLabel": "a"}]}, "MISSING_FIELD", "events[0].combiArray"),
    ({"events": [{"combiLabel": "a", "combiArray": []}]}, "INVALID_FIELD", "events[0].combiArray"),
    ({"events": [{"combiArray": [ROTATE]}]}, "MISSING_FIELD", "events[0].combiLabel"),
    ({"events": [{"combiLabel": "", "combiArray": [ROTATE]}]}, "INVALID_FIELD", "events[0].combiLabel"),
    ({"events": [{**COMBINATION, "category": "a"}]}, "INVALID_FIELD", "events[0].category"),
    (
        {"events": [{"combiLabel": "a", "combiArray": [{"name": "(", "nameType": "regex"}]}]},
        "INVALID_FIELD",
        "events[0].combiArray[0].name",
    ),
    (
        {"events": [{"combiLabel": "a", "combiArray": [{**ROTATE, "categoryType": "glob"}]}]},
        "INVALID_FIELD",
        "events[0].combiArray[0].categoryType",
    ),
    ({"globalFilters": {"prodVersion": {"type": "string"}}}, "MISSING_FIELD", "globalFilters.prodVersion.value"),
    ({"dateSplit": "day"}, "INVALID_FIELD", "dateSplit"),
    ({"levels": {"level1": {"property": "prodVersion"}}}, "INVALID_FIELD", "levels"),
    ({"divisor": "users"}, "INVALID_FIELD", "divisor"),
]
OF_TABLES: list[Refusal] = [
    ({"sort": "alpha"}, "INVALID_FIELD", "sort"),
    ({"lowerBounds": {"eventCount": 1}}, "INVALID_FIELD", "lowerBounds"),
    ({"segments": [{"type": "string", "value": "1"}]}, "INVALID_FIELD", "segments"),
    ({"segmentBy": "os"}, "INVALID_FIELD", "segmentBy"),
    ({"groupBy": "prodVersion"}, "INVALID_FIELD", "groupBy"),
    ({"categorizeEvents": "yes"}, "INVALID_FIELD", "categorizeEvents"),
    ({"sorting": {"events": "active"}}, "INVALID_FIELD", "sorting.events"),
    ({"sorting": {"segmentsDirection": "down"}}, "INVALID_FIELD", "sorting.segmentsDirection"),
    ({"page": 0}, "INVALID_FIELD", "page"),
    ({"page": 1, "pageSize": 1001}, "INVALID_FIELD", "pageSize"),
]
OF_HISTOGRAMS: list[Refusal] = [
    ({"events": None}, "MISSING_FIELD", "events"),
    ({"segmentBy": "prodVersion"}, "INVALID_FIELD", "segmentBy"),
    ({"lowerBounds": {"eventCount": 1}}, "MISSING_FIELD", "binUpperBounds.eventCount"),
    ({"binUpperBounds": {"averageCountPerActiveDay": [1]}}, "MISSING_FIELD", "lowerBounds.averageCountPerActiveDay"),
    ({"lowerBounds": {"count": 1}}, "INVALID_FIELD", "lowerBounds.count"),
    *(
        ({"lowerBounds": {name: low}, "binUpperBounds": {name: uppers}}, "INVALID_FIELD", field)
        for name, low, uppers, field in (
            ("eventCount", 0, [1], "lowerBounds.eventCount"),
            ("eventCount", 1.5, [2], "lowerBounds.eventCount"),
            ("eventCount", 1, [], "binUpperBounds.eventCount"),
            ("eventCount", 3, [2], "binUpperBounds.eventCount[0]"),
            ("eventCount", 1, [2, 2], "binUpperBounds.eventCount[1]"),
            ("eventCount", 1, ["inf", 2], "binUpperBounds.eventCount[0]"),
            ("averageCountPerActiveDay", -0.1, [2], "lowerBounds.averageCountPerActiveDay"),
            ("averageCountPerActiveDay", 0, [0.001, 0.004], "binUpperBounds.averageCountPerActiveDay[1]"),
        )
    ),
]
OF_CHURN: list[Refusal] = [
    ({"daysUntilDeclaredLost": 0}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"daysUntilDeclaredLost": 366}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"dateReportedLost": "dateLost"}, "INVALID_FIELD", "dateReportedLost"),
]
FOREIGN: list[Refusal] = [
    ({"daysUntilDeclaredLost": 30}, "INVALID_FIELD", "daysUntilDeclaredLost"),
    ({"dateReportedLost": "dateLastSeen"}, "INVALID_FIELD", "dateReportedLost"),
]
REFUSED = [
    (report, *refusal)
    for reports, refusals in (
        (EVERY, OF_USERS),
        (TABLES, OF_TABLES),
        (HISTOGRAMS, OF_HISTOGRAMS),
        ((CHURN_TABLE, CHURN_HISTOGRAM), OF_CHURN),
        ((LIFETIME_TABLE, LIFETIME_HISTOGRAM, FULL_REPORT), FOREIGN),
        (
            (FULL_REPORT,),
            [({"groupBy": "machineId"}, "INVALID_FIELD", "groupBy"), ({"page": 1}, "INVALID_FIELD", "page")],
        ),
    )
    for report in reports
    for refusal in refusals
]


@pytest.mark.parametrize(("report", "extra", "code", "field"), REFUSED)
def test_reports_about_users_refuse(report: Report[Any, Any], extra: dict[str, Any], code: str, field: str) -> None:
    body = {**RANGE, "events": [ROTATE]}
    run(report, body)

    with pytest.raises(Problem) as refused:
        run(report, body | extra)

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
