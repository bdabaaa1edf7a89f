"""Usage over a range: how often events occurred, and how many clients, sessions and hours there were."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from odometer.model.calendar import DateRange, Split
from odometer.model.events import EventName
from odometer.store.answers.ask import Ask
from odometer.store.sql.buckets import IN_RANGE, bucket_of, last_in_bucket, range_params
from odometer.store.tables import CLIENT_DAY, EVENT_DAY


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What was done in the days of a range (chapter 04, Basic table).

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


def occurrences(ask: Ask, question: UsageQuestion) -> dict[tuple[Bucket, EventName], Occurrences]:
    """How often events occurred, by bucket (None without a split); read from the sums over all clients."""
    wanted = "" if question.events is None else "AND event IN {events:Array(String)}"
    rows = ask(
        f"""
        SELECT {bucket_of(question.split)} AS bucket, event, sum(count * sign) AS times, sum(value * sign)
        FROM {EVENT_DAY} WHERE product = {{product:UInt64}} AND day {IN_RANGE} {wanted}
        GROUP BY bucket, event HAVING times != 0""",
        question.params,
    )
    return {
        (bucket if question.split else None, EventName.of_key(event)): Occurrences(count, value)
        for bucket, event, count, value in rows
    }


def activity(ask: Ask, question: UsageQuestion) -> dict[Bucket, Activity]:
    """Clients, sessions and runtime by bucket (None without a split); empty buckets are missing."""
    rows = ask(
        f"""
        SELECT {bucket_of(question.split)} AS bucket, sumIf(sign, {last_in_bucket(question.split)}),
            sum(sessions * sign), sum(runtime_ms * sign)
        FROM {CLIENT_DAY} WHERE product = {{product:UInt64}} AND day {IN_RANGE} GROUP BY bucket""",
        question.params,
    )
    return {bucket if question.split else None: Activity(*figures) for bucket, *figures in rows}
