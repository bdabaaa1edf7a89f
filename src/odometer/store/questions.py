"""The reading door of the store: questions as frozen values, answered by SQL over the derived tables."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from odometer.model.calendar import DateRange, Split
from odometer.store.engine import DATABASE, Engine
from odometer.store.gate import Gate

_BUCKET: Final = {Split.DAY: "{day}", Split.WEEK: "toMonday({day})", Split.MONTH: "toStartOfMonth({day})"}
# Cheaper than the named functions in the hot condition: one number a bucket, ascending with it. Day 0 is a Thursday.
_ORDINAL: Final = {
    Split.DAY: "toUInt16({day})",
    Split.WEEK: "intDiv(toUInt16({day}) + 3, 7)",
    Split.MONTH: "toYYYYMM({day})",
}
_FIRST_DAY: Final = dt.date(1970, 1, 1)
_LAST_DAY: Final = dt.date(2149, 6, 5)


@dataclass(frozen=True, slots=True)
class StatusFigures:
    """How many clients are new, active and lost in each bucket of a range (contract 03).

    Attributes:
        product_id: of one product.
        range: the days asked about; days after `today` do not exist.
        split: buckets; None = the whole range is one.
        silence_days: N, days without activity until a client is lost.
        lost_when_declared: a loss is shown on last seen + N instead of last seen.
        today: T.

    """

    product_id: int
    range: DateRange
    split: Split | None
    silence_days: int
    lost_when_declared: bool
    today: dt.date


@dataclass(frozen=True, slots=True)
class Figures:
    """New, active and lost clients of one bucket."""

    new: int = 0
    active: int = 0
    lost: int = 0


class Questions:
    """Answers questions from one view of the derived tables. Blocking; call it from worker threads."""

    def __init__(self, engine: Engine, gate: Gate, as_of_ms: Callable[[], int], timeout_s: float) -> None:
        self._engine = engine
        self._gate = gate
        self._timeout_s = timeout_s
        self.as_of_ms = as_of_ms

    def ping(self) -> None:
        """Raise `Problem` when the store does not answer."""
        self._engine.rows("SELECT 1")

    def status_figures(self, question: StatusFigures) -> dict[dt.date | None, Figures]:
        """Figures by bucket (by None without a split); buckets without any are missing. Raises `Problem`."""
        params = {
            "product": question.product_id,
            "start": _storable(question.range.start),
            "stop": _storable(min(question.range.stop, question.today)),
            "today": question.today,
            "silence": question.silence_days,
        }
        sql = _seen(question.split, with_lost=not question.lost_when_declared)
        if question.lost_when_declared:
            sql += " UNION ALL " + _declared_lost(question.split)
        with self._gate.passing():
            rows = self._engine.rows(
                f"SELECT bucket, sum(new), sum(active), sum(lost) FROM ({sql}) GROUP BY bucket",
                params,
                timeout_s=self._timeout_s,
            )
        return {bucket if question.split else None: Figures(new, active, lost) for bucket, new, active, lost in rows}


def _storable(day: dt.date) -> dt.date:
    """The nearest day that the engine's Date can hold; no record lies outside of them."""
    return min(max(day, _FIRST_DAY), _LAST_DAY)


def _seen(split: Split | None, *, with_lost: bool) -> str:
    """One row a bucket: counts the rows that are their client's last in bucket and range.

    Such a row decides for its client, and is there once for each active client; it knows the install day, hence new,
    and the next active day, hence lost (contract 02, the bucket rule).
    """
    last_in_bucket = "next_day > {stop:Date}"
    is_new = "install >= {start:Date}"
    bucket = "toDate(0)"
    if split is not None:
        ordinal = _ORDINAL[split]
        of_day = ordinal.format(day="day")
        last_in_bucket = f"({ordinal.format(day='next_day')} > {of_day} OR {last_in_bucket})"
        is_new = f"({ordinal.format(day='install')} = {of_day} AND {is_new})"
        bucket = _BUCKET[split].format(day="day")
    lost = "sumIf(sign, next_day > {today:Date} AND day + {silence:UInt16} <= {today:Date})" if with_lost else "0"
    return f"""
        SELECT {bucket} AS bucket, sumIf(sign, {is_new}) AS new, sum(sign) AS active, {lost} AS lost
        FROM {DATABASE}.client_day
        WHERE product = {{product:UInt64}} AND day BETWEEN {{start:Date}} AND {{stop:Date}} AND {last_in_bucket}
        GROUP BY bucket"""


def _declared_lost(split: Split | None) -> str:
    """One row a bucket: clients whose last day + N lies in the range; judged by the row of that last day."""
    bucket = _BUCKET[split].format(day="day + {silence:UInt16}") if split else "toDate(0)"
    return f"""
        SELECT {bucket} AS bucket, 0 AS new, 0 AS active, sum(sign) AS lost
        FROM {DATABASE}.client_day
        WHERE product = {{product:UInt64}} AND next_day > {{today:Date}}
            AND day + {{silence:UInt16}} BETWEEN {{start:Date}} AND {{stop:Date}}
        GROUP BY bucket"""
