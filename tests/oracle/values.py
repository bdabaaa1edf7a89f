"""The distinct values of a property (chapter 01, propertyValues), by looking at every day of every client."""

from collections.abc import Iterable

from tests.oracle.history import Life
from tests.oracle.wire import DAILY


def values(lives: Iterable[Life], prop: str) -> list[str]:
    """Values of every stored day, of a current property the last ones; null as `<NULL>`; in code point order."""
    found = set()
    for life in lives:
        rows = [day.values for day in life.days.values()] if prop in DAILY else [life.current]
        found |= {"<NULL>" if row.get(prop) is None else str(row[prop]) for row in rows}
    return sorted(found)
