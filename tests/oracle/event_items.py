"""Segments of the reports of chapter 04: one level, ranked by population, in an order of their own."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.oracle.segments import NULL, apply_limits, levels_of
from tests.oracle.selection import Given
from tests.oracle.status import Count


def items_of(population: list[Count], request: Given) -> dict[str, list[Count]] | None:
    """Who counts in which item; named items in any case. None: no segments are asked for."""
    if request.get("segmentBy") is None:
        return None
    only = {"property": request["segmentBy"], "segments": request.get("segments")}
    levels = levels_of({"levels": {"level1": only}})
    apply_limits(levels, population, population)
    items: dict[str, list[Count]] = {label: [] for label in levels[0].named}
    for one in population:
        for label in levels[0].labels(one.life, one.day):
            items.setdefault(label, []).append(one)
    return items


def in_order(labels: Iterable[str], figure: Callable[[str], Any] | None, *, down: bool) -> list[str]:
    """Labels by a figure, ties in alphabetical order; without one in alphabetical order, null last in any case."""
    alpha = sorted(labels, key=lambda label: (label == NULL, label))
    if figure is not None:
        # A sort that is turned round keeps the order of equals.
        return sorted(alpha, key=figure, reverse=down)
    values = [label for label in alpha if label != NULL]
    return [*(reversed(values) if down else values), *(label for label in alpha if label == NULL)]
