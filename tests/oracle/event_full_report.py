"""The full report (chapter 04): figures of events in a range, and how often each user did them."""

import datetime as dt

from tests.oracle.event_entries import Entry, Flags, entries, performed
from tests.oracle.event_items import in_order, items_of
from tests.oracle.history import Day, Life
from tests.oracle.selection import Given
from tests.oracle.status import Count
from tests.oracle.usage import divided

# The last number of every bin but the open one.
_BINS = (*range(1, 11), 15, 20, 30, 40, 50, 75, 100, 200, 500, 1000, 5000)


class FullReport:
    """One answer for the clients that count and the days of the range."""

    def __init__(self, population: list[Count], days: tuple[dt.date, dt.date], request: Given, flags: Flags) -> None:
        self._first, self._last = days
        self._population = population
        self._request = request
        done = performed(day for one in population for day in self._inside(one.life))
        self._entries = entries(request.get("events"), done, flags)

    def body(self) -> Given:
        items = items_of(self._population, self._request)
        segment_by = self._request.get("segmentBy")
        report = self._rows(self._population) if items is None else self._segmented(items)
        return {"segmentBy": segment_by, "result": {"detailedReport": report}}

    def _segmented(self, items: dict[str, list[Count]]) -> Given:
        rows = {label: self._rows(people) for label, people in items.items()}

        def total(label: str) -> int:
            return sum(row["data"]["eventCounts"] for row in rows[label])

        by_count = self._request.get("sort") == "eventCounts"
        labels = in_order(rows, total if by_count else None, down=self._request.get("sortDirection") == "desc")
        return {label: rows[label] for label in labels}

    def _inside(self, life: Life) -> list[Day]:
        return [told for day, told in life.days.items() if self._first <= day <= self._last]

    def _rows(self, people: list[Count]) -> list[Given]:
        spans = [self._inside(one.life) for one in people]
        return [{**entry.names, "data": _data(entry, spans)} for entry in self._entries]


def _data(entry: Entry, spans: list[list[Day]]) -> Given:
    """The figures of an entry from the days of each client."""
    used = [days for days in spans if entry.times(days) >= 1]
    each = [entry.times(days) for days in used]
    count = sum(each)
    return {
        "eventCounts": count,
        "averageEventCountPerSessionUsedAtLeastOnce": divided(count, _sessions(used)),
        "averageEventCountPerSessionAll": divided(count, _sessions(spans)),
        "averageEventCountPerUserAtLeastOnce": divided(count, len(used)),
        "averageEventCountPerUserAll": divided(count, len(spans)),
        "uniqueUsersUsedAtLeastOnce": len(used),
        "uniqueUsersNeverUsed": len(spans) - len(used),
        "usageFrequency": frequency(each),
    }


def _sessions(spans: list[list[Day]]) -> int:
    return sum(day.sessions for days in spans for day in days)


def frequency(each: list[int]) -> Given:
    """How many users lie in every bin."""
    found = {}
    low = 1
    for high in _BINS:
        found[str(high) if low == high else f"{low} - {high}"] = sum(low <= count <= high for count in each)
        low = high + 1
    found[f"≥ {low}"] = sum(low <= count for count in each)
    return found
