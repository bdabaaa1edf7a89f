"""The histograms of lifetime and churn (chapter 04): bins, given or found, and who lies in them."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.oracle.event_entries import Entry, entries
from tests.oracle.event_table import active_periods, times
from tests.oracle.history import Life
from tests.oracle.selection import Given
from tests.oracle.status import Count
from tests.oracle.usage import rounded
from tests.oracle.wire import exact

# What lies between two bounds of a key, and a client's value.
_PERIODS = {
    "eventCount": None,
    "averageCountPerActiveDay": "day",
    "averageCountPerActiveWeek": "week",
    "averageCountPerActiveMonth": "month",
}
_FEW = 10
_MOST_BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Values from low, or above it, to high inclusive; None is no end."""

    label: str
    low: Decimal
    high: Decimal | None
    above: bool

    def holds(self, value: Decimal) -> bool:
        """Whether a value lies in it."""
        from_low = value > self.low if self.above else value >= self.low
        return from_low and (self.high is None or value <= self.high)


def histogram(population: list[Count], request: Given) -> Given:
    """The answer body for the groups that count."""
    asked = entries(request["events"], [], {})
    lives = [one.life for one in population]
    users = [[life for life in lives if times(entry, life) >= 1] for entry in asked]
    return {
        "result": {
            "summary": {
                "usedAtLeastOnce": [
                    {**entry.names, "value": len(its)} for entry, its in zip(asked, users, strict=True)
                ],
                "neverUsed": [
                    {**entry.names, "value": len(lives) - len(its)} for entry, its in zip(asked, users, strict=True)
                ],
            },
            "histograms": {key: _by_bin(key, asked, users, request) for key in _PERIODS},
        }
    }


def _by_bin(key: str, asked: list[Entry], users: list[list[Life]], request: Given) -> Given:
    values = [[_value(key, entry, life) for life in its] for entry, its in zip(asked, users, strict=True)]
    lower = (request.get("lowerBounds") or {}).get(key)
    if lower is None:
        bins = default_bins(key, sorted(value for its in values for value in its))
    else:
        bins = bins_between(key, lower, request["binUpperBounds"][key])
    return {one.label: [_in_bin(one, *pair) for pair in zip(asked, values, strict=True)] for one in bins}


def _in_bin(one: Bin, entry: Entry, values: list[Decimal]) -> Given:
    return {**entry.names, "value": sum(one.holds(value) for value in values)}


def _value(key: str, entry: Entry, life: Life) -> Decimal:
    """A client's value: occurrences, or those per active day, week or month of its life, rounded."""
    split = _PERIODS[key]
    if split is None:
        return Decimal(times(entry, life))
    return rounded(Fraction(times(entry, life), active_periods(life, split)))


def bins_between(key: str, lower: float | Decimal, uppers: list[float | Decimal | str]) -> list[Bin]:
    """The bins of given bounds; the last may be "inf"."""
    whole = key == "eventCount"
    low, above = _bound(lower), False
    found = []
    for upper in uppers:
        if upper == "inf":
            label = f"> {_text(low, whole=whole)}" if above else f"≥ {_text(low, whole=whole)}"
            found.append(Bin(label, low, None, above))
            break
        assert not isinstance(upper, str)
        high = _bound(upper)
        single = whole and low == high
        label = _text(low, whole=whole) if single else f"{_text(low, whole=whole)} - {_text(high, whole=whole)}"
        found.append(Bin(label, low, high, above))
        # Of integers the next bin begins with the next one, of others right behind the bound.
        low, above = (high + 1, False) if whole else (high, True)
    return found


def _bound(given: float | Decimal) -> Decimal:
    return rounded(exact(given))


def _text(value: Decimal, *, whole: bool) -> str:
    if whole:
        return str(int(value))
    return f"{value:.2f}".removesuffix("0")


def default_bins(key: str, pool: list[Decimal]) -> list[Bin]:
    """The bins where none are given, from the values of all users of all events, ascending."""
    if not pool:
        return []
    # Nearest rank: the smallest value that at least 95 of 100 do not exceed.
    high = pool[-(-95 * len(pool) // 100) - 1]
    whole = key == "eventCount"
    width = _whole_width(int(high)) if whole else _float_width(high)
    uppers: list[float | Decimal | str] = [width]
    while width * len(uppers) < high:
        uppers.append(width * (len(uppers) + 1))
    if pool[-1] > width * len(uppers):
        uppers.append("inf")
    return bins_between(key, 1 if whole else 0, uppers)


def _whole_width(high: int) -> Decimal:
    return Decimal(1) if high <= _FEW else Decimal(-(-high // 8))


def _float_width(high: Decimal) -> Decimal:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, 5, 10, ... of which ten reach the value."""
    ten = Decimal("0.1")
    while True:
        for step in (1, 2, 5):
            if _MOST_BINS * step * ten >= high:
                return step * ten
        ten *= 10
