"""Moments as text: milliseconds since 1970 in the one spelling of canonical forms, previews and files."""

import datetime as dt
from functools import lru_cache
from typing import Final

from odometer.clock import DAY_MS

EPOCH: Final = dt.date(1970, 1, 1).toordinal()


@lru_cache(maxsize=16_384)
def _day_name(day: int) -> str:
    return dt.date.fromordinal(day + EPOCH).isoformat()


def day_of(ms: int) -> str:
    """The UTC day `YYYY-MM-DD` that holds the moment."""
    return _day_name(ms // DAY_MS)


def to_text(ms: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ`: the one spelling of a moment."""
    day, into_day = divmod(ms, DAY_MS)
    minutes, milliseconds = divmod(into_day, 60_000)
    hour, minute = divmod(minutes, 60)
    second, thousandths = divmod(milliseconds, 1000)
    return f"{_day_name(day)}T{hour:02}:{minute:02}:{second:02}.{thousandths:03}Z"
