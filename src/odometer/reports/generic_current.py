"""generic/current: new, active and lost clients up to now, judged by their last known state (chapter 03)."""

import datetime as dt
from typing import Final

from pydantic import Field

from odometer.errors import invalid
from odometer.model.calendar import DateRange, parse_day
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.status import StatusAnswer, StatusRequest, status_answer

_BEGINNING: Final = dt.date(1970, 1, 1)


class CurrentRequest(StatusRequest):
    """What `generic/current` takes; the range ends today."""

    start_date: str | None = Field(
        default=None, alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>; absent: the beginning."
    )


def run(request: CurrentRequest, context: Context) -> StatusAnswer:
    """Figures under `result`, by item where levels are given.

    In the range from startDate to today the row that decides for a client is its last one, which is its last known
    state: the report is generic/dateRange of that range without a split (chapter 03).
    """
    asked = DateRange(_BEGINNING, max(_BEGINNING, context.today))
    if request.start_date is not None:
        start = parse_day(request.start_date, today=context.today, field="startDate")
        if start > context.today:
            raise invalid("startDate", f"startDate {start} lies in the future; today is {context.today}.")
        asked = context.range_of(request.start_date, "NOW")
    return status_answer(request, context, asked, None)


REPORT = Report(
    path="/v3/reporting/generic/current",
    title="New, active and lost by last known state",
    description="How many installations are new, active and lost since a day, by what they are now.",
    request=CurrentRequest,
    answer=StatusAnswer,
    run=run,
    example=(
        {
            "startDate": "NOW-39",
            "clientStatus": ["new", "active", "lost"],
            "levels": {"level1": {"property": "prodEdition"}},
        },
        {
            "result": {
                "level1": {
                    "Pro": {"totals": {"new": 3, "active": 3, "lost": 1}},
                    "Std": {"totals": {"new": 1, "active": 2, "lost": 2}},
                }
            }
        },
    ),
    compatibility=Compatibility(
        topic=Topic.GENERIC,
        settled=(
            "The members of dateRange without `stopDate` and `dateSplit`; all three figures are judged by the last "
            "known state. The answer is that of dateRange without a split."
        ),
        ours="`startDate` absent means the beginning. Without levels the figures are a bare object.",
    ),
)
