"""New, active and lost (contract 03), by looking at every client in every bucket."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tests.oracle.history import Life

STATUSES = ("new", "active", "lost")
ONE_DAY = dt.timedelta(days=1)

# Whether a client counts, judged by what it was on one of its active days (contract 02, bucket rule).
Judge = Callable[[Life, dt.date], bool]
Figures = dict[str, int]


@dataclass(frozen=True, slots=True)
class Question:
    """A request of generic/dateRange: `silence` is N, `today` is T."""

    start: dt.date
    stop: dt.date
    split: str | None
    silence: int
    when_declared: bool
    today: dt.date


def everyone(_life: Life, _day: dt.date) -> bool:
    """The judge without filters."""
    return True


def bucket_of(day: dt.date, split: str | None) -> dt.date | None:
    """The first day of the bucket that holds `day`; None is the whole range."""
    if split == "week":
        return day - dt.timedelta(days=day.weekday())
    if split == "month":
        return dt.date(day.year, day.month, 1)
    return day if split == "day" else None


def buckets(question: Question) -> dict[dt.date | None, list[dt.date]]:
    """Every bucket of the range with the days of it that lie inside the range."""
    found: dict[dt.date | None, list[dt.date]] = {}
    day = question.start
    while day <= question.stop:
        found.setdefault(bucket_of(day, question.split), []).append(day)
        day += ONE_DAY
    return found


def figures(lives: Iterable[Life], question: Question, judge: Judge = everyone) -> dict[dt.date | None, Figures]:
    """The three figures of every bucket of the range."""
    found: dict[dt.date | None, Figures] = {}
    clients = list(lives)
    for bucket, days in buckets(question).items():
        figure = dict.fromkeys(STATUSES, 0)
        for life in clients:
            for status in statuses(life, set(days), question, judge):
                figure[status] += 1
        found[bucket] = figure
    return found


def statuses(life: Life, bucket: set[dt.date], question: Question, judge: Judge = everyone) -> set[str]:
    """What one client is in one bucket, given as its days inside the range."""
    # Days after today do not exist for any report.
    active = [day for day in life.days if day <= question.today]
    if not active:
        return set()
    found = set()
    inside = [day for day in active if day in bucket]
    if inside and judge(life, max(inside)):
        found.add("active")
        if min(active) in bucket:
            found.add("new")
    seen = max(active)
    declared = seen + dt.timedelta(days=question.silence)
    reported = declared if question.when_declared else seen
    if declared <= question.today and reported in bucket and judge(life, seen):
        found.add("lost")
    return found


def answer(lives: Iterable[Life], question: Question, wanted: Iterable[str]) -> dict[str, Any]:
    """The body of the answer: figures asked for in the order new, active, lost; dates ascend and are dense."""
    asked = set(wanted)
    shaped = {
        bucket: {status: figure[status] for status in STATUSES if status in asked}
        for bucket, figure in figures(lives, question).items()
    }
    if question.split is None:
        return {"result": shaped[None]}
    return {"result": {str(bucket): figure for bucket, figure in shaped.items()}}
