"""Event elements (chapter 04, The events member): which events are meant, exactly or by patterns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from odometer.errors import invalid
from odometer.model.events import EventName
from odometer.selection.predicate import EventTest, Pattern, Texts, UsedEvents
from odometer.selection.reading import Language, as_pattern, is_null_text
from odometer.selection.wire_events import CountedEvents, EventCombination, EventElement, SingleEvent


def used_events(given: Sequence[CountedEvents], path: str, language: Language) -> tuple[UsedEvents, ...]:
    """The filter `lifetimeEventUsage`: all elements must hold."""
    return tuple(
        UsedEvents(_element(element, f"{path}[{place}]", language), element.least, element.max)
        for place, element in enumerate(given)
    )


def _element(element: EventElement, path: str, language: Language) -> EventTest:
    name = _matcher(element.name, element.name_type, f"{path}.name", language)
    if name is None:
        raise invalid(f"{path}.name", "An event has a name.")
    return EventTest(name, _matcher(element.category, element.category_type, f"{path}.category", language))


def _matcher(text: str | None, kind: str, path: str, language: Language) -> Texts | Pattern | None:
    if text is None or is_null_text(text):
        return None
    return Pattern(as_pattern(text, path, language)) if kind == "regex" else Texts((text,))


@dataclass(frozen=True, slots=True)
class Combination:
    """Events that are counted as if they were one: everything that any of the tests finds."""

    label: str
    tests: tuple[EventTest, ...]


Entry = EventName | Combination


def parse_single_events(given: Sequence[SingleEvent], path: str = "events") -> tuple[EventName, ...]:
    """The member `events` of reports that take single events only, in request order, each once."""
    return _distinct([_single(event) for event in given], path)


def parse_events(
    given: Sequence[SingleEvent | EventCombination], language: Language, path: str = "events"
) -> tuple[Entry, ...]:
    """The member `events` in full: single events and combinations, in request order."""
    found: list[Entry] = [
        _single(entry) if isinstance(entry, SingleEvent) else _combination(entry, f"{path}[{place}]", language)
        for place, entry in enumerate(given)
    ]
    return _distinct(found, path)


def _single(given: SingleEvent) -> EventName:
    category = given.category or ""
    return EventName("" if is_null_text(category) else category, given.name)


def _combination(given: EventCombination, path: str, language: Language) -> Combination:
    tests = [
        _element(element, f"{path}.combiArray[{place}]", language) for place, element in enumerate(given.combi_array)
    ]
    return Combination(given.combi_label, tuple(tests))


E = TypeVar("E", bound=Entry)


def _distinct(entries: list[E], path: str) -> tuple[E, ...]:
    """The entries, of which no event and no label may be there twice."""
    seen: set[EventName | str] = set()
    for place, entry in enumerate(entries):
        known_by = entry.label if isinstance(entry, Combination) else entry
        if known_by in seen:
            what = "label" if isinstance(entry, Combination) else "event"
            raise invalid(f"{path}[{place}]", f"This {what} is named twice.")
        seen.add(known_by)
    return tuple(entries)
