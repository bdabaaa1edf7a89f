"""What lifetime and churn reports of events share: members of their requests, and whose lives are looked at."""

from pydantic import Field

from odometer.reports.definition import Context
from odometer.reports.shapes.events import UsersRequest
from odometer.reports.shapes.loss import LossMembers
from odometer.selection.filters import parse_filters
from odometer.selection.grouping import GroupBy, parse_group_by
from odometer.selection.segments import Level
from odometer.store.answers.population import Chosen, Population


class LifeRequest(UsersRequest):
    """The members that all four have."""

    group_by: GroupBy | None = Field(
        default=None,
        alias="groupBy",
        description="clientId, machineId, licenseKey or a custom property of type 3.",
    )


def population_of(
    request: LifeRequest, context: Context, level: Level | None = None, losses: LossMembers | None = None
) -> Population:
    """Those active in the range, or lost in it where `losses` says who is lost; judged by what they are now."""
    return Population(
        product_id=context.product_id,
        range=context.range_of(request.start_date, request.stop_date),
        today=context.today,
        chosen=Chosen.LOST if losses else Chosen.ACTIVE_BY_LAST_STATE,
        silence_days=losses.silence_days(context) if losses else 1,
        lost_when_declared=losses is not None and losses.lost_when_declared,
        filters=parse_filters(request.global_filters, context.language),
        level=level,
        group_by=parse_group_by(request.group_by, context.language),
    )
