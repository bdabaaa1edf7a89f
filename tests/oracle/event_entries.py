"""What the reports of chapter 04 count: events and combinations, who did them how often, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.oracle.history import Day, Life
from tests.oracle.selection import Given, is_matched
from tests.oracle.wire import is_null

# Category ("" for none) and name.
Key = tuple[str, str]
# Basic, advanced; an event that is not in it has both.
Flags = Mapping[Key, tuple[bool, bool]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is counted: an event by its exact name, or a combination as if it were one event."""

    category: str = ""
    name: str = ""
    label: str | None = None
    elements: list[Given] = field(default_factory=list)

    @property
    def is_combination(self) -> bool:
        return self.label is not None

    @property
    def names(self) -> Given:
        """The members that say which one it is."""
        return {"combiLabel": self.label} if self.is_combination else {"category": self.shown, "name": self.name}

    @property
    def shown(self) -> str | None:
        """The category as answers show it."""
        return self.category or None

    @property
    def place(self) -> tuple[bool, bool, str, str, str, str]:
        """Its place in alphabetical order: without category first, combinations after all events."""
        if self.label is not None:
            return (True, True, self.label.casefold(), "", self.label, "")
        return (False, self.category != "", self.category.casefold(), self.name.casefold(), self.category, self.name)

    def counts(self, key: Key) -> bool:
        """Whether an occurrence of that event counts; of a combination, if any element says so."""
        if self.is_combination:
            return any(is_matched(element, key) for element in self.elements)
        return key == (self.category, self.name)

    def times(self, days: Iterable[Day]) -> int:
        """Its occurrences on some days of somebody."""
        return sum(count for day in days for key, (count, _) in day.events.items() if self.counts(key))


def entries(given: list[Given] | None, performed: Iterable[Key], flags: Flags) -> list[Entry]:
    """What is asked for, in the order of the request; without a request the advanced ones of those performed."""
    if given is not None:
        return [_entry(one) for one in given]
    advanced = [key for key in set(performed) if flags.get(key, (True, True))[1]]
    return sorted((Entry(category, name) for category, name in advanced), key=lambda entry: entry.place)


def _entry(given: Given) -> Entry:
    if "combiLabel" in given:
        return Entry(label=given["combiLabel"], elements=given["combiArray"])
    category = given.get("category")
    return Entry("" if is_null(category) else str(category), given["name"])


def performed(days: Iterable[Day]) -> set[Key]:
    """The events that occurred on some days."""
    return {key for day in days for key in day.events}


def all_days(lives: Iterable[Life]) -> list[Day]:
    """The days of several lives."""
    return [day for life in lives for day in life.days.values()]
