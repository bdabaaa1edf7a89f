"""Which exceptions the clients of a population met in a range (chapter 08), as SQL."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from odometer.store.answers.ask import Ask
from odometer.store.answers.population import Population, PopulationSql
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.tables import LINE


@dataclass(frozen=True, slots=True)
class MetException:
    """One kind of exception.

    Attributes:
        class_name: of what was thrown.
        method_name: where.
        occurrences: in the range.
        clients: that met it.
        first_seen: first day of the range with one.
        last_seen: last day.
        versions: product versions of these days; "" where none was set.

    """

    class_name: str
    method_name: str
    occurrences: int
    clients: int
    first_seen: dt.date
    last_seen: dt.date
    versions: Sequence[str]


def exceptions(ask: Ask, population: Population) -> list[MetException]:
    """The exceptions that clients of a population, without a level, met in its range, by frequency, then by names."""
    sql = PopulationSql(population, {})
    # Rows that cancel each other out may be among the members: only who is left has a say.
    members = f"SELECT unit FROM ({sql.members()}) GROUP BY unit HAVING sum(weight) != 0"
    statement = f"""
        SELECT class_name, method_name, count() AS occurrences, uniqExact(client_no), min(day), max(day),
            arraySort(groupUniqArray(toString(p_prod_version)))
        FROM {LINE} FINAL
        WHERE product = {{product:UInt64}} AND type = 'exception' AND day {IN_RANGE} AND client_no IN ({members})
        GROUP BY class_name, method_name ORDER BY occurrences DESC, class_name, method_name
        SETTINGS do_not_merge_across_partitions_select_final = 1"""
    return [MetException(*row) for row in ask(statement, sql.bound.params)]
