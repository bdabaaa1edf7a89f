"""What the reports of contract 05 share: members of their requests, and how they refuse each other's."""

from typing import Any, ClassVar

from pydantic import Field

from odometer.reports.definition import LANGUAGE_MEMBERS, ReportRequest


class EngagementRequest(ReportRequest):
    """Base of the requests: a member that only another of these reports has is refused."""

    refused: ClassVar[tuple[str, ...]] = (*LANGUAGE_MEMBERS, "daysUntilDeclaredLost", "dateReportedLost")

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    global_filters: Any = Field(default=None, alias="globalFilters", description="Property → filter; all must hold.")
