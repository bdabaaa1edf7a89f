"""generic/dateRange: new, active and lost clients of a range, in buckets or as a whole (contract 03)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from odometer.model.calendar import Split
from odometer.reports.definition import Context, Report, ReportRequest, WholeNumber
from odometer.store.questions import Figures, StatusFigures

Status = Literal["new", "active", "lost"]
STATUSES: tuple[Status, ...] = ("new", "active", "lost")


class DateRangeRequest(ReportRequest):
    """What `generic/dateRange` takes."""

    not_yet: ClassVar[tuple[str, ...]] = ("globalFilters", "levels", "groupBy")

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    date_split: Annotated[Split, Field(strict=False)] | None = Field(
        default=None, alias="dateSplit", description="day, week or month; absent: the range as a whole."
    )
    client_status: list[Status] = Field(alias="clientStatus", min_length=1, description="The figures wanted.")
    days_until_declared_lost: WholeNumber | None = Field(
        default=None,
        alias="daysUntilDeclaredLost",
        ge=1,
        le=365,
        description="Days of silence until a client is lost; absent: the product's setting.",
    )
    date_reported_lost: Literal["dateLastSeen", "dateDeclaredLost"] = Field(
        default="dateLastSeen", alias="dateReportedLost", description="The day a loss is shown on."
    )


def run(request: DateRangeRequest, context: Context) -> dict[str, Any]:
    """Figures under `result`: one object, or one per bucket, ascending, every bucket of the range present."""
    asked = context.range_of(request.start_date, request.stop_date)
    buckets = asked.buckets(request.date_split) if request.date_split else []
    found = context.questions.status_figures(
        StatusFigures(
            product_id=context.product_id,
            range=asked,
            split=request.date_split,
            silence_days=request.days_until_declared_lost or context.days_until_declared_lost,
            lost_when_declared=request.date_reported_lost == "dateDeclaredLost",
            today=context.today,
        )
    )
    wanted = [status for status in STATUSES if status in request.client_status]

    def shape(figures: Figures) -> dict[str, int]:
        return {status: getattr(figures, status) for status in wanted}

    if request.date_split is None:
        return {"result": shape(found.get(None, Figures()))}
    return {"result": {bucket.isoformat(): shape(found.get(bucket, Figures())) for bucket in buckets}}


REPORT = Report(
    path="/v3/reporting/generic/dateRange",
    title="New, active and lost",
    description="How many installations are new, active and lost in a range of days.",
    request=DateRangeRequest,
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
)
