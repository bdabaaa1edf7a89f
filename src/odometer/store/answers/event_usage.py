"""How a population used every entry, by item: over the whole life of its units, or on the days of a range."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from odometer.selection.segments import Level
from odometer.store.answers.ask import Ask
from odometer.store.answers.event_relations import (
    LIFE_DAYS,
    NO_ENTRY,
    SESSIONS,
    EventUseSql,
    life_columns_of,
    sessions_in_range,
    with_life_days,
)
from odometer.store.answers.known_events import EventSets
from odometer.store.answers.limits import MAX_CELLS, MAX_ITEMS, too_many_cells, too_many_items
from odometer.store.answers.population import ALL_UNITS, Population, PopulationSql, find_limited_values
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.sql.items import spelled
from odometer.store.sql.units import join
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
class EntryUsage:
    """What the users of an entry within an item did.

    Attributes:
        times: occurrences.
        users: units with at least one.

    """

    times: int = 0
    users: int = 0

    def add(self, times: int, users: int, amounts: Sequence[int], frequency: Iterable[tuple[int, int]]) -> None:
        """Add the use of further units; what `amounts` are of depends on the question."""
        raise NotImplementedError


@dataclass(slots=True)
class LifeUsage(EntryUsage):
    """In their whole life; with the sums over the users of the days, weeks and months on which they were active."""

    active_days: int = 0
    active_weeks: int = 0
    active_months: int = 0

    def add(self, times: int, users: int, amounts: Sequence[int], _frequency: Iterable[tuple[int, int]]) -> None:
        """Add the use of further units; `amounts` are their active days, weeks and months."""
        days, weeks, months = amounts
        self.times += times
        self.users += users
        self.active_days += days
        self.active_weeks += weeks
        self.active_months += months


@dataclass(slots=True)
class RangeUsage(EntryUsage):
    """On the days of a range.

    Attributes:
        sessions: the sum over the users of the sessions that they began.
        frequency: lower bound of a bin → users in it.

    """

    sessions: int = 0
    frequency: dict[int, int] = field(default_factory=dict)

    def add(self, times: int, users: int, amounts: Sequence[int], frequency: Iterable[tuple[int, int]]) -> None:
        """Add the use of further units; of `amounts` there is one, their sessions."""
        (sessions,) = amounts
        self.times += times
        self.users += users
        self.sessions += sessions
        for first, more in frequency:
            self.frequency[first] = self.frequency.get(first, 0) + more


UsageT = TypeVar("UsageT", bound=EntryUsage)


@dataclass(frozen=True, slots=True)
class UsageTable(Generic[UsageT]):
    """A population, its items by label, and the use of every entry in each; what nobody used is missing."""

    everybody: Item
    items: dict[str, Item]
    cells: dict[tuple[str, int], UsageT]

    def add_units(self, labels: Iterable[str], units: int, sessions: int) -> None:
        """Count units that are under these labels."""
        for item in (self.everybody, *(self.items.setdefault(label, Item(label)) for label in labels)):
            item.units += units
            item.sessions += sessions


# Lower bounds of the bins of usageFrequency (chapter 04, Full report).
FREQUENCY_BINS: Final = (*range(1, 12), 16, 21, 31, 41, 51, 76, 101, 201, 501, 1001, 5001)


def use_in_life(ask: Ask, population: Population, sets: EventSets) -> UsageTable[LifeUsage]:
    """How the population used the entries over its whole life."""
    sql = PopulationSql(population, find_limited_values(ask, population), life_columns_of(population))
    members = sql.classed(with_life_days(sql))
    by = _class_key(population)
    used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), members, ("entry", "n"), (*by, *LIFE_DAYS))
    sums = ", ".join(f"toInt64(sum(weight * {name}))" for name in LIFE_DAYS)
    counted = f"""
        SELECT {_class(by)}, entry, toInt64(sum(weight * n)) AS times, toInt64(sum(weight)) AS users,
            [{sums}] AS amounts, CAST([], '{_FREQUENCY}') AS frequency
        FROM ({used}) GROUP BY {", ".join((*by, "entry"))} HAVING users != 0"""
    return _table(ask, population, sql, (_size_of(members, "[]"), counted), sets, LifeUsage)


def use_in_range(ask: Ask, population: Population, sets: EventSets) -> UsageTable[RangeUsage]:
    """How the population used the entries on the days of the range."""
    sql = PopulationSql(population, find_limited_values(ask, population))
    # The clients that have sessions, or none, in the range are everybody who is active in it.
    with_sessions = sessions_in_range() if population.is_everybody else sql.joined(sessions_in_range(), SESSIONS)
    members = sql.classed(with_sessions)
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
    return _table(ask, population, sql, (sizes, counted), sets, RangeUsage)


def _class_key(population: Population) -> tuple[str, ...]:
    """The class as a column to group by: without a level there is one class, and narrow keys are grouped faster."""
    return () if population.level is None else ("class",)


def _class(by: tuple[str, ...]) -> str:
    return "class" if by else "toUInt64(0) AS class"


_FREQUENCY: Final = "Array(Tuple(UInt64, Int64))"
# Where segments overlap there are more classes than items.
_MAX_CLASSES: Final = 2 * MAX_ITEMS


def _size_of(members: str, amounts: str) -> str:
    """Rows like those of used entries that tell how large each class is, and what its items are."""
    return f"""
        SELECT class, toUInt32({NO_ENTRY}) AS entry, toInt64(0) AS times, toInt64(sum(weight)) AS users,
            CAST({amounts}, 'Array(Int64)') AS amounts, CAST([], '{_FREQUENCY}') AS frequency, any(m.labels) AS labels
        FROM ({members}) AS m GROUP BY class HAVING users != 0"""


def _everybody_in_range() -> str:
    """The one such row of everybody who is active in the range, found without telling clients apart."""
    return f"""
        SELECT toUInt64(0) AS class, toUInt32({NO_ENTRY}) AS entry, toInt64(0) AS times,
            toInt64(sumIf(d.sign, d.next_day > {{stop:Date}})) AS users,
            [toInt64(sum(d.sessions * d.sign))] AS amounts, CAST([], '{_FREQUENCY}') AS frequency,
            CAST([], 'Array(String)') AS labels
        FROM {CLIENT_DAY} AS d WHERE product = {{product:UInt64}} AND day {IN_RANGE}"""


def _table(
    ask: Ask,
    population: Population,
    sql: PopulationSql,
    statements: tuple[str, str],
    sets: EventSets,
    usage: type[UsageT],
) -> UsageTable[UsageT]:
    """One statement tells the population and its use, so that both are one state of the data.

    `statements` tell the sizes of classes, and the use by class and entry.
    """
    sizes, counted = statements
    level = population.level
    use = f"UNION ALL SELECT *, CAST([], 'Array(String)') AS labels FROM ({counted})" if sets.by_event() else ""
    rows = ask(f"SELECT * FROM ({sizes} LIMIT {_MAX_CLASSES + 1}) {use}", sql.bound.params)
    found: UsageTable[UsageT] = UsageTable(Item(ALL_UNITS), {}, {})
    labels_of: dict[int, list[str]] = {}
    for number, entry, _, units, amounts, _, labels in rows:
        if entry == NO_ENTRY:
            labels_of[number] = [spelled(label, is_number=level is not None and level.is_number) for label in labels]
            found.add_units(labels_of[number], units, sum(amounts))
    if level is not None and len(labels_of) > _MAX_CLASSES:
        raise too_many_items(ask(f"SELECT count() FROM ({sizes})", sql.bound.params)[0][0], level.path)
    for number, entry, times, users, amounts, frequency, _ in rows:
        if entry != NO_ENTRY:
            for label in (ALL_UNITS, *labels_of[number]):
                found.cells.setdefault((label, entry), usage()).add(times, users, amounts, frequency)
    _check_size(level, found)
    return found


def _check_size(level: Level | None, found: UsageTable[UsageT]) -> None:
    """Raise `Problem` when nobody could read the answer."""
    if level is None:
        return
    if len(found.items) > MAX_ITEMS:
        raise too_many_items(len(found.items), level.path)
    cells = len(found.items) * len({entry for _, entry in found.cells})
    if cells > MAX_CELLS:
        raise too_many_cells(cells, level.path)
