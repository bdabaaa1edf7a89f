"""The reports of chapter 05 where there is much to answer, where numbers are tiny, and before the last stored day."""

import datetime as dt
from typing import Any

import pytest

from odometer.errors import Problem
from tests.conftest import Store
from tests.engagement_reports import asked
from tests.worlds import Delivery, feed, to_ms

INSTALLED = dt.date(2031, 5, 13)
SPAN = {"startDate": "2031-05-01", "stopDate": "2031-05-31"}
LOST = {"engaged": 0, "engagedPercent": 0, "lost": 1, "lostPercent": 100}
HERE = {"engaged": 1, "engagedPercent": 100, "lost": 0, "lostPercent": 0}


def imported(store: Store, records: list[dict[str, Any]]) -> int:
    return feed(store, [Delivery(tuple(records), to_ms(dt.date(2031, 7, 2)), "", is_import=True)])


def ages(store: Store, product: int, today: dt.date, **members: Any) -> Any:
    return asked(store, product, "churn_and_engagement", {**SPAN, **members}, today, 15)["result"]


@pytest.fixture(scope="module")
def many(store: Store) -> int:
    """One more client than there may be items; 300 of them were installed on a day of their own."""
    days = [INSTALLED + dt.timedelta(days=int(number < 300)) for number in range(10_001)]
    return imported(
        store,
        [
            {"clientId": f"client-{number:05}", "type": "client_day", "day": str(day), "set": {"ram": number / 10**7}}
            for number, day in enumerate(days)
        ],
    )


def test_too_many_items_are_counted(store: Store, many: int) -> None:
    with pytest.raises(Problem, match=r"10,001 items") as refused:
        ages(store, many, INSTALLED + dt.timedelta(days=1), dateSplit="day", segmentBy="clientId")

    assert (refused.value.code, refused.value.field) == ("TOO_MANY_SEGMENTS", "segments")


def test_too_many_ages_are_counted(store: Store, many: int) -> None:
    """300 clients, each with 700 ages."""
    day = {"startDate": "2031-05-14", "stopDate": "2031-05-14"}
    late = INSTALLED + dt.timedelta(days=700)
    with pytest.raises(Problem, match=r"300 items and 210,000 cells") as refused:
        ages(store, many, late, dateSplit="day", segmentBy="clientId", **day)
    assert refused.value.code == "TOO_MANY_SEGMENTS"

    limited = [{"type": "regex", "value": ".*", "limit": 2}]
    found = ages(store, many, late, dateSplit="day", segmentBy="clientId", segments=limited, **day)
    assert {label: len(one) for label, one in found.items()} == {"client-00000": 700, "client-00001": 700}


def test_numbers_have_one_spelling(store: Store, many: int) -> None:
    found = ages(
        store, many, INSTALLED + dt.timedelta(days=1), dateSplit="day", segmentBy="ram", startDate="2031-05-14"
    )

    assert list(found)[:3] == ["0", "0.0000001", "0.0000002"]
    assert found["0.0000299"] == {"0": HERE}


def test_days_after_today_do_not_exist_and_lifetime_figures_mean_what_is_known(store: Store) -> None:
    """Last seen on 05-20, as far as anybody can know on 06-05; the later day came afterwards, as a change."""
    known, later = (
        [
            {"clientId": "client-0001", "type": "client_day", "day": day, "sessions": 1, "set": {"prodVersion": day}}
            for day in days
        ]
        for days in (("2031-05-01", "2031-05-20"), ("2031-07-01",))
    )
    product = imported(store, known)
    feed(store, [Delivery(tuple(later), to_ms(dt.date(2031, 7, 3)), "", is_import=True)], product=product)
    today = dt.date(2031, 6, 5)
    for members in ({}, {"globalFilters": {"prodVersion": {"type": "string", "value": "2031-05-01"}}}):
        assert ages(store, product, today, dateSplit="month", **members) == {"0": HERE, "1": LOST}
        assert ages(store, product, today, dateSplit="month", daysUntilDeclaredLost=17, **members)["1"] == HERE
    span = {**SPAN, "stopDate": "2031-12-31"}
    used = asked(store, product, "usage_distribution", span, today)["result"]
    assert {label: told["users"] for label, told in used["activeDays"].items()} == {"1": 0, "2": 1, "3": 0, "≥ 4": 0}
    for members in ({}, {"globalFilters": {"prodVersion": {"type": "string", "value": "2031-05-20"}}}):
        lost = asked(store, product, "churn_histogram_days", {**span, **members}, today, 15)
        assert lost["result"] == {"1": 0, "2": 0, "3": 1, "≥ 4": 0}
    assert asked(store, product, "churn_histogram_days", span, dt.date(2031, 4, 30), 15)["result"] == {}
