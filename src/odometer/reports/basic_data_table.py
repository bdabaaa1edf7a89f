"""eventTracking/basic/dataTable: how often events occurred in a range, by category (chapter 04)."""

from decimal import Decimal

from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.model.events import null_last
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.events import EventReportRequest, listed_by_basic
from odometer.reports.shapes.exact import HOUR_MS, average, rounded
from odometer.store.answers.usage import Activity, Occurrences, UsageQuestion


class UsageSummary(TypedDict):
    """Occurrences, in all and on average."""

    cumulativeUsageCount: int
    averageCountPerUser: float
    averageCountPerSession: float
    averageCountPerRuntimeHour: float


class ValueSummary(TypedDict):
    """The sum of numeric values, and averages."""

    cumulativeValue: float
    averageValuePerUser: float
    averageValuePerSession: float
    averageValuePerRuntimeHour: float
    averageValuePerUsageCount: float


class EventSummary(TypedDict):
    """One event."""

    eventUsage: UsageSummary
    eventCustomValues: ValueSummary


class CategorySummary(TypedDict):
    """One category; null stands for events without a category."""

    category: str | None
    categoryUsageSummary: UsageSummary
    categoryCustomValuesSummary: ValueSummary
    categoryEventsData: dict[str, EventSummary]


class BasicTableAnswer(TypedDict):
    """Categories by name, those without a category last."""

    result: list[CategorySummary]


class BasicTableRequest(EventReportRequest):
    """What `basic/dataTable` takes: the range alone."""


def run(request: BasicTableRequest, context: Context) -> BasicTableAnswer:
    """One object for each category under `result`, those without a category last."""
    question = UsageQuestion(context.product_id, context.range_of(request.start_date, request.stop_date), context.today)
    found, active = context.questions.usage(question)
    activity = active.get(None, Activity())
    listed = listed_by_basic(context, (event for _, event in found))
    categories: dict[str, dict[str, Occurrences]] = {}
    for event in sorted(listed, key=null_last):
        categories.setdefault(event.category, {})[event.name] = found[None, event]
    return {"result": [_category(name, events, activity) for name, events in categories.items()]}


def _category(name: str, events: dict[str, Occurrences], activity: Activity) -> CategorySummary:
    total = Occurrences(
        sum(used.count for used in events.values()), sum((used.value for used in events.values()), Decimal(0))
    )
    return {
        "category": name or None,
        "categoryUsageSummary": _usage(total, activity),
        "categoryCustomValuesSummary": _values(total, activity),
        "categoryEventsData": {
            event: {"eventUsage": _usage(used, activity), "eventCustomValues": _values(used, activity)}
            for event, used in events.items()
        },
    }


def _usage(used: Occurrences, activity: Activity) -> UsageSummary:
    return {
        "cumulativeUsageCount": used.count,
        "averageCountPerUser": average(used.count, activity.clients),
        "averageCountPerSession": average(used.count, activity.sessions),
        "averageCountPerRuntimeHour": average(used.count * HOUR_MS, activity.runtime_ms),
    }


def _values(used: Occurrences, activity: Activity) -> ValueSummary:
    return {
        "cumulativeValue": rounded(used.value),
        "averageValuePerUser": average(used.value, activity.clients),
        "averageValuePerSession": average(used.value, activity.sessions),
        "averageValuePerRuntimeHour": average(used.value * HOUR_MS, activity.runtime_ms),
        "averageValuePerUsageCount": average(used.value, used.count),
    }


_ACTIVITY = Activity(4, 8, 27_000_000)

REPORT = Report(
    path="/v3/reporting/eventTracking/basic/dataTable",
    title="Events of a range",
    description="How often each event occurred, in all and per user, session and hour; and the sums of its values.",
    request=BasicTableRequest,
    answer=BasicTableAnswer,
    run=run,
    example=(
        {"startDate": "2031-03-03", "stopDate": "2031-03-05"},
        {"result": [_category("Canvas", {"Rotate": Occurrences(7)}, _ACTIVITY)]},
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "`startDate` and `stopDate` only. An array by category, null last: `categoryUsageSummary`, "
            "`categoryCustomValuesSummary`, `categoryEventsData` (event → `eventUsage`, `eventCustomValues`). Averages "
            "divide by all clients, sessions and runtime hours of the range."
        ),
        ours="Events flagged basic or advanced are listed.",
    ),
)
