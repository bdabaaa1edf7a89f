"""Days, ranges and buckets as chapter 00 says."""

import datetime as dt

import pytest

from odometer.errors import Problem
from odometer.model.calendar import DateRange, Split, parse_day, parse_range

TODAY = dt.date(2031, 6, 20)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2031-02-28", "2031-02-28"), ("NOW", "2031-06-20"), ("NOW-0", "2031-06-20"), ("NOW-365", "2030-06-20")],
)
def test_days_are_read(text: str, day: str) -> None:
    """A calendar date, today, or so many days before it."""
    assert parse_day(text, today=TODAY, field="startDate").isoformat() == day


@pytest.mark.parametrize(
    "text",
    [
        "2031-02-29",
        "2031-2-1",
        "now",
        "NOW-",
        "NOW-12345",
        "NOW - 1",
        "NOW+1",
        "NOW-1 ",
        "٢٠٣١-01-01",
        "",
        5,
        None,
        True,
    ],
)
def test_anything_else_is_refused_by_name(text: object) -> None:
    """The refusal names the member."""
    with pytest.raises(Problem) as refused:
        parse_day(text, today=TODAY, field="startDate")

    assert (refused.value.code, refused.value.field) == ("INVALID_FIELD", "startDate")


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (Split.DAY, ["2031-05-31", "2031-06-01", "2031-06-02"]),
        (Split.WEEK, ["2031-05-26", "2031-06-02"]),
        (Split.MONTH, ["2031-05-01", "2031-06-01"]),
    ],
)
def test_buckets_are_named_by_their_first_day(split: Split, names: list[str]) -> None:
    """Also when that lies before the range."""
    found = DateRange(dt.date(2031, 5, 31), dt.date(2031, 6, 2)).buckets(split)

    assert [day.isoformat() for day in found] == names


@pytest.mark.parametrize("split", list(Split))
def test_the_ends_of_the_calendar_hold(split: Split) -> None:
    """The first and last days that can be written are ordinary days."""
    assert len(DateRange(dt.date.min, dt.date(1, 1, 2)).buckets(split)) in (1, 2)
    assert len(DateRange(dt.date(9999, 12, 30), dt.date.max).buckets(split)) in (1, 2)


def test_too_many_buckets_are_refused() -> None:
    """10,000 are answered, 10,001 are not."""
    start = dt.date(2000, 1, 1)

    assert len(DateRange(start, start + dt.timedelta(days=9_999)).buckets(Split.DAY)) == 10_000
    with pytest.raises(Problem, match="10,000 buckets"):
        DateRange(start, start + dt.timedelta(days=10_000)).buckets(Split.DAY)


def test_ranges_are_checked() -> None:
    """StartDate after stopDate, and startDate before the product's oldest date, are refused."""
    with pytest.raises(Problem) as turned:
        parse_range("NOW", "NOW-1", today=TODAY, oldest=None)
    with pytest.raises(Problem) as early:
        parse_range("2031-01-01", "NOW", today=TODAY, oldest=dt.date(2031, 1, 2))

    assert (turned.value.code, turned.value.field) == ("INVALID_FIELD", "startDate")
    assert (early.value.code, early.value.field) == ("DATE_OUT_OF_RANGE", "startDate")
