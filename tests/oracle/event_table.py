"""The tables of lifetime and churn (chapter 04): figures of every event, sorted, by category, by segment, in pages."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from tests.oracle.event_entries import Entry, Flags, all_days, entries, performed
from tests.oracle.event_items import in_order, items_of
from tests.oracle.history import Life
from tests.oracle.selection import Given
from tests.oracle.status import Count, bucket_of
from tests.oracle.usage import divided, shown

_PAGE_SIZE = 100


def table(population: list[Count], request: Given, flags: Flags) -> Given:
    """The answer body for the groups that count."""
    rows = _Rows(population, request)
    found = entries(request.get("events"), performed(all_days(one.life for one in population)), flags)
    ordered = rows.ordered(found)
    size = request.get("pageSize") or _PAGE_SIZE
    if request.get("page") is None and request.get("pageSize") is None:
        return {"result": rows.shaped(ordered)}
    first = ((request.get("page") or 1) - 1) * size
    return {"result": rows.shaped(ordered[first : first + size]), "totalEvents": len(ordered)}


def active_periods(life: Life, split: str) -> int:
    """Distinct days, weeks or months with an active day."""
    return len({bucket_of(day, split) for day in life.days})


def times(entry: Entry, life: Life) -> int:
    """Occurrences over the lifetime."""
    return entry.times(life.days.values())


class _Used:
    """How a group of people used an event."""

    def __init__(self, entry: Entry, people: Iterable[Count]) -> None:
        lives = [one.life for one in people]
        self.active = len(lives)
        self.users = [life for life in lives if times(entry, life) >= 1]
        self.count = sum(times(entry, life) for life in self.users)

    @property
    def share(self) -> Fraction:
        return Fraction(len(self.users), self.active) if self.active else Fraction(0)

    def sorted_by(self, order: str) -> Any:
        return {
            "eventCounts": self.count,
            "uniqueUsersUsedAtLeastOnce": len(self.users),
            "active": self.active,
            "percentUsedAtLeastOnce": self.share,
        }[order]

    def _per(self, split: str) -> float:
        return divided(self.count, sum(active_periods(life, split) for life in self.users))

    def figures(self) -> Given:
        return {
            "eventCount": self.count,
            "eventCountPerUserUsedAtLeastOnce": divided(self.count, len(self.users)),
            "eventCountPerUserUsedAtLeastOnceActiveDay": self._per("day"),
            "eventCountPerUserUsedAtLeastOnceActiveWeek": self._per("week"),
            "eventCountPerUserUsedAtLeastOnceActiveMonth": self._per("month"),
            "uniqueUsersUsedAtLeastOnce": len(self.users),
            "uniqueUsersNeverUsed": self.active - len(self.users),
            "percentUsedAtLeastOnce": shown(100 * self.share, 1),
            "activeUsers": self.active,
        }


class _Rows:
    """The rows of one request."""

    def __init__(self, population: list[Count], request: Given) -> None:
        self._population = population
        self._sorting = request.get("sorting") or {}
        self._by_category = bool(request.get("categorizeEvents"))
        self._items = items_of(population, request)

    def _order_of(self, what: str) -> tuple[str, bool]:
        return self._sorting.get(what) or "alpha", self._sorting.get(f"{what}Direction") == "desc"

    def ordered(self, found: list[Entry]) -> list[Entry]:
        """Events, then combinations; each by the order asked for, ties in alphabetical order."""
        by, down = self._order_of("events")
        rows = sorted(found, key=lambda entry: entry.place)
        if by == "alpha":
            rows = rows[::-1] if down else rows
        else:
            # A sort that is turned round keeps the order of equals.
            rows.sort(key=lambda entry: _Used(entry, self._population).sorted_by(by), reverse=down)
        events = [entry for entry in rows if not entry.is_combination]
        if self._by_category:
            events.sort(
                key=lambda entry: (entry.category != "", entry.category.casefold(), entry.category),
                reverse=down and by == "alpha",
            )
        return [*events, *(entry for entry in rows if entry.is_combination)]

    def shaped(self, listed: list[Entry]) -> list[Given]:
        """Entries as the answer shows them, flat or by category."""
        if not self._by_category:
            return [self._row(entry) for entry in listed]
        found: list[Given] = []
        for entry in listed:
            row = self._row(entry)
            if entry.is_combination:
                found.append(row)
                continue
            del row["eventCategory"]
            if not found or found[-1]["eventCategory"] != entry.shown:
                found.append({"eventCategory": entry.shown, "categoryData": []})
            found[-1]["categoryData"].append(row)
        return found

    def _row(self, entry: Entry) -> Given:
        event = {"eventCategory": entry.shown, "eventName": entry.name}
        row = {
            **({"combiLabel": entry.label} if entry.is_combination else event),
            **_Used(entry, self._population).figures(),
        }
        if self._items is not None:
            row["segments"] = self._segments(entry, self._items)
        return row

    def _segments(self, entry: Entry, items: dict[str, list[Count]]) -> list[Given]:
        used = {label: _Used(entry, people) for label, people in items.items()}
        by, down = self._order_of("segments")
        labels = in_order(used, None if by == "alpha" else lambda label: used[label].sorted_by(by), down=down)
        return [{"segmentLabel": label, **used[label].figures()} for label in labels]
