"""The basic event reports (chapter 04), by looking at every day of every client."""

import datetime as dt
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.oracle.history import Day, Life
from tests.oracle.status import bucket_of

HOUR_MS = 3_600_000
ONE_DAY = dt.timedelta(days=1)
Usage = dict[tuple[str, str], tuple[int, Decimal]]


def rounded(value: Fraction | Decimal | int, decimals: int = 2) -> Decimal:
    """Two decimals, or one, half away from zero, from the exact fraction."""
    exact = Fraction(value)
    with localcontext() as context:
        context.prec = 200
        quotient = Decimal(exact.numerator * 1000) / Decimal(exact.denominator)
        # Cut off, not rounded: what is left behind the third decimal only says that it is not exactly a half.
        thousandths = int(quotient)
        return (Decimal(thousandths) / 1000).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def shown(value: Fraction | Decimal | int, decimals: int = 2) -> float:
    """A number that is no count, as it is shown."""
    # Plus zero: a small negative value is shown as 0.0, not as -0.0.
    return float(rounded(value, decimals)) + 0.0


def divided(total: Decimal | int, divisor: Fraction | int) -> float:
    """The average as it is shown; 0.0 by nothing."""
    return shown(Fraction(total) / Fraction(divisor)) if divisor else 0.0


class Span:
    """What happened on some days."""

    def __init__(self, lives: Iterable[Life], days: Iterable[dt.date]) -> None:
        wanted = set(days)
        self.clients = 0
        self.usage: Usage = {}
        self.sessions = 0
        self.hours = Fraction(0)
        for life in lives:
            active = [day for date, day in life.days.items() if date in wanted]
            self.clients += bool(active)
            for day in active:
                self._add(day)

    def _add(self, day: Day) -> None:
        self.sessions += day.sessions
        self.hours += Fraction(day.runtime_ms, HOUR_MS)
        for event, (count, value) in day.events.items():
            times, total = self.usage.get(event, (0, Decimal(0)))
            self.usage[event] = (times + count, total + value)


def _days(request: dict[str, Any], today: dt.date) -> list[dt.date]:
    first, last = (dt.date.fromisoformat(request[name]) for name in ("startDate", "stopDate"))
    return [first + n * ONE_DAY for n in range((min(last, today) - first).days + 1)]


def data_table(lives: Iterable[Life], request: dict[str, Any], today: dt.date) -> dict[str, Any]:
    """The answer of basic/dataTable where every event is listed."""
    span = Span(lives, _days(request, today))
    names = sorted({category for category, _ in span.usage}, key=lambda name: (name == "", name.casefold(), name))
    return {"result": [_category(name, span) for name in names]}


def _category(category: str, span: Span) -> dict[str, Any]:
    events = {name: used for (its, name), used in span.usage.items() if its == category}
    count = sum(times for times, _ in events.values())
    value = sum((total for _, total in events.values()), Decimal(0))
    return {
        "category": category or None,
        "categoryUsageSummary": _counts(count, span),
        "categoryCustomValuesSummary": _values(count, value, span),
        "categoryEventsData": {
            name: {"eventUsage": _counts(events[name][0], span), "eventCustomValues": _values(*events[name], span)}
            for name in sorted(events, key=lambda name: (name.casefold(), name))
        },
    }


def _counts(count: int, span: Span) -> dict[str, Any]:
    return {
        "cumulativeUsageCount": count,
        "averageCountPerUser": divided(count, span.clients),
        "averageCountPerSession": divided(count, span.sessions),
        "averageCountPerRuntimeHour": divided(count, span.hours),
    }


def _values(count: int, value: Decimal, span: Span) -> dict[str, Any]:
    return {
        "cumulativeValue": shown(value),
        "averageValuePerUser": divided(value, span.clients),
        "averageValuePerSession": divided(value, span.sessions),
        "averageValuePerRuntimeHour": divided(value, span.hours),
        "averageValuePerUsageCount": divided(value, count),
    }


def timeline(lives: Iterable[Life], request: dict[str, Any], today: dt.date) -> dict[str, Any]:
    """The answer of basic/timeline."""
    clients = list(lives)
    first, last = (dt.date.fromisoformat(request[name]) for name in ("startDate", "stopDate"))
    buckets: dict[str, list[dt.date]] = {}
    for n in range((last - first).days + 1):
        day = first + n * ONE_DAY
        buckets.setdefault(str(bucket_of(day, request["dateSplit"])), []).append(day)
    result = {}
    for bucket, days in buckets.items():
        span = Span(clients, [day for day in days if day <= today])
        result[bucket] = [_entry(event, span, request) for event in request["events"]]
    return {"result": result}


def _entry(event: dict[str, Any], span: Span, request: dict[str, Any]) -> dict[str, Any]:
    category = event.get("category") or ""
    count, value = span.usage.get(("" if category == "<NULL>" else category, event["name"]), (0, Decimal(0)))
    by_value = request.get("dataView") == "customValues"
    total = value if by_value else count
    divisors: dict[str, Fraction | int] = {
        "users": span.clients,
        "sessions": span.sessions,
        "runtime": span.hours,
        "usageCounts": count,
    }
    if request.get("divisor"):
        answer: float = divided(total, divisors[request["divisor"]])
    else:
        answer = shown(value) if by_value else count
    return {"category": None if category in ("", "<NULL>") else category, "name": event["name"], "value": answer}
