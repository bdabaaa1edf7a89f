"""New, active and lost as SQL (chapter 03): one row of each unit and bucket decides, and it is counted, not searched.

The row that decides in a bucket is its unit's last one inside bucket and range (chapter 02, The bucket rule). It is
there once for each active unit, and knows the install day, hence new, and the next active day, hence lost.
"""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

from odometer.model.calendar import DateRange, Split
from odometer.model.properties import Property
from odometer.selection.predicate import EVERYBODY, Predicate, properties_in
from odometer.selection.segments import Level
from odometer.store.answers.ask import Ask
from odometer.store.answers.limits import MAX_CELLS, MAX_ITEMS, too_many_items
from odometer.store.sql.buckets import bucket_of, in_same_bucket, range_params
from odometer.store.sql.deciding import DECLARED_LOST_ON, IS_SILENT, LAST_BEFORE_LOSS, last_in
from odometer.store.sql.items import Items, LimitedValues, limited, spelled
from odometer.store.sql.predicates import Bound, condition
from odometer.store.sql.units import Units

_SILENT: Final = f"(next_day > {{today:Date}} AND {IS_SILENT})"
ALL_STATUSES: Final = frozenset({"new", "active", "lost"})


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """How many clients or groups are new, active and lost in each bucket of a range, in all and by item.

    Attributes:
        product_id: of one product.
        range: the days asked about; days after `today` do not exist.
        split: buckets; None = the whole range is one.
        silence_days: N, days without activity until a client is lost.
        lost_when_declared: a loss is shown on last seen + N instead of last seen.
        today: T.
        statuses: the figures wanted, of new, active, lost; the others are 0.
        filters: who is counted.
        levels: the items to count under; none = everybody is one figure.
        group_by: the property whose equal values make clients one; None = every client counts.

    """

    product_id: int
    range: DateRange
    split: Split | None
    silence_days: int
    lost_when_declared: bool
    today: dt.date
    statuses: frozenset[str] = ALL_STATUSES
    filters: Predicate = EVERYBODY
    levels: tuple[Level, ...] = ()
    group_by: Property | None = None


class StatusSql:
    """The statements of one question; `bound` holds the parameters of all that was written."""

    def __init__(self, question: StatusQuestion, limited_values: LimitedValues, bound: Bound | None = None) -> None:
        self._question = question
        self._limited_values = limited_values
        levels = question.levels
        properties = [*properties_in(question.filters), *(prop for level in levels for prop in level.properties)]
        self._units = Units(question.group_by, tuple(dict.fromkeys(properties)))
        self._items = Items(levels, limited_values, self._units.used_events)
        self.bound = bound or Bound(
            {
                "product": question.product_id,
                **range_params(question.range, question.today),
                "today": question.today,
                "silence": question.silence_days,
            }
        )

    def figures(self, limit: int) -> str:
        """Rows (bucket, labels, segment_no, new, active, lost); labels are empty and segment_no is 0 without levels."""
        if not self._question.levels:
            return f"SELECT bucket, [], 0, sum(new), sum(active), sum(lost) FROM ({self._counted()}) GROUP BY bucket"
        return f"""
            SELECT bucket, labels, min(segment_no), sum(new), sum(active), sum(lost)
            FROM ({self._items.by_item(self._counted(), self.bound)}) GROUP BY bucket, labels LIMIT {limit:d}"""

    def item_count(self) -> str:
        """One row: how many items there are, of all depths."""
        return f"SELECT uniqExact(labels) FROM ({self._items.by_item(self._counted(), self.bound)})"

    def largest(self) -> str:
        """Rows (segment_no, label): what the limited segments of the last level keep.

        By most active, then new, then lost over the whole range, then label. An item that only some bucket has is
        there with zeros, so that a limit that is not reached changes nothing. A client counts once, however many
        items above hold it.
        """
        whole = StatusSql(replace(self._question, split=None), self._limited_values, self.bound)
        columns = "segment_no, label, new, active, lost"
        parts = [f"SELECT {columns} FROM ({whole._of_limited_segments()})"]
        if self._question.split is not None:
            parts.append(f"SELECT segment_no, label, 0, 0, 0 FROM ({self._of_limited_segments()})")
        most = limited(self._question.levels[-1])
        segment_nos, limits = [segment_no for segment_no, _ in most], [segment.limit for _, segment in most]
        return f"""
            SELECT segment_no, label FROM (
                SELECT segment_no, label,
                    row_number() OVER (PARTITION BY segment_no ORDER BY a DESC, n DESC, l DESC, label) AS rank
                FROM (
                    SELECT segment_no, label, sum(active) AS a, sum(new) AS n, sum(lost) AS l
                    FROM ({" UNION ALL ".join(parts)}) GROUP BY segment_no, label
                )
            ) WHERE rank <= transform(segment_no, {segment_nos}, {limits}, 0)"""

    def _of_limited_segments(self) -> str:
        """Rows (segment_no, label, new, active, lost) of what each limited segment of the last level gives."""
        last = len(self._question.levels) - 1
        segment_nos, label = self._items.of_limited(last, self.bound)
        held = [f"notEmpty({self._items.items_of_row(number, self.bound)})" for number in range(last)]
        return f"""
            SELECT arrayJoin({segment_nos}) AS segment_no, {label} AS label, new, active, lost
            FROM ({self._counted()}) WHERE {" AND ".join(held) or "1"}"""

    def _counted(self) -> str:
        """Rows (bucket, values of the levels' properties, new, active, lost)."""
        statuses = self._question.statuses
        parts = []
        by_seen = statuses - {"lost"} if self._question.lost_when_declared else statuses
        if by_seen:
            parts.append(self._seen(by_seen))
        if "lost" in statuses - by_seen:
            parts.append(self._declared())
        return " UNION ALL ".join(parts)

    def _seen(self, statuses: frozenset[str]) -> str:
        split = self._question.split
        is_new = f"(install >= {{start:Date}} AND {in_same_bucket(split, 'install', 'day')})"
        wanted = {"new": is_new, "active": "1", "lost": _SILENT}
        conditions = {name: sql if name in statuses else "0" for name, sql in wanted.items()}
        return self._sums(self._units.rows(last_in(split)), bucket_of(split), conditions)

    def _declared(self) -> str:
        """Units whose last day + N lies in the range, judged by the row of that last day."""
        bucket = bucket_of(self._question.split, DECLARED_LOST_ON)
        return self._sums(
            self._units.rows(LAST_BEFORE_LOSS), bucket, {"new": "0", "active": "0", "lost": "next_day > {today:Date}"}
        )

    def _sums(self, rows: str, bucket: str, conditions: dict[str, str]) -> str:
        values = "".join(f", {prop.column}" for prop in self._items.properties)
        sums = ", ".join(f"sumIf(sign, {sql}) AS {name}" for name, sql in conditions.items())
        who = condition(self._question.filters, self.bound, self._units.used_events)
        counts = " OR ".join(sql for sql in conditions.values() if sql != "0")
        return f"""
            SELECT {bucket} AS bucket{values}, {sums} FROM ({rows}) WHERE ({who}) AND ({counts})
            GROUP BY bucket{values} HAVING new != 0 OR active != 0 OR lost != 0"""


