"""Answers about the events of a population: its size by item, its use of every entry, and distributions of use."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from odometer.errors import Problem
from odometer.selection.segments import Level
from odometer.store.event_use import LIFE_DAYS, SESSIONS, EventSets, EventUseSql, life_days, sessions_in_range
from odometer.store.items import MAX_CELLS, MAX_ITEMS, spelled, too_many_items
from odometer.store.population import EVERYBODY, Ask, Population, PopulationSql, join, kept_items


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
    sql = PopulationSql(population, kept_items(ask, population), facts_of(population))
    classes = _classes(ask, population, sql, sql.members(), ())
    found = UseByItem(*_items(population, sets, classes), {})
    if sets.by_event():
        used = _used(sql, classes, EventUseSql(sets, sql.units, sql.bound).in_life(), with_life_days(sql), LIFE_DAYS)
        sums = ", ".join(f"sum(weight * {name})" for name in LIFE_DAYS)
        rows = ask(
            f"""SELECT class, entry, sum(weight * n), sum(weight) AS users, {sums}
            FROM ({used}) GROUP BY class, entry HAVING users != 0""",
            sql.bound.params,
        )
        for number, entry, times, users, *days in rows:
            _count(found, classes[number], entry, (times, users, days))
    return found


def facts_of(population: Population) -> tuple[str, ...]:
    """The columns that members of the population bring along themselves: of groups none."""
    return () if population.group_by else LIFE_DAYS


def with_life_days(sql: PopulationSql) -> str:
    """The members with their lifetime active days, weeks and months."""
    return sql.members() if sql.units.facts else sql.joined(life_days(sql.units), LIFE_DAYS)


def use_in_range(ask: Ask, population: Population, sets: EventSets) -> UseByItem:
    """How the population used the entries on the days of the range."""
    sql = PopulationSql(population, kept_items(ask, population))
    # The clients that have sessions, or none, in the range are everybody who is active in it.
    facts = sessions_in_range() if population.is_everybody else sql.joined(sessions_in_range(), SESSIONS)
    classes = _classes(ask, population, sql, facts, SESSIONS)
    found = UseByItem(*_items(population, sets, classes), {})
    if sets.by_event():
        used = _used(sql, classes, EventUseSql(sets, sql.units, sql.bound).in_range(), facts, SESSIONS)
        rows = ask(
            f"""SELECT class, entry, sum(times), sum(users), sum(sessions), groupArray((bin, users)) FROM (
                SELECT class, entry, roundDown(n, {list(FREQUENCY_BINS)}) AS bin,
                    sum(weight * n) AS times, sum(weight) AS users, sum(weight * begun) AS sessions
                FROM ({used}) GROUP BY class, entry, bin HAVING users != 0
            ) GROUP BY class, entry""",
            sql.bound.params,
        )
        for number, entry, times, users, sessions, frequency in rows:
            _count(found, classes[number], entry, (times, users, (sessions,), frequency))
    return found


def distributions(ask: Ask, population: Population, sets: EventSets) -> tuple[int, Distributions]:
    """The size of the population, and how often each value of each measure occurs among the users of each entry."""
    sql = PopulationSql(population, {}, facts_of(population))
    size = sum(one.units for one in _classes(ask, population, sql, sql.members(), ()))
    if not sets.by_event():
        return size, {}
    used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), with_life_days(sql), ("entry", "n"), LIFE_DAYS)
    values = ", ".join(["toUInt64(n)", *(_hundredths("n", days) for days in LIFE_DAYS)])
    rows = ask(
        f"""SELECT entry, measure, value, sum(weight) AS users
        FROM (SELECT entry, weight, [{values}] AS given FROM ({used}))
        ARRAY JOIN given AS value, arrayEnumerate(given) AS measure
        GROUP BY entry, measure, value HAVING users != 0""",
        sql.bound.params,
    )
    found: Distributions = defaultdict(dict)
    for entry, measure, value, users in rows:
        found[entry, MEASURES[measure - 1]][value] = users
    return size, found


def _hundredths(total: str, divisor: str) -> str:
    """SQL of 100 · total / divisor, rounded half up, in whole numbers."""
    return f"toUInt64(intDiv({total}, {divisor}) * 100 + intDiv({total} % {divisor} * 200 + {divisor}, 2 * {divisor}))"


@dataclass(frozen=True, slots=True)
class _Class:
    """Units of a population that are counted under the same items."""

    text: str
    labels: tuple[str, ...]
    units: int
    sessions: int


def _classes(ask: Ask, population: Population, sql: PopulationSql, rows: str, amounts: tuple[str, ...]) -> list[_Class]:
    """The classes of the members. Raises `Problem` when their items are too many."""
    found = ask(f"{sql.by_class(rows, amounts)} LIMIT {2 * MAX_ITEMS + 1}", sql.bound.params)
    if population.level is not None and len(found) > 2 * MAX_ITEMS:
        items = ask(f"SELECT uniqExactArray(items.1) FROM ({rows})", sql.bound.params)[0][0]
        raise too_many_items(items, population.level.path)
    is_number = population.level is not None and population.level.is_number
    return [
        _Class(text, tuple(spelled(label, is_number=is_number) for label, _ in items), units, sum(sums))
        for text, items, units, *sums in found
    ]


def _items(population: Population, sets: EventSets, classes: Iterable[_Class]) -> tuple[Item, dict[str, Item]]:
    """Everybody, and the items that somebody is in. Raises `Problem` when they or their cells are too many."""
    everybody = Item(EVERYBODY)
    items: dict[str, Item] = {}
    for one in classes:
        for item in (everybody, *(items.setdefault(label, Item(label)) for label in one.labels)):
            item.units += one.units
            item.sessions += one.sessions
    if population.level is not None:
        if len(items) > MAX_ITEMS:
            raise too_many_items(len(items), population.level.path)
        _check_cells(population.level, len(items) * len(sets.entries))
    return everybody, items


def _used(sql: PopulationSql, classes: Iterable[_Class], used: str, facts: str, names: tuple[str, ...]) -> str:
    """Rows (weight, entry, n, class, names) of the members that used something."""
    members = sql.classed(facts, [one.text for one in classes])
    return join(used, members, ("entry", "n"), ("class", *names))


def _count(found: UseByItem, of_class: _Class, entry: int, use: tuple[Any, ...]) -> None:
    for label in (EVERYBODY, *of_class.labels):
        found.cells.setdefault((label, entry), Use()).add(*use)


def _check_cells(level: Level, cells: int) -> None:
    if cells > MAX_CELLS:
        message = (
            f"The answer would have {cells:,} cells (items times events); at most {MAX_CELLS:,} are answered. "
            "Name fewer events, or split segments with a limit."
        )
        raise Problem("TOO_MANY_SEGMENTS", message, field=level.path)
