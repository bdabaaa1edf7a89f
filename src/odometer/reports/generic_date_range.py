"""generic/dateRange: new, active and lost clients of a range, in buckets or as a whole, by up to three properties."""

from typing import Annotated

from pydantic import Field

from odometer.model.calendar import Split
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.status import StatusAnswer, StatusRequest, status_answer


class DateRangeRequest(StatusRequest):
    """What `generic/dateRange` takes."""

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    date_split: Annotated[Split, Field(strict=False)] | None = Field(
        default=None, alias="dateSplit", description="day, week or month; absent: the range as a whole."
    )


def run(request: DateRangeRequest, context: Context) -> StatusAnswer:
    """Figures under `result`: one object, or one per bucket, ascending, every bucket of the range present."""
    asked = context.range_of(request.start_date, request.stop_date)
    return status_answer(request, context, asked, request.date_split)


REPORT = Report(
    path="/v3/reporting/generic/dateRange",
    title="New, active and lost",
    description="How many installations are new, active and lost in a range of days.",
    request=DateRangeRequest,
    answer=StatusAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-05-12",
            "stopDate": "2031-05-25",
            "dateSplit": "week",
            "clientStatus": ["new", "active", "lost"],
        },
        {
            "result": {
                "2031-05-12": {"new": 3, "active": 4, "lost": 2},
                "2031-05-19": {"new": 1, "active": 3, "lost": 1},
            }
        },
    ),
    compatibility=Compatibility(
        topic=Topic.GENERIC,
        settled=(
            "`startDate`, `stopDate`, `clientStatus`, `dateSplit`, `daysUntilDeclaredLost` (absent: the product's "
            "setting), `dateReportedLost` (default `dateLastSeen`), `globalFilters`, `levels`, `groupBy`. Figures come "
            "in the order new, active, lost; dates ascend and are dense, zeros included; levels nest as `level1`, "
            "item, `totals` and `level2`."
        ),
        ours=(
            "Without levels the figures are a bare object; with a dateSplit and a level each date holds item → "
            "figures. A group is judged as one client made of its members."
        ),
    ),
)
