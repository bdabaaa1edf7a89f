"""Whose use a report counts, as SQL: units with the items they are counted under and the figures of their life.

Reports of events, engagement and churn (chapters 04, 05) ask about a population; each unit in it is judged by one row.
"""

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from odometer.model.calendar import DateRange
from odometer.model.properties import Property
from odometer.selection.predicate import EVERYBODY as NO_FILTERS
from odometer.selection.predicate import Predicate, properties_in
from odometer.selection.segments import Level
from odometer.store.answers.ask import Ask
from odometer.store.sql.buckets import IN_RANGE, range_params
from odometer.store.sql.deciding import DECLARED_LOST_ON, INSTALL_DAY, IS_SILENT, last_in
from odometer.store.sql.items import Items, LimitedValues, limited
from odometer.store.sql.predicates import Bound, condition
from odometer.store.sql.units import Units, join


class Chosen(Enum):
    """Which units, and which row tells what they are."""

    ACTIVE_BY_LAST_STATE = "active in the range, judged by the last known state"
    ACTIVE_BY_STATE_IN_RANGE = "active in the range, judged by the last day in it"
    LOST = "lost in the range, judged by the last known state"
    INSTALLED = "installed in the range, judged by the install day"
    INSTALLED_BY_LAST_STATE = "installed in the range, judged by the last known state"


@dataclass(frozen=True, slots=True)
class Population:
    """Units of one product.

    Attributes:
        product_id: of one product.
        range: the days that choose; those after `today` do not exist.
        today: T.
        chosen: who, see `Chosen`.
        silence_days: N, after which a unit is lost.
        lost_when_declared: a loss lies on last seen + N instead of last seen.
        filters: whom to count, judged by the same row.
        level: items to count them under; None = all are one.
        group_by: count groups instead of clients.

    """

    product_id: int
    range: DateRange
    today: dt.date
    chosen: Chosen
    silence_days: int = 1
    lost_when_declared: bool = False
    filters: Predicate = NO_FILTERS
    level: Level | None = None
    group_by: Property | None = None

    @property
    def is_everybody(self) -> bool:
        """Whether no client is left out and all are one item."""
        return self.filters == NO_FILTERS and self.level is None and self.group_by is None

    @property
    def levels(self) -> tuple[Level, ...]:
        """The level as `Items` takes it."""
        return () if self.level is None else (self.level,)

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties whose values decide about filters and items."""
        of_levels = [prop for level in self.levels for prop in level.properties]
        return tuple(dict.fromkeys([*properties_in(self.filters), *of_levels]))

    @property
    def params(self) -> dict[str, Any]:
        """What its statements bind beside the values of filters and items."""
        return {
            "product": self.product_id,
            **range_params(self.range, self.today),
            "today": self.today,
            "silence": self.silence_days,
        }


# The label of all units of a population: no item has it.
ALL_UNITS: Final = ""


class PopulationSql:
    """The relations of one population; `bound` holds the parameters of all that was written."""

    def __init__(
        self, population: Population, limited_values: LimitedValues, client_columns: tuple[str, ...] = ()
    ) -> None:
        """`client_columns`: columns of the table `client` that the members, which are clients then, have too."""
        self._population = population
        self.bound = Bound(population.params)
        self.units = Units(population.group_by, population.properties, client_columns)
        self.items = Items(population.levels, limited_values, self.units.used_events)

    def members(self) -> str:
        """Rows (unit, day, install, client_columns, weight, items); summing `weight` counts units.

        `day` is the day of the row that judges; `items`, an array of (label, segment_no), is there with a level only.
        """
        client_columns = "".join(f", {name}" for name in self.units.client_columns)
        items = f", {self.items.distinct(0, self.bound)} AS items" if self._population.level else ""
        return f"SELECT unit, day, install{client_columns}, sign AS weight{items} {self._from_judged()}"

    def valued(self) -> str:
        """Rows (unit, day, install, weight, the values that decide the items) of the members."""
        values = "".join(f", {prop.column}" for prop in self.items.properties)
        return f"SELECT unit, day, install, sign AS weight{values} {self._from_judged()}"

    def _from_judged(self) -> str:
        """FROM the rows that judge, WHERE the unit belongs to the population."""
        who = condition(self._population.filters, self.bound, self.units.used_events)
        return f"FROM ({self._judging()}) WHERE ({who}) AND {self._is_chosen()}"

    def _judging(self) -> str:
        match self._population.chosen:
            case Chosen.ACTIVE_BY_STATE_IN_RANGE:
                return self.units.rows(last_in(None))
            case Chosen.INSTALLED:
                return self.units.rows(INSTALL_DAY)
            case _:
                return self.units.last_known()

    def joined(self, others: str, names: tuple[str, ...]) -> str:
        """The members with columns of another relation (unit, weight, names)."""
        return join(self.members(), others, self.columns, names)

    @property
    def columns(self) -> tuple[str, ...]:
        """What members carry beside unit and weight."""
        return ("items",) if self._population.level else ()

    def classed(self, rows: str) -> str:
        """The rows of members with their class: a number that those of the same items have, instead of the items.

        The segments of a level look at one property, so that there are few classes.
        """
        if self._population.level is None:
            return f"SELECT *, toUInt64(0) AS class, CAST([], 'Array(String)') AS labels FROM ({rows})"
        return f"SELECT * EXCEPT (items), sipHash64(toString(items.1)) AS class, items.1 AS labels FROM ({rows})"

    def largest(self) -> str:
        """Rows (segment_no, label): what the limited segments keep, by most units, ties by label."""
        segment_nos, label = self.items.of_limited(0, self.bound)
        most = limited(self.items.levels[0])
        limits = [segment.limit for _, segment in most]
        return f"""
            SELECT segment_no, label FROM (
                SELECT segment_no, label, row_number() OVER (PARTITION BY segment_no ORDER BY units DESC, label) AS rank
                FROM (
                    SELECT arrayJoin({segment_nos}) AS segment_no, {label} AS label, sum(sign) AS units
                    {self._from_judged()} GROUP BY segment_no, label HAVING units > 0
                )
            ) WHERE rank <= transform(segment_no, {[segment_no for segment_no, _ in most]}, {limits}, 0)"""

    def _is_chosen(self) -> str:
        population = self._population
        if population.chosen is Chosen.LOST:
            reported = DECLARED_LOST_ON if population.lost_when_declared else "day"
            return f"{IS_SILENT} AND {reported} {IN_RANGE}"
        if population.chosen is Chosen.INSTALLED_BY_LAST_STATE:
            return f"install {IN_RANGE}"
        if population.chosen is not Chosen.ACTIVE_BY_LAST_STATE:
            return "1"
        if population.range.stop >= population.today:
            return "day >= {start:Date}"
        return f"day >= {{start:Date}} AND (day <= {{stop:Date}} OR {self.units.active_in_range()})"


def find_limited_values(ask: Ask, population: Population) -> LimitedValues:
    """The values that limits keep."""
    if population.level is None or not limited(population.level):
        return {}
    sql = PopulationSql(population, {})
    found: dict[tuple[int, int], list[str]] = {(0, segment_no): [] for segment_no, _ in limited(population.level)}
    for segment_no, label in ask(sql.largest(), sql.bound.params):
        found[0, segment_no].append(label)
    return {at: tuple(labels) for at, labels in found.items()}
