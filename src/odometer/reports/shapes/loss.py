"""Members of requests that say who is lost, and on which day a loss is shown (chapter 03)."""

from typing import Literal

from pydantic import Field

from odometer.reports.definition import Context, Days, ReportRequest


class SilenceMember(ReportRequest):
    """daysUntilDeclaredLost."""

    days_until_declared_lost: Days | None = Field(
        default=None,
        alias="daysUntilDeclaredLost",
        description="Days of silence until a client is lost; absent: the product's setting.",
    )

    def silence_days(self, context: Context) -> int:
        """N of the definitions."""
        return self.days_until_declared_lost or context.days_until_declared_lost


class LossMembers(SilenceMember):
    """daysUntilDeclaredLost and dateReportedLost."""

    date_reported_lost: Literal["dateLastSeen", "dateDeclaredLost"] = Field(
        default="dateLastSeen", alias="dateReportedLost", description="The day a loss is shown on."
    )

    @property
    def lost_when_declared(self) -> bool:
        """Whether a loss lies on last seen + N instead of last seen."""
        return self.date_reported_lost == "dateDeclaredLost"
