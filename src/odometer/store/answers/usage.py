"""Usage over a range as SQL: how often events occurred, and how many clients, sessions and hours there were."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odometer.model.calendar import DateRange, Split
from odometer.model.events import EventName
from odometer.store.engine import DATABASE
from odometer.store.sql.buckets import IN_RANGE, bucket_of, last_in_bucket, range_params


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What was done in the days of a range (contract 04, the basic reports).

    Attributes:
        product_id: of one product.
        range: the days asked about; those after `today` do not exist.
        today: T.
        split: buckets; None = the whole range is one.
        events: only these; None = all.

    """

    product_id: int
    range: DateRange
    today: dt.date
    split: Split | None = None
    events: tuple[EventName, ...] | None = None

    @property
    def params(self) -> dict[str, Any]:
        """What the statements bind."""
        shared = {"product": self.product_id, **range_params(self.range, self.today)}
        return shared if self.events is None else {**shared, "events": [event.key for event in self.events]}


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Occurrences of one event, and the exact sum of their numeric values."""

    count: int = 0
    value: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Activity:
    """Distinct active clients, and the sessions and runtime that began on the days."""

    clients: int = 0
    sessions: int = 0
    runtime_ms: int = 0


Bucket = dt.date | None


def occurrences_sql(question: UsageQuestion) -> str:
    """Rows (bucket, event, count, value) of events that occurred; read from the sums over all clients."""
    wanted = "" if question.events is None else "AND event IN {events:Array(String)}"
    return f"""
        SELECT {bucket_of(question.split)} AS bucket, event, sum(count * sign) AS times, sum(value * sign)
        FROM {DATABASE}.event_day WHERE product = {{product:UInt64}} AND day {IN_RANGE} {wanted}
        GROUP BY bucket, event HAVING times != 0"""


def activity_sql(question: UsageQuestion) -> str:
    """Rows (bucket, clients, sessions, runtime_ms)."""
    return f"""
        SELECT {bucket_of(question.split)} AS bucket, sumIf(sign, {last_in_bucket(question.split)}),
            sum(sessions * sign), sum(runtime_ms * sign)
        FROM {DATABASE}.client_day WHERE product = {{product:UInt64}} AND day {IN_RANGE} GROUP BY bucket"""


def occurrences_of(
    question: UsageQuestion, rows: Iterable[tuple[Any, ...]]
) -> dict[tuple[Bucket, EventName], Occurrences]:
    """The rows of `occurrences_sql` by bucket (None without a split) and event."""
    return {
        (bucket if question.split else None, EventName.of_key(event)): Occurrences(count, value)
        for bucket, event, count, value in rows
    }


def activity_of(question: UsageQuestion, rows: Iterable[tuple[Any, ...]]) -> dict[Bucket, Activity]:
    """The rows of `activity_sql` by bucket (None without a split)."""
    return {bucket if question.split else None: Activity(*figures) for bucket, *figures in rows}
