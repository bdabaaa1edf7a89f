"""How a population ages and leaves (chapter 05), by the age of its clients in periods after install."""

from collections import defaultdict
from dataclasses import dataclass, replace

from odometer.model.calendar import Split
from odometer.store.answers.ask import Ask
from odometer.store.answers.limits import MAX_CELLS, MAX_ITEMS, too_many_items
from odometer.store.answers.population import ALL_UNITS, Chosen, Population, PopulationSql, find_limited_values
from odometer.store.sql.buckets import IN_RANGE, bucket_of, buckets_between
from odometer.store.sql.items import spelled
from odometer.store.sql.units import Units, join


@dataclass(frozen=True, slots=True)
class RetentionAtAge:
    """What happens to the clients of an item at one age, counted in periods after install.

    Attributes:
        reached_age: how many have this age today.
        reached_age_and_lost: how many of them are lost.
        left: how many of the lost were last active at this age.

    """

    reached_age: int
    reached_age_and_lost: int
    left: int


# By label ("" without items) and age; ages at which nothing happens are missing.
Retention = dict[str, dict[int, RetentionAtAge]]


def retention(ask: Ask, population: Population, split: Split, cohorts: Split | None) -> Retention:
    """How the clients of a population grow old and leave, by its items, or by the period of their install day.

    Raises `Problem` TOO_MANY_SEGMENTS for more than 10,000 items or 200,000 cells.
    """
    path = population.level.path if population.level else "segmentBy"
    as_now = not any(prop.daily for prop in population.properties)
    if as_now:
        # The install day has nothing of its own to tell, and the last row knows it: nothing to be joined.
        population = replace(population, chosen=Chosen.INSTALLED_BY_LAST_STATE)
    sql = PopulationSql(population, find_limited_values(ask, population))
    fates = _fates(sql, split, by_install=cohorts is not None, last_row_judges=as_now)
    if population.level is not None:
        label = f"arrayJoin({sql.items.distinct(0, sql.bound)}).1"
    else:
        label = f"toString({bucket_of(cohorts, 'install')})" if cohorts else f"'{ALL_UNITS}'"
    found = ask(
        f"""SELECT {label} AS label, turn.1 AS at, sum(users * turn.2) AS reached_age, sum(users * turn.3),
            sum(users * turn.4) AS gone
        FROM ({fates}) ARRAY JOIN [(age, 1, is_lost, 0), (life, 0, 0, is_lost)] AS turn
        GROUP BY label, at HAVING reached_age != 0 OR gone != 0 LIMIT {MAX_CELLS + 1}""",
        sql.bound.params,
    )
    if len(found) > MAX_CELLS:
        items = ask(f"SELECT uniqExact(label) FROM (SELECT {label} AS label FROM ({fates}))", sql.bound.params)[0][0]
        raise too_many_items(items, path)
    by_label: Retention = defaultdict(dict)
    for label, age, *counts in found:
        by_label[label][age] = RetentionAtAge(*counts)
    _check_size(by_label, path)
    is_number = population.level is not None and population.level.is_number
    return {spelled(label, is_number=is_number): ages for label, ages in by_label.items()}


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


def _check_size(by_label: Retention, path: str) -> None:
    """Every age up to the greatest is a cell of the answer."""
    cells = sum(max(ages) + 1 for ages in by_label.values())
    if len(by_label) > MAX_ITEMS or cells > MAX_CELLS:
        raise too_many_items(len(by_label), path, buckets=-(-cells // len(by_label)))
