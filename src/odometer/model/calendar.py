"""Days, ranges and buckets (chapter 00, Values): UTC days, Monday weeks, calendar months, `NOW-<n>`."""

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from odometer.errors import Problem, invalid

MAX_BUCKETS = 10_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOW = re.compile(r"NOW(?:-([0-9]{1,4}))?")


class Split(StrEnum):
    """How a range is cut into buckets."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def parse_day(text: object, *, today: dt.date, field: str) -> dt.date:
    """The day that `YYYY-MM-DD`, `NOW` or `NOW-<n>` means (chapter 00). Raises `Problem` naming `field`."""
    if not isinstance(text, str):
        raise invalid(field, "A date must be text: YYYY-MM-DD, NOW or NOW-<days>.")
    relative = _NOW.fullmatch(text)
    if relative:
        days = int(relative[1] or 0)
        if days >= today.toordinal():
            raise invalid(field, f"{text!r} lies before the first day of the calendar.")
        return today - dt.timedelta(days=days)
    if not _DAY.fullmatch(text):
        raise invalid(field, f"{text[:40]!r} is no date: use YYYY-MM-DD, NOW or NOW-<0 to 9999>.")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise invalid(field, f"{text!r} is not a day of the calendar.") from error


def bucket_of(day: dt.date, split: Split) -> dt.date:
    """The first day of the day, week or month that holds `day`: the name of its bucket."""
    match split:
        case Split.DAY:
            return day
        case Split.WEEK:
            return dt.date.fromordinal(max(1, day.toordinal() - day.weekday()))
        case Split.MONTH:
            return day.replace(day=1)


def _next_bucket(first: dt.date, split: Split) -> dt.date:
    match split:
        case Split.DAY:
            return first + dt.timedelta(days=1)
        case Split.WEEK:
            return first + dt.timedelta(days=7)
        case Split.MONTH:
            return (first + dt.timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from `start` to `stop`, both inclusive; never empty."""

    start: dt.date
    stop: dt.date

    def buckets(self, split: Split) -> list[dt.date]:
        """Every bucket that has a day in the range, ascending. Raises `Problem` when there are more than 10,000."""
        days = (self.stop - self.start).days + 1
        shortest = {Split.DAY: 1, Split.WEEK: 7, Split.MONTH: 31}[split]
        if days // shortest > MAX_BUCKETS:
            raise invalid("stopDate", f"The range has more than {MAX_BUCKETS:,} buckets; use a shorter range.")
        found = [bucket_of(self.start, split)]
        last = bucket_of(self.stop, split)
        while found[-1] < last:
            found.append(_next_bucket(found[-1], split))
        if len(found) > MAX_BUCKETS:
            raise invalid("stopDate", f"The range has {len(found):,} buckets; at most {MAX_BUCKETS:,} are answered.")
        return found


def parse_range(start: object, stop: object, *, today: dt.date, oldest: dt.date | None, within: str = "") -> DateRange:
    """The range of a `startDate` and `stopDate`, members of the body or of its member `within` (chapter 00).

    Raises `Problem`: INVALID_FIELD for a bad date or startDate after stopDate, DATE_OUT_OF_RANGE before `oldest`.
    """
    start_path, stop_path = (f"{within}.{name}" if within else name for name in ("startDate", "stopDate"))
    first = parse_day(start, today=today, field=start_path)
    last = parse_day(stop, today=today, field=stop_path)
    if first > last:
        raise invalid(start_path, f"startDate {first} lies after stopDate {last}.")
    if oldest is not None and first < oldest:
        raise Problem("DATE_OUT_OF_RANGE", f"startDate {first} lies before this product's {oldest}.", field=start_path)
    return DateRange(first, last)
