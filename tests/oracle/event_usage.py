"""The event reports of chapter 04 that judge clients: lifetime, fullReport and churn, as whole answer bodies."""

import datetime as dt
from collections.abc import Iterable

from tests.oracle.event_entries import Flags
from tests.oracle.event_full_report import FullReport
from tests.oracle.event_histogram import histogram
from tests.oracle.event_table import table
from tests.oracle.groups import grouped, until
from tests.oracle.history import Life
from tests.oracle.selection import Given, day_named, passes
from tests.oracle.status import Count, Question, loss_date

_PRODUCT_SILENCE = 40


def lifetime_table(lives: Iterable[Life], request: Given, today: dt.date, flags: Flags | None = None) -> Given:
    """The answer body of lifetime/dataTable."""
    return table(_active_in_range(lives, request, today), request, flags or {})


def lifetime_histogram(lives: Iterable[Life], request: Given, today: dt.date, flags: Flags | None = None) -> Given:
    """The answer body of lifetime/histogram; flags say nothing here, where events are named."""
    del flags
    return histogram(_active_in_range(lives, request, today), request)


def full_report(lives: Iterable[Life], request: Given, today: dt.date, flags: Flags | None = None) -> Given:
    """The answer body of advanced/fullReport: everyone by the last day in the range."""
    first, last = _range(request, today)
    population = []
    for life in until(lives, today):
        inside = [day for day in life.days if first <= day <= last]
        if inside and passes(life, max(inside), request.get("globalFilters"), today):
            population.append(Count(None, "active", life, max(inside)))
    return FullReport(population, (first, last), request, flags or {}).body()


def churn_table(
    lives: Iterable[Life],
    request: Given,
    today: dt.date,
    flags: Flags | None = None,
    *,
    silence: int = _PRODUCT_SILENCE,
) -> Given:
    """The answer body of churn/lifetime/dataTable; `silence` is the product's setting."""
    return table(lost_in_range(lives, request, today, silence), request, flags or {})


def churn_histogram(
    lives: Iterable[Life],
    request: Given,
    today: dt.date,
    flags: Flags | None = None,
    *,
    silence: int = _PRODUCT_SILENCE,
) -> Given:
    """The answer body of churn/lifetime/histogram; `silence` is the product's setting."""
    del flags
    return histogram(lost_in_range(lives, request, today, silence), request)


def _range(request: Given, today: dt.date) -> tuple[dt.date, dt.date]:
    return day_named(request["startDate"], today), day_named(request["stopDate"], today)


def _passing(lives: Iterable[Life], request: Given, today: dt.date) -> list[Count]:
    """Every group that passes the filters by its last known values."""
    return [
        Count(None, "active", life, life.last_seen)
        for life in grouped(until(lives, today), request.get("groupBy"))
        if passes(life, life.last_seen, request.get("globalFilters"), today)
    ]


def _active_in_range(lives: Iterable[Life], request: Given, today: dt.date) -> list[Count]:
    first, last = _range(request, today)
    return [one for one in _passing(lives, request, today) if any(first <= day <= last for day in one.life.days)]


def lost_in_range(lives: Iterable[Life], request: Given, today: dt.date, silence: int) -> list[Count]:
    """Every group that passes the filters and whose loss date lies in the range; `silence` is the product's setting."""
    first, last = _range(request, today)
    question = Question(
        start=first,
        stop=last,
        split=None,
        silence=request.get("daysUntilDeclaredLost") or silence,
        when_declared=request.get("dateReportedLost") == "dateDeclaredLost",
        today=today,
    )
    found = []
    for one in _passing(lives, request, today):
        reported = loss_date(one.life.last_seen, question)
        if reported is not None and first <= reported <= last:
            found.append(one)
    return found
