"""Buckets as SQL: the name of a day's bucket, and which row of a client is its last in bucket and range."""

import datetime as dt
from typing import Final

from odometer.model.calendar import DateRange, Split

_BUCKET: Final = {Split.DAY: "{day}", Split.WEEK: "toMonday({day})", Split.MONTH: "toStartOfMonth({day})"}
# One number a bucket, the next bucket the next number; cheaper than names in hot conditions. Day 0 is a Thursday.
_ORDINAL: Final = {
    Split.DAY: "toUInt16({day})",
    Split.WEEK: "intDiv(toUInt16({day}) + 3, 7)",
    Split.MONTH: "toRelativeMonthNum({day})",
}
IN_RANGE: Final = "BETWEEN {start:Date} AND {stop:Date}"
NO_BUCKET: Final = "toDate(0)"
_FIRST_DAY: Final = dt.date(1970, 1, 1)
_LAST_DAY: Final = dt.date(2149, 6, 5)


def bucket_of(split: Split | None, day: str = "day") -> str:
    """SQL of the first day of the bucket that holds a day; one and the same without a split."""
    return _BUCKET[split].format(day=day) if split else NO_BUCKET


def buckets_between(split: Split, day: str, other: str) -> str:
    """SQL of how many buckets the other day lies beyond that of the first."""
    return f"(toInt32({_ORDINAL[split].format(day=other)}) - toInt32({_ORDINAL[split].format(day=day)}))"


def in_same_bucket(split: Split | None, day: str, other: str) -> str:
    """SQL of: both days lie in one bucket."""
    return f"{_ORDINAL[split].format(day=day)} = {_ORDINAL[split].format(day=other)}" if split else "1"


def last_in_bucket(split: Split | None) -> str:
    """SQL of: the client has no later day inside bucket and range. Such a row is there once for each active client."""
    beyond_range = "next_day > {stop:Date}"
    if split is None:
        return beyond_range
    ordinal = _ORDINAL[split]
    return f"({ordinal.format(day='next_day')} > {ordinal.format(day='day')} OR {beyond_range})"


def range_params(period: DateRange, today: dt.date) -> dict[str, dt.date]:
    """The parameters of `IN_RANGE`; days after today do not exist, and none that the engine's Date cannot hold."""
    return {"start": _storable(period.start), "stop": _storable(min(period.stop, today))}


def _storable(day: dt.date) -> dt.date:
    return min(max(day, _FIRST_DAY), _LAST_DAY)
