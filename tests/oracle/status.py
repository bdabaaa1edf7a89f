"""New, active and lost (chapter 03), by looking at every client in every bucket."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.oracle.history import Life

STATUSES = ("new", "active", "lost")
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a client: `silence` is N, `today` is T. `start` None is the beginning."""

    start: dt.date | None
    stop: dt.date
    split: str | None
    silence: int
    when_declared: bool
    today: dt.date


@dataclass(frozen=True, slots=True)
class Count:
    """One client counted once, in one bucket for one status; the row of `day` says what the client is there."""

    bucket: dt.date | None
    status: str
    life: Life
    day: dt.date


def bucket_of(day: dt.date, split: str | None) -> dt.date | None:
    """The first day of the bucket that holds `day`; None is the whole range."""
    if split == "week":
        return day - dt.timedelta(days=day.weekday())
    if split == "month":
        return dt.date(day.year, day.month, 1)
    return day if split == "day" else None


def buckets(question: Question) -> dict[dt.date | None, set[dt.date]]:
    """Every bucket of the range with the days of it that lie inside the range."""
    assert question.start is not None
    found: dict[dt.date | None, set[dt.date]] = {}
    day = question.start
    while day <= question.stop:
        found.setdefault(bucket_of(day, question.split), set()).add(day)
        day += ONE_DAY
    return found


def in_buckets(lives: Iterable[Life], question: Question) -> Iterator[Count]:
    """Every client in every bucket of the range (generic/dateRange)."""
    clients = list(lives)
    for bucket, days in buckets(question).items():
        for life in clients:
            for status, day in judged_inside(life, days, question).items():
                yield Count(bucket, status, life, day)


def judged_inside(life: Life, bucket: set[dt.date], question: Question) -> dict[str, dt.date]:
    """What one client is in one bucket, given as its days inside the range, and the day whose row says more."""
    # Days after today do not exist for any report.
    active = [day for day in life.days if day <= question.today]
    if not active:
        return {}
    found = {}
    inside = [day for day in active if day in bucket]
    if inside:
        found["active"] = max(inside)
        if min(active) in bucket:
            found["new"] = max(inside)
    reported = loss_date(max(active), question)
    if reported is not None and reported in bucket:
        # Lost is always judged by the last known value.
        found["lost"] = max(active)
    return found


def as_last_known(lives: Iterable[Life], question: Question) -> Iterator[Count]:
    """Every client by its last known state (generic/current)."""
    start = dt.date.min if question.start is None else question.start
    for life in lives:
        active = [day for day in life.days if day <= question.today]
        if not active:
            continue
        seen = max(active)
        if seen >= start:
            yield Count(None, "active", life, seen)
        if min(active) >= start:
            yield Count(None, "new", life, seen)
        reported = loss_date(seen, question)
        if reported is not None and start <= reported <= question.today:
            yield Count(None, "lost", life, seen)


def loss_date(seen: dt.date, question: Question) -> dt.date | None:
    """The day on which a client last seen on `seen` is reported lost; None while it is not lost."""
    declared = seen + dt.timedelta(days=question.silence)
    if declared > question.today:
        return None
    return declared if question.when_declared else seen
