"""Moments and days as senders write them (chapter 09, Time): RFC 3339 to milliseconds."""

import datetime as dt
import re
from functools import lru_cache
from typing import Final

from odometer.clock import DAY_MS
from odometer.errors import invalid
from odometer.model.moments import EPOCH

OLDEST_MS: Final = (dt.date(2000, 1, 1).toordinal() - EPOCH) * DAY_MS
# No clock that was ever built begins earlier, and files can show what it says.
_EARLIEST_CLOCK_MS: Final = (dt.date(1900, 1, 1).toordinal() - EPOCH) * DAY_MS
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)"
    r"(?:\.([0-9]+))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


@lru_cache(maxsize=16_384)
def _day_start(text: str) -> int:
    """Midnight UTC of `YYYY-MM-DD` in milliseconds; ValueError when the calendar has no such day."""
    return (dt.date.fromisoformat(text).toordinal() - EPOCH) * DAY_MS


def parse_day_start(value: object, field: str) -> int:
    """Midnight UTC of a calendar day `YYYY-MM-DD`, in milliseconds since 1970."""
    if type(value) is not str or not _DAY.fullmatch(value):
        raise invalid(field, "A day is text of the form YYYY-MM-DD.")
    try:
        return _day_start(value)
    except ValueError as error:
        raise invalid(field, f"{value!r} is not a day of the calendar.") from error


def parse_moment(value: object, field: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 date-time with `Z` or an offset; finer digits are cut off."""
    match = _MOMENT.fullmatch(value) if type(value) is str else None
    if match is None:
        raise invalid(field, "A time is RFC 3339 text with Z or an offset, such as 2031-04-09T07:15:02.250Z.")
    day, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    try:
        ms = _day_start(day) + (int(hour) * 60 + int(minute)) * 60_000 + int(second) * 1000
    except ValueError as error:
        raise invalid(field, f"{day!r} is not a day of the calendar.") from error
    if fraction is not None:
        ms += int(fraction[:3].ljust(3, "0"))
    if sign is not None:
        offset_ms = (int(offset_hour) * 60 + int(offset_minute)) * 60_000
        ms += offset_ms if sign == "-" else -offset_ms
    return _leap_second(ms, field) if second == "60" else ms


def _leap_second(ms: int, field: str) -> int:
    """A leap second has no number of its own: it counts as the last millisecond of its day."""
    into_day = ms % DAY_MS
    if into_day >= 1000:
        raise invalid(field, "A second 60 exists only as 23:59:60 UTC.")
    return ms - into_day - 1


def check_not_ancient(ms: int, field: str) -> None:
    """Refuse what lies before 2000: clocks that were never set, not history."""
    if ms < OLDEST_MS:
        raise invalid(field, "Records before the year 2000 are not accepted.")


def check_is_of_a_clock(ms: int, field: str) -> None:
    """Refuse, as sent, what not even a clock that was never set says; whether it counts, its used time tells."""
    if ms < _EARLIEST_CLOCK_MS:
        raise invalid(field, "A time before the year 1900 is not accepted.")
