"""What the event reports share (contract 04): members that belong to another of them, and events in the request."""

from collections.abc import Iterable
from typing import ClassVar, Final

from odometer.model.events import FLAGS_OF_NEW, EventName
from odometer.reports.definition import LANGUAGE_MEMBERS, Context, ReportRequest

HOUR_MS: Final = 3_600_000


class EventReportRequest(ReportRequest):
    """Base of the event reports' requests: a member that only another of them has is refused."""

    refused: ClassVar[tuple[str, ...]] = (
        *LANGUAGE_MEMBERS,
        *("categorizeEvents", "sorting", "page", "pageSize", "lowerBounds", "binUpperBounds"),
        *("dataView", "divisor", "sort", "sortDirection", "daysUntilDeclaredLost", "dateReportedLost"),
    )


def listed_by_basic(context: Context, events: Iterable[EventName]) -> set[EventName]:
    """Those that basic reports list of themselves: flagged basic or advanced."""
    flags = context.flags()
    return {event for event in events if flags.get(event, FLAGS_OF_NEW["advanced"]).basic}