@dataclass(frozen=True, slots=True)
class Figures:
    """New, active and lost clients of one bucket or item."""

    new: int = 0
    active: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of one item in one bucket.

    Attributes:
        bucket: its first day; None without a split.
        labels: of the item and the items above it, from level 1 down; empty without levels.
        segment_no: number of the segment of the deepest level that gives the item first.
        figures: what was counted.

    """

    bucket: dt.date | None
    labels: tuple[str, ...]
    segment_no: int
    figures: Figures


def status_figures(ask: Ask, question: StatusQuestion) -> list[Counted]:
    """What was counted, in no order; items and buckets with zeros in all figures asked for are missing.

    Raises `Problem` TOO_MANY_SEGMENTS for more than 10,000 items or 200,000 cells.
    """
    sql = StatusSql(question, _limited_values(ask, question))
    most = MAX_ITEMS if question.split is None else MAX_CELLS
    rows = ask(sql.figures(most + 1), sql.bound.params)
    if question.levels and len(rows) > most:
        raise too_many_items(ask(sql.item_count(), sql.bound.params)[0][0], question.levels[-1].path)
    return [
        Counted(
            bucket if question.split else None,
            tuple(
                spelled(label, is_number=level.is_number) for label, level in zip(labels, question.levels, strict=False)
            ),
            segment_no,
            Figures(*figures),
        )
        for bucket, labels, segment_no, *figures in rows
    ]


def _limited_values(ask: Ask, question: StatusQuestion) -> LimitedValues:
    """The values that limits keep, level by level: a lower level is ranked over what the upper ones show."""
    limited_values: dict[tuple[int, int], tuple[str, ...]] = {}
    for number, level in enumerate(question.levels):
        if not limited(level):
            continue
        sql = StatusSql(replace(question, statuses=ALL_STATUSES, levels=question.levels[: number + 1]), limited_values)
        found: dict[tuple[int, int], list[str]] = {(number, segment_no): [] for segment_no, _ in limited(level)}
        for segment_no, label in ask(sql.largest(), sql.bound.params):
            found[number, segment_no].append(label)
        limited_values |= {at: tuple(labels) for at, labels in found.items()}
    return limited_values
