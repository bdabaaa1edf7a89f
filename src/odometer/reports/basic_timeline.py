"""eventTracking/basic/timeline: events over time, as counts or values, in all or per something (chapter 04)."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from odometer.errors import invalid
from odometer.model.calendar import Split
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.events import EventReportRequest
from odometer.reports.shapes.exact import HOUR_MS, Exact, average, rounded
from odometer.selection.events import parse_single_events
from odometer.selection.wire_events import SingleEvents
from odometer.store.answers.usage import Activity, Bucket, Occurrences, UsageQuestion

Divisor = Literal["users", "sessions", "runtime", "usageCounts"]


class TimelineValue(TypedDict):
    """One event in one bucket: a count, or a number with two decimals."""

    category: str | None
    name: str
    value: float


class TimelineAnswer(TypedDict):
    """Values by the first day of each bucket, in the order of the events asked for."""

    result: dict[str, list[TimelineValue]]


class TimelineRequest(EventReportRequest):
    """What `basic/timeline` takes."""

    date_split: Annotated[Split, Field(strict=False)] = Field(alias="dateSplit", description="day, week or month.")
    data_view: Literal["usageCounts", "usageCount", "customValues"] = Field(
        default="usageCounts", alias="dataView", description="Occurrences, or the sum of their numeric values."
    )
    divisor: Divisor | None = Field(default=None, description="Divide by what each bucket has of it.")
    events: SingleEvents = Field(description="Single events: category and name.")


def run(request: TimelineRequest, context: Context) -> TimelineAnswer:
    """Bucket → a value for each event, in request order; every bucket is there."""
    by_value = request.data_view == "customValues"
    if request.divisor == "usageCounts" and not by_value:
        raise invalid("divisor", "Counts cannot be divided by themselves; ask for the view customValues.")
    asked = context.range_of(request.start_date, request.stop_date)
    buckets = asked.buckets(request.date_split)
    events = parse_single_events(request.events)
    question = UsageQuestion(context.product_id, asked, context.today, request.date_split, events)
    activity: dict[Bucket, Activity] = {}
    if request.divisor:
        found, activity = context.questions.usage(question)
    else:
        found = context.questions.occurrences(question)
    result: dict[str, list[TimelineValue]] = {
        str(bucket): [
            {
                "category": event.category or None,
                "name": event.name,
                "value": _value(
                    found.get((bucket, event), Occurrences()),
                    activity.get(bucket, Activity()),
                    request.divisor,
                    by_value=by_value,
                ),
            }
            for event in events
        ]
        for bucket in buckets
    }
    return {"result": result}


def _value(used: Occurrences, activity: Activity, divisor: Divisor | None, *, by_value: bool) -> int | float:
    total: Exact = used.value if by_value else used.count
    match divisor:
        case None:
            return rounded(total) if by_value else used.count
        case "users":
            return average(total, activity.clients)
        case "sessions":
            return average(total, activity.sessions)
        case "runtime":
            return average(total * HOUR_MS, activity.runtime_ms)
        case "usageCounts":
            return average(total, used.count)


REPORT = Report(
    path="/v3/reporting/eventTracking/basic/timeline",
    title="Events over time",
    description="Occurrences of single events, or the sums of their values, by day, week or month.",
    request=TimelineRequest,
    answer=TimelineAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-03-03",
            "stopDate": "2031-03-04",
            "dateSplit": "day",
            "events": [{"category": "Canvas", "name": "Rotate"}],
        },
        {
            "result": {
                "2031-03-03": [{"category": "Canvas", "name": "Rotate", "value": 7}],
                "2031-03-04": [{"category": "Canvas", "name": "Rotate", "value": 0}],
            }
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "`dateSplit` (required), `dataView` (`usageCounts`, also spelled `usageCount`, or `customValues`), "
            "`divisor` (`users`, `sessions`, `runtime`, `usageCounts`), `events` (single ones only). Dates ascend and "
            "are dense; each holds `category`, `name`, `value` in the order asked for; counts are integers, divided "
            "values have 2 decimals."
        ),
        ours=("`dataView` is usageCounts by default, `divisor` null. Named events are counted whatever their flags."),
    ),
)
