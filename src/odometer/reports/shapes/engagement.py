"""What the reports of chapter 05 share: members of their requests."""

from pydantic import Field

from odometer.reports.definition import ReportRequest
from odometer.selection.wire_filters import GlobalFilters


class EngagementRequest(ReportRequest):
    """Base of the requests."""

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    global_filters: GlobalFilters | None = Field(
        default=None, alias="globalFilters", description="Property → filter; all must hold."
    )
