"""Answers about how much clients use the product and how long they stay (contract 05): few rows, many clients."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from odometer.model.calendar import Split
from odometer.store.answers.population import EVERYBODY, Ask, Chosen, Population, PopulationSql, join, kept_items
from odometer.store.engine import DATABASE
from odometer.store.sql.buckets import IN_RANGE, bucket_of, buckets_between
from odometer.store.sql.items import MAX_CELLS, MAX_ITEMS, too_many_items
from odometer.store.sql.units import Units
from odometer.store.tables import CLIENT_DAY


class Amount(StrEnum):
    """How much a client uses the product."""

    DAYS = "activeDays"
    SESSIONS = "sessions"
    RUNTIME = "runtime"


AMOUNTS: Final = tuple(Amount)
# Beyond what 64 bits may hold.
_HIGHEST: Final = 2**63


def _edges(amount: Amount) -> Iterator[int]:
    """Greatest values of the bins: days, sessions, or whole minutes (contract 05, Bins)."""
    edge = 1
    if amount is Amount.RUNTIME:
        yield from (5, 15)
        edge = 30
    while edge < _HIGHEST:
        yield edge
        edge = 2 * edge if amount is Amount.RUNTIME else -(-3 * edge // 2)


EDGES: Final = {amount: tuple(_edges(amount)) for amount in AMOUNTS}
_STARTS: Final = {amount: (0, *(edge + 1 for edge in edges[:-1])) for amount, edges in EDGES.items()}
_NUMBERS: Final = {amount: {start: number for number, start in enumerate(starts)} for amount, starts in _STARTS.items()}
_COLUMNS: Final = {Amount.DAYS: "active_days", Amount.SESSIONS: "sessions", Amount.RUNTIME: "runtime_ms"}
RANKS: Final = (50, 90, 95)


def _start_of_bin(amount: Amount, value: str) -> str:
    """SQL of the smallest value of the bin that holds a value; runtime is given in milliseconds, floored once."""
    in_unit = f"intDiv({value}, 60000)" if amount is Amount.RUNTIME else value
    return f"roundDown(toUInt64({in_unit}), {list(_STARTS[amount])})"


# Clients by the numbers of the bins that hold their days, sessions and runtime.
Classes = dict[tuple[int, ...], int]


def use_classes(ask: Ask, population: Population) -> Classes:
    """How many clients of a population did how much on the days of its range."""
    sql = PopulationSql(population, {})
    names = tuple(_COLUMNS.values())
    # Everybody who is active in the range has a row there: without filters there is nobody to leave out.
    rows = _amounts_in_range() if population.is_everybody else sql.joined(_amounts_in_range(), names)
    starts = ", ".join(f"{_start_of_bin(amount, _COLUMNS[amount])} AS {amount}" for amount in AMOUNTS)
    found = ask(
        f"SELECT {starts}, sum(weight) AS users FROM ({rows}) GROUP BY {', '.join(AMOUNTS)} HAVING users != 0",
        sql.bound.params,
    )
    return {
        tuple(_NUMBERS[amount][start] for amount, start in zip(AMOUNTS, starts, strict=True)): users
        for *starts, users in found
    }


def _amounts_in_range() -> str:
    """Rows (unit, weight, active days, sessions, runtime in the range) of clients that are active in it."""
    return f"""
        SELECT client_no AS unit, toInt8(1) AS weight, sum(sign) AS active_days, sum(d.sessions * sign) AS sessions,
            sum(d.runtime_ms * sign) AS runtime_ms
        FROM {DATABASE}.{CLIENT_DAY.name} AS d
        WHERE product = {{product:UInt64}} AND day {IN_RANGE} GROUP BY client_no HAVING active_days > 0"""


@dataclass(frozen=True, slots=True)
class Spread:
    """How an amount is spread over the lives of a population; runtime in milliseconds.

    Attributes:
        bins: users by the number of the bin; empty ones are missing.
        total: Σ of the amount over all users.
        ranked: by percentage of `RANKS`, the smallest amount that so many of the users do not exceed (nearest rank).
        greatest: the greatest amount.

    """

    bins: dict[int, int]
    total: int
    ranked: dict[int, int]
    greatest: int


def spread_in_life(ask: Ask, population: Population, amount: Amount) -> Spread:
    """How the lifetime amounts of a population are spread. Everything is counted, nothing estimated."""
    column = _COLUMNS[amount]
    sql = PopulationSql(population, {}, (column,))
    ranked = ", ".join(f"minOrNullIf(amount, reached * 100 >= {percent} * everybody)" for percent in RANKS)
    rows = ask(
        f"""SELECT {_start_of_bin(amount, "amount")} AS start, sum(users), sum(toInt128(amount) * users), max(amount),
            {ranked}
        FROM (
            SELECT amount, users, sum(users) OVER () AS everybody,
                sum(users) OVER (ORDER BY amount ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS reached
            FROM (
                SELECT {column} AS amount, sum(weight) AS users FROM ({sql.members()})
                GROUP BY amount HAVING users != 0
            )
        ) GROUP BY start""",
        sql.bound.params,
    )
    of_rank = zip(*(others for _, _, _, _, *others in rows), strict=True)
    return Spread(
        bins={_NUMBERS[amount][start]: users for start, users, *_ in rows},
        total=sum(total for _, _, total, *_ in rows),
        ranked={p: min(v for v in found if v is not None) for p, found in zip(RANKS, of_rank, strict=False)},
        greatest=max((greatest for _, _, _, greatest, *_ in rows), default=0),
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens to the clients of an item at one age, counted in periods after install.

    Attributes:
        grown: how many have this age today.
        grown_lost: how many of them are lost.
        left: how many of the lost were last active at this age.

    """

    grown: int
    grown_lost: int
    left: int


# By label ("" without items) and age; ages at which nothing happens are missing.
Turns = dict[str, dict[int, Turn]]


def turns(ask: Ask, population: Population, split: Split, cohorts: Split | None) -> Turns:
    """How the clients of a population grow old and leave, by its items, or by the period of their install day.

    Raises `Problem` TOO_MANY_SEGMENTS for more than 10,000 items or 200,000 cells.
    """
    path = population.level.path if population.level else "segmentBy"
    as_now = not any(prop.daily for prop in population.properties)
    if as_now:
        # The install day has nothing of its own to tell, and the last row knows it: nothing to be joined.
        population = replace(population, chosen=Chosen.INSTALLED_AS_NOW)
    sql = PopulationSql(population, kept_items(ask, population))
    fates = _fates(sql, split, by_install=cohorts is not None, last_row_judges=as_now)
    if population.level is not None:
        label = f"arrayJoin({sql.items.distinct(0, sql.bound)}).1"
    else:
        label = f"toString({bucket_of(cohorts, 'install')})" if cohorts else f"'{EVERYBODY}'"
    found = ask(
        f"""SELECT {label} AS label, turn.1 AS at, sum(users * turn.2) AS grown, sum(users * turn.3),
            sum(users * turn.4) AS gone
        FROM ({fates}) ARRAY JOIN [(age, 1, is_lost, 0), (life, 0, 0, is_lost)] AS turn
        GROUP BY label, at HAVING grown != 0 OR gone != 0 LIMIT {MAX_CELLS + 1}""",
        sql.bound.params,
    )
    if len(found) > MAX_CELLS:
        items = ask(f"SELECT uniqExact(label) FROM (SELECT {label} AS label FROM ({fates}))", sql.bound.params)[0][0]
        raise too_many_items(items, path)
    by_label: Turns = defaultdict(dict)
    for label, age, *counts in found:
        by_label[label][age] = Turn(*counts)
    _check_size(by_label, path)
    return dict(by_label)


def _fates(sql: PopulationSql, split: Split, *, by_install: bool, last_row_judges: bool) -> str:
    """Rows (values that decide the items, age, life, is_lost, users); with `by_install` the install day is a value."""
    values = [prop.column for prop in sql.items.properties] + ["install"] * by_install
    rows = f"SELECT *, day AS seen FROM ({sql.valued()})"
    if not last_row_judges:
        seen = (
            f"SELECT unit, day AS seen, sign AS weight FROM ({Units(None, ()).last_known()}) WHERE install {IN_RANGE}"
        )
        rows = join(sql.valued(), seen, tuple(dict.fromkeys(["install", *values])), ("seen",))
    named = "".join(f"{value}, " for value in values)
    return f"""
        SELECT {named}{buckets_between(split, "install", "{today:Date}")} AS age,
            {buckets_between(split, "install", "seen")} AS life,
            seen + {{silence:UInt16}} <= {{today:Date}} AS is_lost, sum(weight) AS users
        FROM ({rows}) GROUP BY {named}age, life, is_lost"""


def _check_size(by_label: Turns, path: str) -> None:
    """Every age up to the greatest is a cell of the answer."""
    cells = sum(max(ages) + 1 for ages in by_label.values())
    if len(by_label) > MAX_ITEMS or cells > MAX_CELLS:
        raise too_many_items(len(by_label), path, buckets=-(-cells // len(by_label)))
