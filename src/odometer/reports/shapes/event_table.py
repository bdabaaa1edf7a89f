"""The table of lifetime event use (chapter 04, Lifetime table), for those active in a range and for those lost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Final, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.events import EventName, alphabetical, null_first
from odometer.reports.definition import Context, PageSize, PositiveNumber, ReportRequest
from odometer.reports.shapes.events import entries_of
from odometer.reports.shapes.exact import average
from odometer.reports.shapes.items import alphabetical_labels, with_named
from odometer.reports.shapes.life_use import LifeRequest, population_of
from odometer.reports.shapes.loss import LossMembers
from odometer.selection.events import Combination, Entry
from odometer.selection.segments import Level, parse_segment_by
from odometer.selection.wire import Text
from odometer.selection.wire_segments import Segments
from odometer.store.answers.event_usage import Item, LifeUsage, UsageTable
from odometer.store.answers.population import ALL_UNITS

_PAGE_SIZE: Final = 100
Direction = Literal["asc", "desc"]


class Figures(TypedDict):
    """Lifetime use of one event."""

    eventCount: int
    eventCountPerUserUsedAtLeastOnce: float
    eventCountPerUserUsedAtLeastOnceActiveDay: float
    eventCountPerUserUsedAtLeastOnceActiveWeek: float
    eventCountPerUserUsedAtLeastOnceActiveMonth: float
    uniqueUsersUsedAtLeastOnce: int
    uniqueUsersNeverUsed: int
    percentUsedAtLeastOnce: float
    activeUsers: int


class SegmentRow(Figures):
    """The same within one segment."""

    segmentLabel: str


class EventRow(Figures):
    """An event, named by category and name, or a combination, named by its label."""

    eventCategory: NotRequired[str | None]
    eventName: NotRequired[str]
    combiLabel: NotRequired[str]
    segments: NotRequired[list[SegmentRow]]


class CategoryRows(TypedDict):
    """The events of one category."""

    eventCategory: str | None
    categoryData: list[EventRow]


class TableAnswer(TypedDict):
    """Events, or events by category; how many there are in all where pages are asked for."""

    result: list[EventRow | CategoryRows]
    totalEvents: NotRequired[int]


class Sorting(ReportRequest):
    """The orders of events and of the segments within each event."""

    refused: ClassVar[tuple[str, ...]] = ()

    events: Literal["alpha", "eventCounts", "uniqueUsersUsedAtLeastOnce"] = "alpha"
    events_direction: Direction = Field(default="asc", alias="eventsDirection")
    segments: Literal["alpha", "active", "eventCounts", "uniqueUsersUsedAtLeastOnce", "percentUsedAtLeastOnce"] = (
        "alpha"
    )
    segments_direction: Direction = Field(default="asc", alias="segmentsDirection")


class TableRequest(LifeRequest):
    """The members that both tables have."""

    segment_by: Text | None = Field(default=None, alias="segmentBy", description="The property that makes segments.")
    segments: Segments | None = Field(default=None, description="Its items; absent: every distinct value is one.")
    categorize_events: bool = Field(default=False, alias="categorizeEvents", description="Events below categories.")
    sorting: Sorting = Field(default=Sorting(), description="The orders of events and segments.")
    page: PositiveNumber | None = Field(default=None, description="From 1; absent: everything.")
    page_size: PageSize | None = Field(
        default=None, alias="pageSize", description=f"Events of a page, {_PAGE_SIZE} where absent."
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One event of the table: its figures, and those of its segments by label."""

    entry: Entry
    figures: Figures
    segments: dict[str, Figures] | None


# What the orders of `sorting` compare, by the names they have there.
_COMPARED: Final[dict[str, Literal["activeUsers", "eventCount", "uniqueUsersUsedAtLeastOnce"]]] = {
    "active": "activeUsers",
    "eventCounts": "eventCount",
    "uniqueUsersUsedAtLeastOnce": "uniqueUsersUsedAtLeastOnce",
}


def table_answer(request: TableRequest, context: Context, losses: LossMembers | None = None) -> TableAnswer:
    """The answer body, of those who are lost where `losses` says who is. Raises `Problem`."""
    level = parse_segment_by(request.segment_by, request.segments, context.language)
    population = population_of(request, context, level, losses)
    entries = entries_of(request.events, context)
    use = context.questions.use_in_life(population, entries.sets)
    rows = [
        _row(entry, number, use, level, request.sorting)
        for number, entry in enumerate(entries.listed)
        if entries.are_named or (ALL_UNITS, number) in use.cells
    ]
    ordered = _ordered_events(rows, request.sorting, by_category=request.categorize_events)
    total = len(ordered)
    paged = request.page is not None or request.page_size is not None
    if paged:
        size = request.page_size or _PAGE_SIZE
        first = ((request.page or 1) - 1) * size
        ordered = ordered[first : first + size]
    result: list[EventRow | CategoryRows] = []
    if request.categorize_events:
        result += _categorised(ordered)
    else:
        result += [_event(row) for row in ordered]
    return {"result": result, "totalEvents": total} if paged else {"result": result}


