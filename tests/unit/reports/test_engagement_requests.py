"""Bodies of the reports of chapter 05: what is taken and what is refused; their bins, ages and percentages."""

import datetime as dt
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.reports.churn_and_engagement import REPORT as ENGAGEMENT
from odometer.reports.churn_and_engagement import reached_and_lost
from odometer.reports.churn_histogram_runtime import REPORT as RUNTIME
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.bins import bin_labels, place_of
from odometer.reports.shapes.exact import percent
from odometer.reports.usage_distribution import REPORT as USAGE
from odometer.store.answers.amounts import EDGES, Amount
from odometer.store.answers.lifetime_distribution import LifetimeDistribution
from odometer.store.answers.retention import RetentionAtAge
from odometer.store.questions import Questions

RANGE: dict[str, Any] = {"startDate": "2031-03-03", "stopDate": "2031-03-05"}
GOOD: dict[str, Any] = {**RANGE, "dateSplit": "month"}


class Nothing:
    """The door of a store that holds nothing."""

    def use_classes(self, _population: object) -> dict[Any, Any]:
        return {}

    def lifetime_distribution(self, _population: object, _amount: object) -> LifetimeDistribution:
        return LifetimeDistribution({}, 0, {}, 0)

    def retention(self, *_asked: object) -> dict[Any, Any]:
        return {}

    def pattern_fault(self, _pattern: str) -> None:
        return None


def run(report: Report[Any, Any], body: dict[str, Any], oldest: dt.date | None = None) -> Any:
    context = Context(1, 40, oldest, dt.date(2031, 6, 20), cast("Questions", Nothing()))
    return report.run(validated(report.request, body), context)


def test_nobody() -> None:
    empty: dict[str, Any] = {"globalFilters": {}, "segments": [], "groupBy": None, "levels": {}, "user": "x"}
    zeros = {"users": 0, "mean": 0.0, "median": 0.0, "p90": 0.0, "p95": 0.0, "max": 0.0}

    assert run(USAGE, RANGE | empty) == {"result": {"activeDays": {}, "sessions": {}, "runtime": {}}}
    assert run(RUNTIME, RANGE | empty) == {"result": {}, "statistics": zeros}
    assert run(ENGAGEMENT, GOOD | empty) == {"result": {}}
    assert run(ENGAGEMENT, GOOD | {"segmentBy": "prodVersion"}) == {"result": {}}
    by_day = GOOD | {"segmentBy": "installationDay", "segments": []}
    assert run(ENGAGEMENT, by_day) == {"result": {"2031-03-03": {}, "2031-03-04": {}, "2031-03-05": {}}}


def test_unknown_members_are_ignored() -> None:
    """Chapter 00; a client may send all churn reports the members that some of them have."""
    assert run(USAGE, RANGE | {"daysUntilDeclaredLost": 30, "dateReportedLost": "dateLastSeen"}) == run(USAGE, RANGE)
    assert run(ENGAGEMENT, GOOD | {"dateReportedLost": "dateLastSeen"}) == run(ENGAGEMENT, GOOD)


