"""What the generic reports share (chapter 03): their request members, and figures as an object, by bucket and item."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.calendar import DateRange, Split
from odometer.reports.definition import Context
from odometer.reports.shapes.loss import LossMembers
from odometer.selection.filters import parse_filters
from odometer.selection.grouping import GroupBy, parse_group_by
from odometer.selection.reading import NULL_LABEL
from odometer.selection.segments import Joined, Level, parse_levels
from odometer.selection.wire_filters import GlobalFilters
from odometer.selection.wire_segments import Levels
from odometer.store.answers.limits import MAX_CELLS, MAX_ITEMS, too_many_items
from odometer.store.answers.status import Counted, Figures, StatusQuestion

Status = Literal["new", "active", "lost"]
STATUSES: Final[tuple[Status, ...]] = ("new", "active", "lost")


class StatusFigures(TypedDict, total=False):
    """How many clients; those of new, active and lost that were asked for, in this order."""

    new: int
    active: int
    lost: int


class StatusItem(TypedDict):
    """An item of a level: its own figures, and the items of the level below it."""

    totals: StatusFigures
    level2: NotRequired["dict[str, StatusItem]"]
    level3: NotRequired["dict[str, StatusItem]"]


class StatusLevels(TypedDict):
    """The items of the first level, by label."""

    level1: dict[str, StatusItem]


class StatusAnswer(TypedDict):
    """The figures; by item, by the first day of each bucket, or by bucket and item, as the request asks."""

    result: StatusFigures | StatusLevels | dict[str, StatusFigures] | dict[str, dict[str, StatusFigures]]


class StatusRequest(LossMembers):
    """The members that generic/dateRange and generic/current have in common."""

    client_status: list[Status] = Field(
        alias="clientStatus", min_length=1, fail_fast=True, description="The figures wanted."
    )
    global_filters: GlobalFilters | None = Field(
        default=None, alias="globalFilters", description="Property → filter; all must hold."
    )
    levels: Levels | None = Field(default=None, description="level1 to level3, each a property and its segments.")
    group_by: GroupBy | None = Field(
        default=None,
        alias="groupBy",
        description="clientId, machineId, licenseKey or a custom property of type 3.",
    )


def status_answer(request: StatusRequest, context: Context, asked: DateRange, split: Split | None) -> StatusAnswer:
    """The answer body: figures, or figures by bucket, by item, or by bucket and item. Raises `Problem`."""
    language = context.language
    levels = parse_levels(request.levels, language, has_split=split is not None)
    buckets = asked.buckets(split) if split else [None]
    _check_size(_named_below(levels), levels, len(buckets))
    filters = parse_filters(request.global_filters, language)
    statuses = [status for status in STATUSES if status in request.client_status]
    counted = context.questions.status_figures(
        StatusQuestion(
            product_id=context.product_id,
            range=asked,
            split=split,
            silence_days=request.silence_days(context),
            lost_when_declared=request.lost_when_declared,
            today=context.today,
            statuses=frozenset(statuses),
            filters=filters,
            levels=levels,
            group_by=parse_group_by(request.group_by, language),
        )
    )
    shape = _Shape(statuses, levels, counted)
    _check_size(shape.items, levels, len(buckets))
    if split is None:
        return {"result": shape.tree() if levels else shape.figures(None, ())}
    if levels:
        return {"result": {str(bucket): shape.by_item(bucket) for bucket in buckets}}
    return {"result": {str(bucket): shape.figures(bucket, ()) for bucket in buckets}}


def _check_size(items: int, levels: tuple[Level, ...], buckets: int) -> None:
    if items > MAX_ITEMS or items * buckets > MAX_CELLS:
        raise too_many_items(items, levels[-1].path, buckets)


def _named_below(levels: tuple[Level, ...]) -> int:
    """How many items there are below a node that nobody counts in: the named ones of every level."""
    return len(_named(levels[0])) * (1 + _named_below(levels[1:])) if levels else 0


@dataclass(slots=True)
class _Node:
    """An item and the items below it."""

    children: "dict[str, _Node]" = field(default_factory=dict)


class _Shape:
    """Counted items in the order of the definitions, named ones present even with zeros."""

    def __init__(self, statuses: list[Status], levels: tuple[Level, ...], counted: Iterable[Counted]) -> None:
        self._statuses = statuses
        self._levels = levels
        self._figures: dict[tuple[dt.date | None, tuple[str, ...]], Figures] = {}
        self._segment_nos: list[dict[str, int]] = [_named(level) for level in levels]
        root = _Node()
        for one in counted:
            self._figures[one.bucket, one.labels] = one.figures
            if one.labels:
                _add(root, one.labels)
                segment_nos = self._segment_nos[len(one.labels) - 1]
                segment_nos[one.labels[-1]] = min(one.segment_no, segment_nos.get(one.labels[-1], one.segment_no))
        self._root = root
        self.items = self._count(root, 0)

    def _count(self, node: _Node, depth: int) -> int:
        """How many items the answer has below a node."""
        levels = self._levels[depth:]
        if not levels:
            return 0
        absent = _named(levels[0]).keys() - node.children.keys()
        below = sum(1 + self._count(child, depth + 1) for child in node.children.values())
        return below + len(absent) * (1 + _named_below(levels[1:]))

    def _labels(self, node: _Node, depth: int) -> list[str]:
        """The items below a node in the order of the definitions, named ones included."""
        level, segment_nos = self._levels[depth], self._segment_nos[depth]
        return sorted({*node.children, *_named(level)}, key=lambda label: _order(level, segment_nos, label))

    def figures(self, bucket: dt.date | None, labels: tuple[str, ...]) -> StatusFigures:
        """The figures asked for of one item in one bucket."""
        found = self._figures.get((bucket, labels), Figures())
        return cast("StatusFigures", {status: getattr(found, status) for status in self._statuses})

    def by_item(self, bucket: dt.date | None) -> dict[str, StatusFigures]:
        """Figures of a bucket, by the items of the only level."""
        return {label: self.figures(bucket, (label,)) for label in self._labels(self._root, 0)}

    def tree(self) -> StatusLevels:
        """Items with their totals and the items below them."""
        return {"level1": self._branch(self._root, ())}

    def _branch(self, node: _Node, above: tuple[str, ...]) -> dict[str, StatusItem]:
        found: dict[str, StatusItem] = {}
        for label in self._labels(node, len(above)):
            labels = (*above, label)
            found[label] = {"totals": self.figures(None, labels)}
            if len(labels) < len(self._levels):
                below = self._branch(node.children.get(label, _Node()), labels)
                found[label]["level2" if len(labels) == 1 else "level3"] = below
        return found


def _add(root: _Node, labels: tuple[str, ...]) -> None:
    for label in labels:
        root = root.children.setdefault(label, _Node())


def _named(level: Level) -> dict[str, int]:
    """Label to the number of the segment of the items that exist with zeros too."""
    found: dict[str, int] = {}
    for segment_no, segment in enumerate(level.segments):
        if isinstance(segment, Joined):
            found.setdefault(segment.label, segment_no)
    return found


def _order(level: Level, segment_nos: dict[str, int], label: str) -> tuple[int, bool, float, str]:
    """By segment; in a split by label in code point order, numbers by value; `<NULL>` last (chapter 02)."""
    is_null = label == NULL_LABEL
    is_number = level.is_number and not is_null
    from_split = not isinstance(level.segments[segment_nos[label]], Joined)
    return segment_nos[label], is_null, float(label) if is_number and from_split else 0.0, label
