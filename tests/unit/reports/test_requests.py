"""Bodies of generic/dateRange: what is taken, what is refused and under which name (chapters 00, 03)."""

from typing import Any

import pytest

from odometer.errors import Problem
from odometer.http.body import parse_body, validated
from odometer.reports.generic_date_range import DateRangeRequest

GOOD: dict[str, Any] = {"startDate": "NOW-7", "stopDate": "NOW", "clientStatus": ["active"]}


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"dateSplit": None, "daysUntilDeclaredLost": None, "globalFilters": None},
        {"globalFilters": {}, "levels": {}, "segments": [], "groupBy": None},
        {"user": "x", "sessionId": "y", "productId": 7, "somethingNew": {"a": 1}},
        {"dateSplit": "week", "daysUntilDeclaredLost": 365, "dateReportedLost": "dateDeclaredLost"},
    ],
)
def test_taken(extra: dict[str, Any]) -> None:
    """Null means absent; unknown and older members are ignored; empty language members mean nothing."""
    assert validated(DateRangeRequest, GOOD | extra).start_date == "NOW-7"


@pytest.mark.parametrize(
    ("extra", "code", "field"),
    [
        ({"startDate": None}, "MISSING_FIELD", "startDate"),
        ({"startDate": 20310101}, "INVALID_FIELD", "startDate"),
        ({"clientStatus": []}, "INVALID_FIELD", "clientStatus"),
        ({"clientStatus": "active"}, "INVALID_FIELD", "clientStatus"),
        ({"clientStatus": ["active", "gone"]}, "INVALID_FIELD", "clientStatus[1]"),
        ({"dateSplit": "year"}, "INVALID_FIELD", "dateSplit"),
        ({"daysUntilDeclaredLost": 0}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        ({"daysUntilDeclaredLost": 366}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        ({"daysUntilDeclaredLost": "30"}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        ({"daysUntilDeclaredLost": True}, "INVALID_FIELD", "daysUntilDeclaredLost"),
        ({"dateReportedLost": "today"}, "INVALID_FIELD", "dateReportedLost"),
        ({"segments": [1]}, "INVALID_FIELD", "segments"),
        ({"segmentBy": "prodVersion"}, "INVALID_FIELD", "segmentBy"),
        ({"events": [1]}, "INVALID_FIELD", "events"),
    ],
)
def test_refused(extra: dict[str, Any], code: str, field: str) -> None:
    """Each refusal has its code and names the member."""
    with pytest.raises(Problem) as refused:
        validated(DateRangeRequest, GOOD | extra)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_whole_numbers_may_have_a_fraction_of_zero() -> None:
    """30.0 is an integer; 30.5 is none; one with a million digits is refused at once, not written out."""
    body = b'{"startDate": "NOW", "stopDate": "NOW", "clientStatus": ["new"], "daysUntilDeclaredLost": %s}'

    assert parse_body(body % b"30.0", DateRangeRequest).days_until_declared_lost == 30
    for number in (b"30.5", b"1e1000000", b"-1e1000000"):
        with pytest.raises(Problem, match="number"):
            parse_body(body % number, DateRangeRequest)
