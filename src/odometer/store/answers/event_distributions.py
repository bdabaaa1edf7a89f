"""How the lifetime use of each entry is distributed over its users: how often, in all and by active period."""

from collections import defaultdict
from enum import StrEnum
from typing import Final

from odometer.store.answers.ask import Ask
from odometer.store.answers.event_relations import LIFE_DAYS, NO_ENTRY, EventUseSql, life_columns_of, with_life_days
from odometer.store.answers.known_events import EventSets
from odometer.store.answers.population import Population, PopulationSql
from odometer.store.sql.units import join


class Measure(StrEnum):
    """What is distributed over the users of an entry (chapter 04, Lifetime histogram)."""

    TIMES = "eventCount"
    PER_DAY = "averageCountPerActiveDay"
    PER_WEEK = "averageCountPerActiveWeek"
    PER_MONTH = "averageCountPerActiveMonth"


# Value → users that have it, by entry and measure. Averages are in hundredths, rounded half up.
Distributions = dict[tuple[int, Measure], dict[int, int]]
MEASURES: Final = tuple(Measure)


def distributions(ask: Ask, population: Population, sets: EventSets) -> tuple[int, Distributions]:
    """The size of the population, and how often each value of each measure occurs among the users of each entry."""
    sql = PopulationSql(population, {}, life_columns_of(population))
    members = with_life_days(sql)
    size = f"SELECT toUInt32({NO_ENTRY}), toUInt32(0), toUInt64(0), toInt64(sum(weight)) FROM ({members})"
    use = ""
    if sets.by_event():
        used = join(EventUseSql(sets, sql.units, sql.bound).in_life(), members, ("entry", "n"), LIFE_DAYS)
        values = ", ".join(["toUInt64(n)", *(_hundredths("n", days) for days in LIFE_DAYS)])
        use = f"""
            UNION ALL
            SELECT entry, measure, value, toInt64(sum(weight)) AS users
            FROM (SELECT entry, weight, [{values}] AS measured FROM ({used}))
            ARRAY JOIN measured AS value, arrayEnumerate(measured) AS measure
            GROUP BY entry, measure, value HAVING users != 0"""
    everybody = 0
    found: Distributions = defaultdict(dict)
    for entry, measure, value, users in ask(f"{size} {use}", sql.bound.params):
        if entry == NO_ENTRY:
            everybody = users
        else:
            found[entry, MEASURES[measure - 1]][value] = users
    return everybody, found


def _hundredths(total: str, divisor: str) -> str:
    """SQL of 100 · total / divisor, rounded half up, in whole numbers."""
    return f"toUInt64(intDiv({total}, {divisor}) * 100 + intDiv({total} % {divisor} * 200 + {divisor}, 2 * {divisor}))"