@pytest.mark.parametrize(
    ("report", "extra", "code", "field"),
    [
        (USAGE, {"startDate": None}, "MISSING_FIELD", "startDate"),
        (USAGE, {"stopDate": "2031-03-01"}, "INVALID_FIELD", "startDate"),
        (USAGE, {"startDate": "2030-12-31"}, "DATE_OUT_OF_RANGE", "startDate"),
        (USAGE, {"globalFilters": {"prodVersion": 1}}, "INVALID_FIELD", "globalFilters.prodVersion"),
        (USAGE, {"globalFilters": {"nothing": {}}}, "UNKNOWN_PROPERTY", "globalFilters.nothing"),
        (USAGE, {"segmentBy": "prodVersion"}, "INVALID_FIELD", "segmentBy"),
        (USAGE, {"segments": [{}]}, "INVALID_FIELD", "segments"),
        (USAGE, {"dateSplit": "day"}, "INVALID_FIELD", "dateSplit"),
        (USAGE, {"groupBy": "machineId"}, "INVALID_FIELD", "groupBy"),
        (RUNTIME, {"stopDate": None}, "MISSING_FIELD", "stopDate"),
        (RUNTIME, {"daysUntilDeclaredLost": 366}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        (RUNTIME, {"daysUntilDeclaredLost": "30"}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        (RUNTIME, {"dateReportedLost": "lastSeen"}, "INVALID_FIELD", "dateReportedLost"),
        (RUNTIME, {"dateSplit": "day"}, "INVALID_FIELD", "dateSplit"),
        (RUNTIME, {"segmentBy": "prodVersion"}, "INVALID_FIELD", "segmentBy"),
        (RUNTIME, {"events": [{"name": "a"}]}, "INVALID_FIELD", "events"),
        (RUNTIME, {"groupBy": "machineId"}, "INVALID_FIELD", "groupBy"),
        (ENGAGEMENT, {"dateSplit": None}, "MISSING_FIELD", "dateSplit"),
        (ENGAGEMENT, {"dateSplit": "year"}, "INVALID_FIELD", "dateSplit"),
        (ENGAGEMENT, {"daysUntilDeclaredLost": 0}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        (ENGAGEMENT, {"levels": {"level1": {"property": "prodVersion"}}}, "INVALID_FIELD", "levels"),
        (ENGAGEMENT, {"segments": [{"type": "string", "value": "1"}]}, "INVALID_FIELD", "segments"),
        (ENGAGEMENT, {"segmentBy": "installationYear"}, "UNKNOWN_PROPERTY", "segmentBy"),
        (ENGAGEMENT, {"segmentBy": ["installationDay"]}, "INVALID_FIELD", "segmentBy"),
        (ENGAGEMENT, {"segmentBy": "dateInstalled"}, "INVALID_FIELD", "segmentBy"),
        (ENGAGEMENT, {"segmentBy": "installationDay", "segments": [{}]}, "INVALID_FIELD", "segments"),
        (ENGAGEMENT, {"segmentBy": "installationDay", "segments": {}}, "INVALID_FIELD", "segments"),
        (ENGAGEMENT, {"segmentBy": "optOut"}, "INVALID_FIELD", "segments"),
        (ENGAGEMENT, {"segmentBy": "licenseKey"}, "PERMISSION_DENIED", "segmentBy"),
    ],
)
def test_refused(report: Report[Any, Any], extra: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Problem) as refused:
        run(report, (GOOD if report is ENGAGEMENT else RANGE) | extra, oldest=dt.date(2031, 1, 1))

    assert (refused.value.code, refused.value.field) == (code, field)


def test_more_periods_than_anybody_reads_are_refused() -> None:
    ages = {"startDate": "0001-01-01", "stopDate": "NOW", "dateSplit": "day", "segmentBy": "installationDay"}

    with pytest.raises(Problem) as refused:
        run(ENGAGEMENT, ages)

    assert refused.value.field == "stopDate"


def test_the_ladders() -> None:
    """As chapter 05 lists them, and beyond what anybody can do."""
    counts = (1, 2, 3, 5, 8, 12, 18, 27, 41, 62, 93, 140, 210, 315, 473)
    assert EDGES[Amount.DAYS][: len(counts)] == EDGES[Amount.SESSIONS][: len(counts)] == counts
    assert EDGES[Amount.RUNTIME][:7] == (5, 15, 30, 60, 120, 240, 480)
    assert all(edges[-1] > 2**61 for edges in EDGES.values())


@pytest.mark.parametrize(
    ("amount", "users", "labels"),
    [
        (Amount.DAYS, {}, []),
        (Amount.DAYS, {0: 0}, []),
        (Amount.DAYS, {0: 1}, ["1", "2", "3", "≥ 4"]),
        (Amount.SESSIONS, {0: 19, 3: 1}, ["≤ 1", "2", "3", "≥ 4"]),
        (Amount.SESSIONS, {0: 18, 3: 1}, ["≤ 1", "2", "3", "4 - 5", "≥ 6"]),
        (Amount.RUNTIME, {3: 1}, ["≤ 0:05", "0:06 - 0:15", "0:16 - 0:30", "0:31 - 1:00", "≥ 1:01"]),
    ],
)
def test_labels(amount: Amount, users: dict[int, int], labels: list[str]) -> None:
    assert bin_labels(amount, users) == labels


def test_hours_may_have_many_digits_and_the_last_bin_takes_the_rest() -> None:
    labels = bin_labels(Amount.RUNTIME, {12: 95, 20: 5})

    assert labels[-2:] == ["256:01 - 512:00", "≥ 512:01"]
    assert [place_of(number, labels) for number in (0, 12, 13, 50)] == [0, 12, 13, 13]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans()), max_size=12))
def test_the_rule_of_engagement(drawn: list[tuple[int, int, bool]]) -> None:
    """Age today, age when last active, whether lost: counted as chapter 05 writes it."""
    people = [(max(one, other), min(one, other), is_lost) for one, other, is_lost in drawn]
    reached_age = Counter(age for age, _, _ in people)
    reached_age_and_lost = Counter(age for age, _, is_lost in people if is_lost)
    left = Counter(life for _, life, is_lost in people if is_lost)
    ages = {
        age: RetentionAtAge(reached_age[age], reached_age_and_lost[age], left[age]) for age in {*reached_age, *left}
    }

    wanted = []
    for k in range(max((age for age, _, _ in people), default=-1) + 1):
        so_old = [(life, is_lost) for age, life, is_lost in people if age >= k]
        wanted.append((len(so_old), sum(is_lost and life < k for life, is_lost in so_old)))
    assert reached_and_lost(ages) == wanted


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [(3, 3, "100"), (0, 3, "0"), (2, 3, "66.7"), (1, 8, "12.5"), (1, 2000, "0.1"), (1999, 2000, "100"), (1, 50, "2")],
)
def test_percentages_are_integers_when_whole(part: int, whole: int, shown: str) -> None:
    assert str(percent(part, whole)) == shown
