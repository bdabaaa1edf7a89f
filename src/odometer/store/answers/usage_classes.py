"""How many clients of a population did how much on the days of a range (chapter 05)."""

from odometer.store.answers.amounts import AMOUNT_COLUMNS, AMOUNTS, NUMBERS_OF_BINS, start_of_bin
from odometer.store.answers.ask import Ask
from odometer.store.answers.population import Population, PopulationSql
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.tables import CLIENT_DAY

# Clients by the numbers of the bins that hold their days, sessions and runtime.
Classes = dict[tuple[int, ...], int]


def use_classes(ask: Ask, population: Population) -> Classes:
    """How many clients of a population did how much on the days of its range."""
    sql = PopulationSql(population, {})
    names = tuple(AMOUNT_COLUMNS.values())
    # Everybody who is active in the range has a row there: without filters there is nobody to leave out.
    rows = _amounts_in_range() if population.is_everybody else sql.joined(_amounts_in_range(), names)
    starts = ", ".join(f"{start_of_bin(amount, AMOUNT_COLUMNS[amount])} AS {amount}" for amount in AMOUNTS)
    found = ask(
        f"SELECT {starts}, sum(weight) AS users FROM ({rows}) GROUP BY {', '.join(AMOUNTS)} HAVING users != 0",
        sql.bound.params,
    )
    return {
        tuple(NUMBERS_OF_BINS[amount][start] for amount, start in zip(AMOUNTS, starts, strict=True)): users
        for *starts, users in found
    }


def _amounts_in_range() -> str:
    """Rows (unit, weight, active days, sessions, runtime in the range) of clients that are active in it."""
    return f"""
        SELECT client_no AS unit, toInt8(1) AS weight, sum(sign) AS active_days, sum(d.sessions * sign) AS sessions,
            sum(d.runtime_ms * sign) AS runtime_ms
        FROM {CLIENT_DAY} AS d
        WHERE product = {{product:UInt64}} AND day {IN_RANGE} GROUP BY client_no HAVING active_days > 0"""
