"""Bins of use (chapter 05): how many of the ladder are closed, and what all are called."""

from collections.abc import Mapping
from typing import Final

from odometer.store.answers.amounts import EDGES, Amount

_LEAST_CLOSED: Final = 3
_COVERED_PERCENT: Final = 95


def bin_labels(amount: Amount, users: Mapping[int, int]) -> list[str]:
    """The labels of the bins for users by number of the ladder's bin: those that are closed, and an open one.

    What the ladder has beyond the closed ones belongs to the open one, see `place_of`. Nobody: no bins.
    """
    everybody = sum(users.values())
    if not everybody:
        return []
    closed = reached = 0
    while closed < _LEAST_CLOSED or reached * 100 < _COVERED_PERCENT * everybody:
        reached += users.get(closed, 0)
        closed += 1
    edges = EDGES[amount][:closed]
    lasts = [_spelled(amount, edge) for edge in edges]
    firsts = [_spelled(amount, edge + 1) for edge in edges]
    between = [last if first == last else f"{first} - {last}" for first, last in zip(firsts, lasts[1:], strict=False)]
    # There is no client without an active day, but there are some without a session.
    return [lasts[0] if amount is Amount.DAYS else f"≤ {lasts[0]}", *between, f"≥ {firsts[-1]}"]


def place_of(number: int, labels: list[str]) -> int:
    """The number of the bin that takes the ladder's bin of this number."""
    return min(number, len(labels) - 1)


def _spelled(amount: Amount, value: int) -> str:
    return f"{value // 60}:{value % 60:02d}" if amount is Amount.RUNTIME else str(value)
