"""What the event reports share (chapter 04): members, entries of a request, and which events are listed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.events import FLAGS_OF_NEW, EventName, null_first
from odometer.reports.definition import LANGUAGE_MEMBERS, Context, ReportRequest
from odometer.selection.events import Combination, Entry, parse_events
from odometer.selection.wire_events import EventEntries
from odometer.selection.wire_filters import GlobalFilters
from odometer.store.answers.known_events import EventSets


class NamedEntry(TypedDict):
    """An event, named by category and name, or a combination, named by its label."""

    category: NotRequired[str | None]
    name: NotRequired[str]
    combiLabel: NotRequired[str]


class EventReportRequest(ReportRequest):
    """Base of the event reports' requests: a member that only another of them has is refused."""

    refused: ClassVar[tuple[str, ...]] = (
        *LANGUAGE_MEMBERS,
        *("categorizeEvents", "sorting", "page", "pageSize", "lowerBounds", "binUpperBounds"),
        *("dataView", "divisor", "sort", "sortDirection", "daysUntilDeclaredLost", "dateReportedLost"),
    )

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")


class UsersRequest(EventReportRequest):
    """What reports about who used events take: whom to count, and which events."""

    global_filters: GlobalFilters | None = Field(
        default=None, alias="globalFilters", description="Property → filter; all must hold."
    )
    events: EventEntries | None = Field(
        default=None, description="Single events and combinations; absent: every event flagged advanced."
    )


@dataclass(frozen=True, slots=True)
class Entries:
    """The rows of an event report.

    Attributes:
        listed: single events and combinations.
        sets: the events that count for each.
        are_named: the request names them; else they are what the product has, and those that nobody used are left out.

    """

    listed: tuple[Entry, ...]
    sets: EventSets
    are_named: bool


def entries_of(events: EventEntries | None, context: Context) -> Entries:
    """The entries that a request names, in its order, or all events flagged advanced, alphabetically."""
    if events is None:
        flags, known = context.flags(), context.questions.first_received(context.product_id)
        advanced = [event for event in known if flags.get(event, FLAGS_OF_NEW["advanced"]).advanced]
        listed = tuple(sorted(advanced, key=null_first))
        return Entries(listed, EventSets(tuple(frozenset([event]) for event in listed)), are_named=False)
    entries = parse_events(events, context.language)
    combinations = [entry.tests for entry in entries if isinstance(entry, Combination)]
    found = iter(context.questions.event_sets(context.product_id, combinations).entries if combinations else ())
    sets = tuple(next(found) if isinstance(entry, Combination) else frozenset([entry]) for entry in entries)
    return Entries(entries, EventSets(sets), are_named=True)


def named(entry: Entry) -> NamedEntry:
    """How an answer names an entry: category and name, or combiLabel."""
    if isinstance(entry, Combination):
        return {"combiLabel": entry.label}
    return {"category": entry.category or None, "name": entry.name}


def listed_by_basic(context: Context, events: Iterable[EventName]) -> set[EventName]:
    """Those that basic reports list of themselves: flagged basic or advanced."""
    flags = context.flags()
    return {event for event in events if flags.get(event, FLAGS_OF_NEW["advanced"]).basic}
