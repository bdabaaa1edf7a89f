"""Answers about the events of a population: its size by item, its use of every entry, and distributions of use."""

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from odometer.errors import Problem
from odometer.selection.segments import Level
from odometer.store.event_use import LIFE_DAYS, SESSIONS, EventSets, EventUseSql, life_days, sessions_in_range
from odometer.store.items import MAX_CELLS, MAX_ITEMS, too_many_items
from odometer.store.population import EVERYBODY, Ask, Population, PopulationSql, join, kept_items


@dataclass(frozen=True, slots=True)
class Item:
    """Units of a population that are counted under one label; everybody is under "".

    Attributes:
        label: of the item.
        place: number of the segment that gives it.
        units: how many there are in it.
        sessions: that its units began in the range; 0 where the question is about lives.

    """

    label: str
    place: int
    units: int
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """What the users of an entry within an item did.

    Attributes:
        times: occurrences.
        users: units with at least one.
        life_days: Σ over the users of their lifetime active days, weeks, months; zeros for a range.
        sessions: Σ over the users of their sessions in the range; 0 for lives.
        frequency: for a range, (lower bound of a bin, users in it).

    """

    times: int = 0
    users: int = 0
    life_days: tuple[int, int, int] = (0, 0, 0)
    sessions: int = 0
    frequency: tuple[tuple[int, int], ...] = ()


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
    sql = PopulationSql(population, kept_items(ask, population))
    everybody, items = _items(ask, population, sql, sql.members(), "0")
    _check_cells(population.level, len(items) * len(sets.entries))
    if not sets.by_event():
        return UseByItem(everybody, items, {})
    facts = sql.joined(life_days(sql.units), LIFE_DAYS)
    used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), facts, ("entry", "n"), (*sql.columns, *LIFE_DAYS))
    sums = ", ".join(f"sum(weight * {name})" for name in LIFE_DAYS)
    rows = ask(
        f"""SELECT label, entry, sum(weight * n), sum(weight) AS users, {sums}
        FROM ({sql.by_item(used)}) GROUP BY label, entry HAVING users != 0""",
        sql.bound.params,
    )
    cells = {(label, entry): Use(times, users, tuple(days)) for label, entry, times, users, *days in rows}
    return UseByItem(everybody, items, cells)


def use_in_range(ask: Ask, population: Population, sets: EventSets) -> UseByItem:
    """How the population used the entries on the days of the range."""
    sql = PopulationSql(population, kept_items(ask, population))
    facts = sql.joined(sessions_in_range(), SESSIONS)
    everybody, items = _items(ask, population, sql, facts, "begun")
    _check_cells(population.level, len(items) * len(sets.entries))
    if not sets.by_event():
        return UseByItem(everybody, items, {})
    used = join(EventUseSql(sets, sql.units, sql.bound).in_range(), facts, ("entry", "n"), (*sql.columns, *SESSIONS))
    rows = ask(
        f"""SELECT label, entry, sum(times), sum(users), sum(sessions), groupArray((bin, users)) FROM (
            SELECT label, entry, roundDown(n, {list(FREQUENCY_BINS)}) AS bin,
                sum(weight * n) AS times, sum(weight) AS users, sum(weight * begun) AS sessions
            FROM ({sql.by_item(used)}) GROUP BY label, entry, bin HAVING users != 0
        ) GROUP BY label, entry""",
        sql.bound.params,
    )
    return UseByItem(
        everybody,
        items,
        {
            (label, entry): Use(times, users, sessions=sessions, frequency=tuple(frequency))
            for label, entry, times, users, sessions, frequency in rows
        },
    )


def distributions(ask: Ask, population: Population, sets: EventSets) -> tuple[int, Distributions]:
    """The size of the population, and how often each value of each measure occurs among the users of each entry."""
    sql = PopulationSql(population, {})
    everybody, _ = _items(ask, population, sql, sql.members(), "0")
    if not sets.by_event():
        return everybody.units, {}
    facts = sql.joined(life_days(sql.units), LIFE_DAYS)
    used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), facts, ("entry", "n"), LIFE_DAYS)
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
    return everybody.units, found


def _hundredths(total: str, divisor: str) -> str:
    """SQL of 100 · total / divisor, rounded half up, in whole numbers."""
    return f"toUInt64(intDiv({total}, {divisor}) * 100 + intDiv({total} % {divisor} * 200 + {divisor}, 2 * {divisor}))"


def _items(
    ask: Ask, population: Population, sql: PopulationSql, rows: str, sessions: str
) -> tuple[Item, dict[str, Item]]:
    """Everybody, and the items that somebody is in. Raises `Problem` when there are too many."""
    found = ask(
        f"""SELECT label, min(place), sum(weight) AS units, sum(weight * {sessions})
        FROM ({sql.by_item(rows)}) GROUP BY label HAVING units != 0 LIMIT {MAX_ITEMS + 2}""",
        sql.bound.params,
    )
    if population.level is not None and len(found) > MAX_ITEMS + 1:
        items = ask(f"SELECT uniqExact(label) - 1 FROM ({sql.by_item(rows)})", sql.bound.params)[0][0]
        raise too_many_items(items, population.level.path)
    by_label = {label: Item(label, *others) for label, *others in found}
    everybody = by_label.pop(EVERYBODY, Item(EVERYBODY, 0, 0))
    return everybody, by_label


def _check_cells(level: Level | None, cells: int) -> None:
    if level is not None and cells > MAX_CELLS:
        message = (
            f"The answer would have {cells:,} cells (items times events); at most {MAX_CELLS:,} are answered. "
            "Name fewer events, or split segments with a limit."
        )
        raise Problem("TOO_MANY_SEGMENTS", message, field=level.path)
