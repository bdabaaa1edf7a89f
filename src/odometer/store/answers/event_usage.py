"""Answers about the events of a population: its size by item, its use of every entry, and distributions of use."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from odometer.errors import Problem
from odometer.selection.segments import Level
from odometer.store.answers.event_relations import (
    LIFE_DAYS,
    SESSIONS,
    EventSets,
    EventUseSql,
    life_days,
    sessions_in_range,
)
from odometer.store.answers.population import EVERYBODY, Ask, Population, PopulationSql, join, kept_items
from odometer.store.engine import DATABASE
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.sql.items import MAX_CELLS, MAX_ITEMS, spelled, too_many_items
from odometer.store.tables import CLIENT_DAY


@dataclass(slots=True)
class Item:
    """Units of a population that are counted under one label; everybody is under "".

    Attributes:
        label: of the item.
        units: how many there are in it.
        sessions: that its units began in the range; 0 where the question is about lives.

    """

    label: str
    units: int = 0
    sessions: int = 0


@dataclass(slots=True)
class Use:
    """What the users of an entry within an item did.

    Attributes:
        times: occurrences.
        users: units with at least one.
        amounts: Σ over the users of their lifetime active days, weeks, months; or of their sessions in the range.
        frequency: for a range, lower bound of a bin → users in it.

    """

    times: int = 0
    users: int = 0
    amounts: tuple[int, ...] = ()
    frequency: dict[int, int] = field(default_factory=dict)

    def add(self, times: int, users: int, amounts: Sequence[int], frequency: Iterable[tuple[int, int]] = ()) -> None:
        """Add the use of further units."""
        self.times += times
        self.users += users
        self.amounts = tuple(map(sum, zip(self.amounts, amounts, strict=True))) if self.amounts else tuple(amounts)
        for first, more in frequency:
            self.frequency[first] = self.frequency.get(first, 0) + more


@dataclass(frozen=True, slots=True)
class UseByItem:
    """A population, its items by label, and the use of every entry in each; what nobody used is missing."""

    everybody: Item
    items: dict[str, Item]
    cells: dict[tuple[str, int], Use]

    def add_units(self, labels: Iterable[str], units: int, sessions: int) -> None:
        """Count units that are under these labels."""
        for item in (self.everybody, *(self.items.setdefault(label, Item(label)) for label in labels)):
            item.units += units
            item.sessions += sessions


class Measure(StrEnum):
    """What is distributed over the users of an entry (contract 04, lifetime/histogram)."""

    TIMES = "eventCount"
    PER_DAY = "averageCountPerActiveDay"
    PER_WEEK = "averageCountPerActiveWeek"
    PER_MONTH = "averageCountPerActiveMonth"


# Value → users that have it, by entry and measure. Averages are in hundredths, rounded half up.
Distributions = dict[tuple[int, Measure], dict[int, int]]
MEASURES: Final = tuple(Measure)
# Lower bounds of the bins of usageFrequency (contract 04, advanced/fullReport).
FREQUENCY_BINS: Final = (*range(1, 12), 16, 21, 31, 41, 51, 76, 101, 201, 501, 1001, 5001)


def use_in_life(ask: Ask, population: Population, sets: EventSets) -> UseByItem:
    """How the population used the entries over its whole life."""
    sql = PopulationSql(population, kept_items(ask, population), _facts_of(population))
    members = sql.classed(_with_life_days(sql))
    by = _class_key(population)
    used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), members, ("entry", "n"), (*by, *LIFE_DAYS))
    sums = ", ".join(f"toInt64(sum(weight * {name}))" for name in LIFE_DAYS)
    counted = f"""
        SELECT {_class(by)}, entry, toInt64(sum(weight * n)) AS times, toInt64(sum(weight)) AS users,
            [{sums}] AS amounts, CAST([], '{_FREQUENCY}') AS frequency
        FROM ({used}) GROUP BY {", ".join((*by, "entry"))} HAVING users != 0"""
    return _use_by_item(ask, population, sql, _size_of(members, "[]"), counted, sets)


def use_in_range(ask: Ask, population: Population, sets: EventSets) -> UseByItem:
    """How the population used the entries on the days of the range."""
    sql = PopulationSql(population, kept_items(ask, population))
    # The clients that have sessions, or none, in the range are everybody who is active in it.
    facts = sessions_in_range() if population.is_everybody else sql.joined(sessions_in_range(), SESSIONS)
    members = sql.classed(facts)
    by = _class_key(population)
    used = join(EventUseSql(sets, sql.units, sql.bound).in_range(), members, ("entry", "n"), (*by, *SESSIONS))
    keys = ", ".join((*by, "entry"))
    counted = f"""
        SELECT {_class(by)}, entry, toInt64(sum(of_bin)) AS times, toInt64(sum(users_of_bin)) AS users,
            [toInt64(sum(begun_of_bin))] AS amounts,
            CAST(groupArray((bin, users_of_bin)), '{_FREQUENCY}') AS frequency
        FROM (
            SELECT {keys}, toUInt16(roundDown(n, {list(FREQUENCY_BINS)})) AS bin, sum(weight * n) AS of_bin,
                sum(weight) AS users_of_bin, sum(weight * begun) AS begun_of_bin
            FROM ({used}) GROUP BY {keys}, bin HAVING users_of_bin != 0
        ) GROUP BY {keys}"""
    sizes = _everybody_in_range() if population.is_everybody else _size_of(members, "[toInt64(sum(weight * m.begun))]")
    return _use_by_item(ask, population, sql, sizes, counted, sets)


def _class_key(population: Population) -> tuple[str, ...]:
    """The class as a column to group by: without a level there is one class, and narrow keys are grouped faster."""
    return () if population.level is None else ("class",)


def _class(by: tuple[str, ...]) -> str:
    return "class" if by else "toUInt64(0) AS class"


_FREQUENCY: Final = "Array(Tuple(UInt64, Int64))"
# Stands for an entry in the rows that tell the size of a class.
_NO_ENTRY: Final = 2**32 - 1
# Where segments overlap there are more classes than items.
_MAX_CLASSES: Final = 2 * MAX_ITEMS


def _size_of(members: str, amounts: str) -> str:
    """Rows like those of used entries that tell how large each class is, and what its items are."""
    return f"""
        SELECT class, toUInt32({_NO_ENTRY}) AS entry, toInt64(0) AS times, toInt64(sum(weight)) AS users,
            CAST({amounts}, 'Array(Int64)') AS amounts, CAST([], '{_FREQUENCY}') AS frequency, any(m.labels) AS labels
        FROM ({members}) AS m GROUP BY class HAVING users != 0"""


def _everybody_in_range() -> str:
    """The one such row of everybody who is active in the range, found without telling clients apart."""
    return f"""
        SELECT toUInt64(0) AS class, toUInt32({_NO_ENTRY}) AS entry, toInt64(0) AS times,
            toInt64(sumIf(d.sign, d.next_day > {{stop:Date}})) AS users,
            [toInt64(sum(d.sessions * d.sign))] AS amounts, CAST([], '{_FREQUENCY}') AS frequency,
            CAST([], 'Array(String)') AS labels
        FROM {DATABASE}.{CLIENT_DAY.name} AS d WHERE product = {{product:UInt64}} AND day {IN_RANGE}"""


def _use_by_item(
    ask: Ask, population: Population, sql: PopulationSql, sizes: str, counted: str, sets: EventSets
) -> UseByItem:
    """One statement tells the population and its use, so that both are one state of the data."""
    level = population.level
    use = f"UNION ALL SELECT *, CAST([], 'Array(String)') AS labels FROM ({counted})" if sets.by_event() else ""
    rows = ask(f"SELECT * FROM ({sizes} LIMIT {_MAX_CLASSES + 1}) {use}", sql.bound.params)
    found = UseByItem(Item(EVERYBODY), {}, {})
    labels_of: dict[int, list[str]] = {}
    for number, entry, _, units, amounts, _, labels in rows:
        if entry == _NO_ENTRY:
            labels_of[number] = [spelled(label, is_number=level is not None and level.is_number) for label in labels]
            found.add_units(labels_of[number], units, sum(amounts))
    if level is not None and len(labels_of) > _MAX_CLASSES:
        raise too_many_items(ask(f"SELECT count() FROM ({sizes})", sql.bound.params)[0][0], level.path)
    for number, entry, times, users, amounts, frequency, _ in rows:
        if entry != _NO_ENTRY:
            for label in (EVERYBODY, *labels_of[number]):
                found.cells.setdefault((label, entry), Use()).add(times, users, amounts, frequency)
    _check_size(level, found)
    return found


def _check_size(level: Level | None, found: UseByItem) -> None:
    """Raise `Problem` when nobody could read the answer."""
    if level is None:
        return
    if len(found.items) > MAX_ITEMS:
        raise too_many_items(len(found.items), level.path)
    cells = len(found.items) * len({entry for _, entry in found.cells})
    if cells > MAX_CELLS:
        message = (
            f"The answer would have {cells:,} cells (items times events); at most {MAX_CELLS:,} are answered. "
            "Name fewer events, or split segments with a limit."
        )
        raise Problem("TOO_MANY_SEGMENTS", message, field=level.path)


def distributions(ask: Ask, population: Population, sets: EventSets) -> tuple[int, Distributions]:
    """The size of the population, and how often each value of each measure occurs among the users of each entry."""
    sql = PopulationSql(population, {}, _facts_of(population))
    members = _with_life_days(sql)
    size = f"SELECT toUInt32({_NO_ENTRY}), toUInt32(0), toUInt64(0), toInt64(sum(weight)) FROM ({members})"
    use = ""
    if sets.by_event():
        used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), members, ("entry", "n"), LIFE_DAYS)
        values = ", ".join(["toUInt64(n)", *(_hundredths("n", days) for days in LIFE_DAYS)])
        use = f"""
            UNION ALL
            SELECT entry, measure, value, toInt64(sum(weight)) AS users
            FROM (SELECT entry, weight, [{values}] AS given FROM ({used}))
            ARRAY JOIN given AS value, arrayEnumerate(given) AS measure
            GROUP BY entry, measure, value HAVING users != 0"""
    everybody = 0
    found: Distributions = defaultdict(dict)
    for entry, measure, value, users in ask(f"{size} {use}", sql.bound.params):
        if entry == _NO_ENTRY:
            everybody = users
        else:
            found[entry, MEASURES[measure - 1]][value] = users
    return everybody, found


def _facts_of(population: Population) -> tuple[str, ...]:
    """The columns that members of the population bring along themselves: of groups none."""
    return () if population.group_by else LIFE_DAYS


def _with_life_days(sql: PopulationSql) -> str:
    """The members with their lifetime active days, weeks and months."""
    return sql.members() if sql.units.facts else sql.joined(life_days(sql.units), LIFE_DAYS)


def _hundredths(total: str, divisor: str) -> str:
    """SQL of 100 · total / divisor, rounded half up, in whole numbers."""
    return f"toUInt64(intDiv({total}, {divisor}) * 100 + intDiv({total} % {divisor} * 200 + {divisor}, 2 * {divisor}))"
