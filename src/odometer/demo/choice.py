"""Weighted choice from a table, prepared once: one uniform number and one bisection a pick."""

import math
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Items with weights; the weights need not sum to one."""

    __slots__ = ("_cumulative", "_total", "items")

    def __init__(self, pairs: Iterable[tuple[T, float]]) -> None:
        table = list(pairs)
        self.items = [item for item, _ in table]
        self._cumulative = list(accumulate(weight for _, weight in table))
        self._total = self._cumulative[-1]

    def pick(self, uniform: float) -> T:
        """The item that holds the place `uniform` (0 to below 1) of the weights laid end to end."""
        # A product that rounds up to the total would point behind the last item.
        place = bisect_right(self._cumulative, uniform * self._total)
        return self.items[min(place, len(self.items) - 1)]


def exponential(uniform: float, mean: float) -> float:
    """An exponentially distributed number from a uniform one (0 to below 1)."""
    return -mean * math.log(1.0 - uniform)
