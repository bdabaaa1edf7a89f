"""Whom reports of a range look at: those active in it, by what they were on their last day there."""

from typing import Protocol

from odometer.reports.definition import Context
from odometer.selection.filters import parse_filters
from odometer.selection.segments import Level
from odometer.selection.wire_filters import GlobalFilters
from odometer.store.answers.population import Chosen, Population


class RangeMembers(Protocol):
    """The members of a request that say who and when."""

    @property
    def start_date(self) -> str:
        """First day."""

    @property
    def stop_date(self) -> str:
        """Last day."""

    @property
    def global_filters(self) -> GlobalFilters | None:
        """Property → filter."""


def active_in_range(request: RangeMembers, context: Context, level: Level | None = None) -> Population:
    """Everybody whom the filters leave, perhaps under the items of a level. Raises `Problem` naming the member."""
    return Population(
        product_id=context.product_id,
        range=context.range_of(request.start_date, request.stop_date),
        today=context.today,
        chosen=Chosen.ACTIVE_BY_STATE_IN_RANGE,
        filters=parse_filters(request.global_filters, context.language),
        level=level,
    )
