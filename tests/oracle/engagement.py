"""The five reports of chapter 05, as whole answer bodies."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from tests.oracle.event_items import in_order, items_of
from tests.oracle.event_usage import lost_in_range
from tests.oracle.groups import until
from tests.oracle.history import Day, Life
from tests.oracle.selection import Given, day_named, passes
from tests.oracle.status import ONE_DAY, Count, bucket_of
from tests.oracle.usage import divided

Amount = Callable[[list[Day]], int]
_COHORTS = {"installationDay": "day", "installationWeek": "week", "installationMonth": "month"}


def active_days(days: list[Day]) -> int:
    return len(days)


def sessions(days: list[Day]) -> int:
    return sum(day.sessions for day in days)


def minutes(days: list[Day]) -> int:
    return sum(day.runtime_ms for day in days) // 60_000


AMOUNTS: dict[str, Amount] = {"activeDays": active_days, "sessions": sessions, "runtime": minutes}


def ladder(name: str) -> Iterator[int]:
    """The greatest values of the bins."""
    if name == "runtime":
        yield 5
        yield 15
        edge = 30
        while True:
            yield edge
            edge *= 2
    edge = 1
    while True:
        yield edge
        edge = math.ceil(Fraction(3, 2) * edge)


def bins(name: str, values: list[int]) -> list[tuple[str, int, int | None]]:
    """Label, smallest and greatest value of each bin for these values; the last has no greatest."""
    found: list[tuple[str, int, int | None]] = []
    if not values:
        return found
    low = 0
    for edge in ladder(name):
        if low == 0:
            found.append((text(name, edge) if name == "activeDays" else f"≤ {text(name, edge)}", low, edge))
        elif low == edge:
            found.append((text(name, edge), low, edge))
        else:
            found.append((f"{text(name, low)} - {text(name, edge)}", low, edge))
        low = edge + 1
        covered = sum(1 for value in values if value <= edge)
        if len(found) >= 3 and covered >= Fraction(95, 100) * len(values):
            break
    return [*found, (f"≥ {text(name, low)}", low, None)]


def text(name: str, value: int) -> str:
    return f"{value // 60}:{value % 60:02}" if name == "runtime" else str(value)


def inside(values: list[int], low: int, high: int | None) -> int:
    return sum(1 for value in values if low <= value and (high is None or value <= high))


def usage_distribution(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> Given:
    """The answer body of engagement/usageDistribution."""
    del silence
    first, last = _range(request, today)
    people = []
    for life in until(lives, today):
        days = {day: told for day, told in life.days.items() if first <= day <= last}
        if days and passes(life, max(days), request.get("globalFilters"), today):
            people.append({name: amount(list(days.values())) for name, amount in AMOUNTS.items()})
    used = {name: bins(name, [one[name] for one in people]) for name in AMOUNTS}
    result: Given = {}
    for name in AMOUNTS:
        result[name] = {}
        for label, low, high in used[name]:
            these = [one for one in people if inside([one[name]], low, high)]
            result[name][label] = {"users": len(these)}
            for other in AMOUNTS:
                if other != name:
                    values = [one[other] for one in these]
                    result[name][label][other] = {label: inside(values, low, high) for label, low, high in used[other]}
    return {"result": result}


def churn_days(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> Given:
    """The answer body of churn/histogram/days."""
    values = [active_days(days) for days in _lost(lives, request, today, silence)]
    return {"result": _histogram("activeDays", values), "statistics": _statistics(values)}


def churn_sessions(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> Given:
    """The answer body of churn/histogram/sessions."""
    values = [sessions(days) for days in _lost(lives, request, today, silence)]
    return {"result": _histogram("sessions", values), "statistics": _statistics(values)}


def churn_runtime(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> Given:
    """The answer body of churn/histogram/runtime: bins of whole minutes, statistics in hours."""
    lost = _lost(lives, request, today, silence)
    statistics = _statistics([sum(day.runtime_ms for day in days) for days in lost])
    hours = {
        "users": statistics["users"],
        "mean": divided(sum(day.runtime_ms for days in lost for day in days), len(lost) * 3_600_000),
        **{name: divided(statistics[name], 3_600_000) for name in ("median", "p90", "p95", "max")},
    }
    return {"result": _histogram("runtime", [minutes(days) for days in lost]), "statistics": hours}


def _range(request: Given, today: dt.date) -> tuple[dt.date, dt.date]:
    return day_named(request["startDate"], today), day_named(request["stopDate"], today)


def _lost(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> list[list[Day]]:
    """The days of each client that is lost in the range."""
    return [list(one.life.days.values()) for one in lost_in_range(lives, request, today, silence)]


def _histogram(name: str, values: list[int]) -> dict[str, int]:
    return {label: inside(values, low, high) for label, low, high in bins(name, values)}


def _statistics(values: list[int]) -> Given:
    ordered = sorted(values)

    def nearest_rank(percent: int) -> int:
        return ordered[math.ceil(Fraction(percent * len(ordered), 100)) - 1] if ordered else 0

    return {
        "users": len(values),
        "mean": divided(sum(values), len(values)),
        "median": nearest_rank(50),
        "p90": nearest_rank(90),
        "p95": nearest_rank(95),
        "max": max(values, default=0),
    }


def churn_and_engagement(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> Given:
    """The answer body of engagement/churnAndEngagement."""
    first, last = _range(request, today)
    people = [
        Count(None, "active", life, life.install)
        for life in until(lives, today)
        if first <= life.install <= last and passes(life, life.install, request.get("globalFilters"), today)
    ]
    silence = request.get("daysUntilDeclaredLost") or silence
    split = request["dateSplit"]
    by = request.get("segmentBy")
    if by is None:
        return {"result": _ages([one.life for one in people], split, silence, today)}
    if by in _COHORTS:
        segments = _cohorts(people, _COHORTS[by], first, min(last, today))
    else:
        found = items_of(people, request)
        assert found is not None
        segments = {label: found[label] for label in in_order(found, None, down=False)}
    ages = {label: _ages([one.life for one in these], split, silence, today) for label, these in segments.items()}
    return {"result": ages}


def _cohorts(people: list[Count], split: str, first: dt.date, last: dt.date) -> dict[str, list[Count]]:
    """The periods of the range and who was installed in each."""
    found: dict[str, list[Count]] = {}
    day = first
    while day <= last:
        found.setdefault(str(bucket_of(day, split)), [])
        day += ONE_DAY
    for one in people:
        found[str(bucket_of(one.life.install, split))].append(one)
    return found


def _ordinal(day: dt.date, split: str) -> int:
    """Number of the calendar day, of the week from Monday, of the month."""
    if split == "month":
        return 12 * day.year + day.month
    monday = dt.date(2001, 1, 1)
    return (day - monday).days // 7 if split == "week" else (day - monday).days


def _ages(people: list[Life], split: str, silence: int, today: dt.date) -> Given:
    """Engaged and lost at every age that the oldest has reached."""

    def reach(life: Life) -> int:
        return _ordinal(today, split) - _ordinal(life.install, split)

    def length(life: Life) -> int:
        return _ordinal(life.last_seen, split) - _ordinal(life.install, split)

    found: Given = {}
    for age in range(max((reach(life) for life in people), default=-1) + 1):
        old = [life for life in people if reach(life) >= age]
        lost = [life for life in old if life.last_seen + silence * ONE_DAY <= today and length(life) < age]
        engaged = len(old) - len(lost)
        found[str(age)] = {
            "engaged": engaged,
            "engagedPercent": _percent(engaged, len(old)),
            "lost": len(lost),
            "lostPercent": _percent(len(lost), len(old)),
        }
    return found


def _percent(part: int, whole: int) -> int | float:
    tenths = math.floor(Fraction(1000 * part, whole) + Fraction(1, 2))
    return tenths // 10 if tenths % 10 == 0 else float(Fraction(tenths, 10))