def _row(entry: Entry, number: int, use: UsageTable[LifeUsage], level: Level | None, sorting: Sorting) -> _Row:
    figures = _figures(use.cells.get((ALL_UNITS, number), LifeUsage()), use.everybody)
    if level is None:
        return _Row(entry, figures, None)
    by_label = {
        label: _figures(use.cells.get((label, number), LifeUsage()), item)
        for label, item in with_named(level, use.items).items()
    }
    return _Row(entry, figures, _ordered_segments(by_label, sorting))


def _figures(use: LifeUsage, item: Item) -> Figures:
    return {
        "eventCount": use.times,
        "eventCountPerUserUsedAtLeastOnce": average(use.times, use.users),
        "eventCountPerUserUsedAtLeastOnceActiveDay": average(use.times, use.active_days),
        "eventCountPerUserUsedAtLeastOnceActiveWeek": average(use.times, use.active_weeks),
        "eventCountPerUserUsedAtLeastOnceActiveMonth": average(use.times, use.active_months),
        "uniqueUsersUsedAtLeastOnce": use.users,
        "uniqueUsersNeverUsed": item.units - use.users,
        "percentUsedAtLeastOnce": average(100 * use.users, item.units, 1),
        "activeUsers": item.units,
    }


def _alphabetical(row: _Row) -> tuple[str, ...]:
    return alphabetical(row.entry.label) if isinstance(row.entry, Combination) else null_first(row.entry)


def _ordered_events(rows: Iterable[_Row], sorting: Sorting, *, by_category: bool) -> list[_Row]:
    """Events, then combinations, both in the order asked for; ties in alphabetical order.

    By category: categories in alphabetical order whatever the order of their events, turned by alpha desc only.
    """
    turned = sorting.events_direction == "desc"
    by_name = sorting.events == "alpha"
    ordered = sorted(rows, key=_alphabetical, reverse=turned and by_name)
    if not by_name:
        # A sort that is turned round keeps the order of equals.
        ordered.sort(key=lambda row: row.figures[_COMPARED[sorting.events]], reverse=turned)
    if by_category:
        ordered.sort(key=_category, reverse=turned and by_name)
    ordered.sort(key=lambda row: isinstance(row.entry, Combination))
    return ordered


def _category(row: _Row) -> tuple[str, str]:
    return alphabetical("" if isinstance(row.entry, Combination) else row.entry.category)


def _ordered_segments(by_label: dict[str, Figures], sorting: Sorting) -> dict[str, Figures]:
    turned = sorting.segments_direction == "desc"
    labels = alphabetical_labels(by_label, turned=turned and sorting.segments == "alpha")
    if sorting.segments != "alpha":
        labels.sort(key=lambda label: _compared(by_label[label], sorting.segments), reverse=turned)
    return {label: by_label[label] for label in labels}


def _compared(figures: Figures, order: str) -> Fraction:
    if order == "percentUsedAtLeastOnce":
        # The share itself: two that are shown alike need not be equal.
        return Fraction(figures["uniqueUsersUsedAtLeastOnce"], figures["activeUsers"] or 1)
    return Fraction(figures[_COMPARED[order]])


def _event(row: _Row) -> EventRow:
    """An event object of the flat view, a combination in either view."""
    if isinstance(row.entry, Combination):
        return {"combiLabel": row.entry.label, **_told(row)}
    return {"eventCategory": row.entry.category or None, **_named(row)}


def _named(row: _Row) -> EventRow:
    assert isinstance(row.entry, EventName)  # noqa: S101 - combinations have no name
    return {"eventName": row.entry.name, **_told(row)}


def _told(row: _Row) -> EventRow:
    if row.segments is None:
        return cast("EventRow", row.figures)
    segments: list[SegmentRow] = [{"segmentLabel": label, **figures} for label, figures in row.segments.items()]
    return cast("EventRow", {**row.figures, "segments": segments})


def _categorised(rows: Sequence[_Row]) -> list[EventRow | CategoryRows]:
    """Categories with their events, then combinations, in the order of the rows."""
    by_category: dict[str, CategoryRows] = {}
    combinations: list[EventRow] = []
    for row in rows:
        if isinstance(row.entry, Combination):
            combinations.append(_event(row))
        else:
            category = row.entry.category
            events = by_category.setdefault(category, {"eventCategory": category or None, "categoryData": []})
            events["categoryData"].append(_named(row))
    return [*by_category.values(), *combinations]
