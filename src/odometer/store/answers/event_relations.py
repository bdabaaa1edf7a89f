"""How often a population used events, as SQL (chapter 04): in a range of days, or in the whole life of each unit.

What is asked for are entries: single events, or combinations that count as if they were one event.
"""

from typing import Final

from odometer.store.answers.known_events import EventSets
from odometer.store.answers.population import Population, PopulationSql
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.sql.predicates import Bound
from odometer.store.sql.units import Units
from odometer.store.tables import CLIENT, CLIENT_DAY, CLIENT_EVENT, EVENT_DAY, Table

_OF_PRODUCT: Final = "product = {product:UInt64}"
# Stands for an entry in the rows that tell the size of a class.
NO_ENTRY: Final = 2**32 - 1


class EventUseSql:
    """Relations of (unit, entry, n, weight): how often units used entries, n ≥ 1; summing `weight` counts users."""

    def __init__(self, sets: EventSets, units: Units, bound: Bound) -> None:
        self._sets = sets
        self._units = units
        # Events that count for the same entries are one class, so that few numbers are told apart per row.
        by_event = sets.by_event()
        classes = sorted(set(by_event.values()))
        self._keys = bound("Array(String)", [event.key for event in by_event])
        if all(len(numbers) == 1 for numbers in classes):
            self._entry = self._number(bound("Array(UInt32)", [numbers[0] for numbers in by_event.values()]))
        else:
            number_of = {numbers: class_no for class_no, numbers in enumerate(classes)}
            class_no = self._number(bound("Array(UInt32)", [number_of[numbers] for numbers in by_event.values()]))
            self._entry = f"arrayJoin({bound('Array(Array(UInt32))', [list(c) for c in classes])}[{class_no} + 1])"

    def _number(self, numbers: str) -> str:
        # Plain numbers: grouping by low cardinality ones takes twice as long.
        return f"CAST(transform(event, {self._keys}, {numbers}, toUInt32(0)) AS UInt32)"

    def in_life(self) -> str:
        """Occurrences over the whole life."""
        if self._sets.are_single and self._units.group_by is None:
            columns = f"client_no AS unit, {self._entry} AS entry, count AS n, sign AS weight"
            return f"SELECT {columns} {self._from(CLIENT_EVENT)}"
        return self._summed(self._from(CLIENT_EVENT))

    def in_range(self) -> str:
        """Occurrences on the days of the range."""
        return self._summed(f"{self._from(EVENT_DAY)} AND day {IN_RANGE}")

    def _from(self, table: Table) -> str:
        return f"FROM {table} WHERE {_OF_PRODUCT} AND event IN {self._keys}"

    def _summed(self, source: str) -> str:
        rows = f"SELECT client_no, {self._entry} AS entry, count, sign {source}"
        return f"""
            SELECT unit, entry, sum(count * sign) AS n, toInt8(1) AS weight
            FROM ({self._units.of_members(rows)}) GROUP BY unit, entry HAVING n > 0"""


LIFE_DAYS: Final = ("active_days", "active_weeks", "active_months")
SESSIONS: Final = ("begun",)


def life_days(units: Units) -> str:
    """Rows (unit, weight, distinct active days, weeks and months of the unit's life)."""
    if units.group_by is None:
        columns = ", ".join(LIFE_DAYS)
        return f"SELECT client_no AS unit, sign AS weight, {columns} FROM {CLIENT} WHERE {_OF_PRODUCT}"
    days = f"SELECT client_no, day FROM {CLIENT_DAY} FINAL WHERE {_OF_PRODUCT}"
    return f"""
        SELECT unit, toInt8(1) AS weight, uniqExact(day) AS active_days, uniqExact(toMonday(day)) AS active_weeks,
            uniqExact(toYYYYMM(day)) AS active_months
        FROM ({units.of_members(days)}) GROUP BY unit"""


def sessions_in_range() -> str:
    """Rows (unit, weight, sessions begun on days of the range) of clients that are active in it."""
    return f"""
        SELECT client_no AS unit, toInt8(1) AS weight, sum(sessions * sign) AS begun
        FROM {CLIENT_DAY} WHERE {_OF_PRODUCT} AND day {IN_RANGE} GROUP BY client_no
        HAVING sum(sign) > 0"""


def life_columns_of(population: Population) -> tuple[str, ...]:
    """The columns that members of the population bring along themselves: of groups none."""
    return () if population.group_by else LIFE_DAYS


def with_life_days(sql: PopulationSql) -> str:
    """The members with their lifetime active days, weeks and months."""
    return sql.members() if sql.units.client_columns else sql.joined(life_days(sql.units), LIFE_DAYS)
