"""eventTracking/advanced/fullReport: who used which event how often in a range, by segment (chapter 04)."""

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.active import active_in_range
from odometer.reports.shapes.events import Entries, NamedEntry, UsersRequest, entries_of, named
from odometer.reports.shapes.exact import average
from odometer.reports.shapes.items import alphabetical_labels, with_named
from odometer.selection.segments import Level, parse_segment_by
from odometer.selection.wire import Text
from odometer.selection.wire_segments import Segments
from odometer.store.answers.event_usage import FREQUENCY_BINS, Item, RangeUsage, UsageTable
from odometer.store.answers.population import ALL_UNITS


class EventUse(TypedDict):
    """The figures of an event within a segment; the names are irregular on purpose."""

    eventCounts: int
    averageEventCountPerSessionUsedAtLeastOnce: float
    averageEventCountPerSessionAll: float
    averageEventCountPerUserAtLeastOnce: float
    averageEventCountPerUserAll: float
    uniqueUsersUsedAtLeastOnce: int
    uniqueUsersNeverUsed: int
    usageFrequency: dict[str, int]


class FullReportRow(NamedEntry):
    """An event or a combination with its figures."""

    data: EventUse


class FullReportResult(TypedDict):
    """Rows, or rows by the label of each segment."""

    detailedReport: list[FullReportRow] | dict[str, list[FullReportRow]]


class FullReportAnswer(TypedDict):
    """The rows, and the property that made the segments."""

    segmentBy: str | None
    result: FullReportResult


class FullReportRequest(UsersRequest):
    """What `advanced/fullReport` takes."""

    segment_by: Text | None = Field(default=None, alias="segmentBy", description="The property that makes segments.")
    segments: Segments | None = Field(default=None, description="Its items; absent: every distinct value is one.")
    sort: Literal["alpha", "eventCounts"] = Field(default="alpha", description="The order of segments.")
    sort_direction: Literal["asc", "desc"] = Field(default="asc", alias="sortDirection")


def run(request: FullReportRequest, context: Context) -> FullReportAnswer:
    """`detailedReport`: events with their figures, or segments with their events."""
    level = parse_segment_by(request.segment_by, request.segments, context.language)
    population = active_in_range(request, context, level)
    entries = entries_of(request.events, context)
    use = context.questions.use_in_range(population, entries.sets)
    shown = [number for number in range(len(entries.listed)) if entries.are_named or (ALL_UNITS, number) in use.cells]
    detailed: list[FullReportRow] | dict[str, list[FullReportRow]]
    if level is None:
        detailed = _events(entries, shown, use, use.everybody)
    else:
        items = _items(request, level, use, shown)
        detailed = {item.label: _events(entries, shown, use, item) for item in items}
    return {"segmentBy": None if level is None else level.name, "result": {"detailedReport": detailed}}


def _items(request: FullReportRequest, level: Level, use: UsageTable[RangeUsage], shown: Sequence[int]) -> list[Item]:
    """The segments in the order asked for; named ones are there even when nobody is in them."""
    items = with_named(level, use.items)
    turned = request.sort_direction == "desc"
    labels = alphabetical_labels(items, turned=turned and request.sort == "alpha")
    if request.sort == "eventCounts":
        times = {label: sum(use.cells.get((label, number), RangeUsage()).times for number in shown) for label in labels}
        labels.sort(key=lambda label: times[label], reverse=turned)
    return [items[label] for label in labels]


def _events(entries: Entries, shown: Sequence[int], use: UsageTable[RangeUsage], item: Item) -> list[FullReportRow]:
    return [
        {**named(entries.listed[number]), "data": _data(use.cells.get((item.label, number), RangeUsage()), item)}
        for number in shown
    ]


def _data(use: RangeUsage, item: Item) -> EventUse:
    """The figures of one event within a segment (chapter 04)."""
    return {
        "eventCounts": use.times,
        "averageEventCountPerSessionUsedAtLeastOnce": average(use.times, use.sessions),
        "averageEventCountPerSessionAll": average(use.times, item.sessions),
        "averageEventCountPerUserAtLeastOnce": average(use.times, use.users),
        "averageEventCountPerUserAll": average(use.times, item.units),
        "uniqueUsersUsedAtLeastOnce": use.users,
        "uniqueUsersNeverUsed": item.units - use.users,
        "usageFrequency": {label: use.frequency.get(first, 0) for first, label in _FREQUENCY_LABELS.items()},
    }


def _frequency_label(first: int, following: int | None) -> str:
    if following is None:
        return f"≥ {first}"
    return str(first) if following == first + 1 else f"{first} - {following - 1}"


_FREQUENCY_LABELS: Final = {
    first: _frequency_label(first, following)
    for first, following in zip(FREQUENCY_BINS, (*FREQUENCY_BINS[1:], None), strict=True)
}


REPORT = Report(
    path="/v3/reporting/eventTracking/advanced/fullReport",
    title="Who used which event",
    description=(
        "For every event: occurrences in the range, in all, per session and per user, how many used it and how many "
        "did not, and how many used it how often; by segment."
    ),
    request=FullReportRequest,
    answer=FullReportAnswer,
    run=run,
    example=(
        {"startDate": "2031-03-03", "stopDate": "2031-03-05", "events": [{"category": "Canvas", "name": "Rotate"}]},
        {
            "segmentBy": None,
            "result": {
                "detailedReport": [
                    {
                        "category": "Canvas",
                        "name": "Rotate",
                        "data": _data(RangeUsage(7, 2, 4, {1: 1, 6: 1}), Item(ALL_UNITS, 4, 8)),
                    }
                ]
            },
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "`segmentBy` stands beside `result`; `detailedReport` is an array, with segments an object by segment. "
            "`data` holds `eventCounts`, four averages under their irregular names "
            "(`averageEventCountPerSessionUsedAtLeastOnce` but `averageEventCountPerUserAtLeastOnce`), "
            "`uniqueUsersUsedAtLeastOnce`, `uniqueUsersNeverUsed`, `usageFrequency`. Segments sort by `alpha` or "
            "`eventCounts`."
        ),
        ours=(
            "`usageFrequency` always has the same 22 bins, `1` to `≥ 5001`. Without `events` those flagged advanced "
            "are listed."
        ),
    ),
)
