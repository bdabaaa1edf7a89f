"""How much a client uses the product: days, sessions, runtime, and the bins of each (chapter 05, Bins)."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final


class Amount(StrEnum):
    """How much a client uses the product."""

    DAYS = "activeDays"
    SESSIONS = "sessions"
    RUNTIME = "runtime"


AMOUNTS: Final = tuple(Amount)
# Beyond what 64 bits may hold.
_HIGHEST: Final = 2**63


def _edges(amount: Amount) -> Iterator[int]:
    """Greatest values of the bins: days, sessions, or whole minutes (chapter 05, Bins)."""
    edge = 1
    if amount is Amount.RUNTIME:
        yield from (5, 15)
        edge = 30
    while edge < _HIGHEST:
        yield edge
        edge = 2 * edge if amount is Amount.RUNTIME else -(-3 * edge // 2)


EDGES: Final = {amount: tuple(_edges(amount)) for amount in AMOUNTS}
_STARTS: Final = {amount: (0, *(edge + 1 for edge in edges[:-1])) for amount, edges in EDGES.items()}
# The number of the bin that starts at a value.
NUMBERS_OF_BINS: Final = {
    amount: {start: number for number, start in enumerate(starts)} for amount, starts in _STARTS.items()
}
AMOUNT_COLUMNS: Final = {Amount.DAYS: "active_days", Amount.SESSIONS: "sessions", Amount.RUNTIME: "runtime_ms"}


def start_of_bin(amount: Amount, value: str) -> str:
    """SQL of the smallest value of the bin that holds a value; runtime is given in milliseconds, floored once."""
    in_unit = f"intDiv({value}, 60000)" if amount is Amount.RUNTIME else value
    return f"roundDown(toUInt64({in_unit}), {list(_STARTS[amount])})"
