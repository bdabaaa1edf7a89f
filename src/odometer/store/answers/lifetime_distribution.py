"""How a lifetime amount is distributed over a population (chapter 05): everything is counted, nothing estimated."""

from dataclasses import dataclass
from typing import Final

from odometer.store.answers.amounts import AMOUNT_COLUMNS, NUMBERS_OF_BINS, Amount, start_of_bin
from odometer.store.answers.ask import Ask
from odometer.store.answers.population import Population, PopulationSql

RANKS: Final = (50, 90, 95)


@dataclass(frozen=True, slots=True)
class LifetimeDistribution:
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


def lifetime_distribution(ask: Ask, population: Population, amount: Amount) -> LifetimeDistribution:
    """How the lifetime amounts of a population are distribution. Everything is counted, nothing estimated."""
    column = AMOUNT_COLUMNS[amount]
    sql = PopulationSql(population, {}, (column,))
    ranked = ", ".join(f"minOrNullIf(amount, reached * 100 >= {percent} * everybody)" for percent in RANKS)
    rows = ask(
        f"""SELECT {start_of_bin(amount, "amount")} AS start, sum(users), sum(toInt128(amount) * users), max(amount),
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
    return LifetimeDistribution(
        bins={NUMBERS_OF_BINS[amount][start]: users for start, users, *_ in rows},
        total=sum(total for _, _, total, *_ in rows),
        ranked={p: min(v for v in found if v is not None) for p, found in zip(RANKS, of_rank, strict=False)},
        greatest=max((greatest for _, _, _, greatest, *_ in rows), default=0),
    )
