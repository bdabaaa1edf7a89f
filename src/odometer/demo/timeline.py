"""The days of the history: which are busy, when installations arrive, when releases come out."""

import calendar
import datetime as dt
import math
from bisect import bisect_right
from itertools import accumulate

from odometer.demo.product import RELEASES

# Monday to Sunday.
_WORK = (0.96, 1.05, 1.06, 1.03, 0.84, 0.20, 0.16)
_INSTALLS = (1.05, 1.10, 1.06, 1.0, 0.82, 0.42, 0.40)
_HOLIDAYS = frozenset({(1, 1), (1, 6), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31)})
_GROWTH = 2.4  # installations a day at the end over those at the start, less one
_LAUNCH_RUSH = 0.9
_LAUNCH_DAYS = 9.0


class Timeline:
    """Days numbered from 0; the last one is today. Everything a life needs to look up is computed once here."""

    __slots__ = ("_arrival", "_busy", "days", "last", "releases")

    def __init__(self, months: int, today: dt.date) -> None:
        first = _months_before(today, months)
        dates = [first + dt.timedelta(days=n) for n in range((today - first).days + 1)]
        self.last = len(dates) - 1
        self.days = [date.isoformat() for date in dates]
        self.releases = [round(release.at * len(dates)) for release in RELEASES]
        self._busy = list(accumulate(_WORK[date.weekday()] * _season(date) for date in dates))
        launches = [day for day, release in zip(self.releases, RELEASES, strict=True) if release.major]
        self._arrival = list(
            accumulate(
                _INSTALLS[date.weekday()]
                * math.sqrt(_season(date))
                * (1 + _GROWTH * n / len(dates))
                * (1 + _LAUNCH_RUSH * sum(math.exp((day - n) / _LAUNCH_DAYS) for day in launches if day <= n))
                for n, date in enumerate(dates)
            )
        )

    def arrival(self, uniform: float) -> int:
        """The day on which an installation arrives, from a number between 0 and 1."""
        return min(bisect_right(self._arrival, uniform * self._arrival[-1]), self.last)

    def next_busy(self, day: int, effort: float) -> int:
        """The day by which `effort` working days have gone by since the end of `day`; after `last`: not any more.

        Weekends and holidays hold little of a working day, so few active days fall on them.
        """
        return bisect_right(self._busy, self._busy[day] + effort)

    def moment(self, day: int, second: int) -> str:
        """`at` of a record on a day. Of today only its first milliseconds have surely passed when it is imported."""
        if day == self.last:
            return f"{self.days[day]}T00:00:00.{second // 100:03d}Z"
        minute, seconds = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        return f"{self.days[day]}T{hour:02d}:{minute:02d}:{seconds:02d}Z"


def _season(date: dt.date) -> float:
    if (date.month, date.day) in _HOLIDAYS:
        return 0.22
    if date.month == 12 and date.day > 23:
        return 0.5
    return 0.85 if date.month in (7, 8) else 1.0


def _months_before(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
