"""Event elements (contract 04, The events member): which events are meant, exactly or by patterns."""

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from odometer.errors import Problem, invalid
from odometer.model.events import EventName
from odometer.selection.predicate import EventTest, Pattern, Texts, UsedEvents
from odometer.selection.reading import (
    Json,
    Language,
    as_list,
    as_object,
    as_pattern,
    as_text,
    as_whole,
    check_order,
    is_null_text,
    required,
)

MAX_ELEMENTS: Final = 50
_ELEMENT_KEYS: Final = ("categoryType", "nameType", "category", "name")
_COMBINATION_KEYS: Final = ("combiLabel", "combiArray")
_MAX_LABEL: Final = 256


def used_events(value: object, path: str, language: Language) -> tuple[UsedEvents, ...]:
    """The filter `lifetimeEventUsage`: all elements must hold."""
    return tuple(
        _counted(element, f"{path}[{place}]", language)
        for place, element in enumerate(as_list(value, path, MAX_ELEMENTS))
    )


def _counted(element: object, path: str, language: Language) -> UsedEvents:
    members = as_object(element, path, (*_ELEMENT_KEYS, "min", "max"))
    high = as_whole(members["max"], f"{path}.max", 0) if "max" in members else None
    low = as_whole(members["min"], f"{path}.min", 0) if "min" in members else 0 if high == 0 else 1
    check_order(low, high, path)
    return UsedEvents(_element(members, path, language), low, high)


def _element(members: Json, path: str, language: Language) -> EventTest:
    name = _matcher(required(members, "name", path), members.get("nameType"), path, "name", language)
    if name is None:
        raise invalid(f"{path}.name", "An event has a name.")
    category = _matcher(members.get("category"), members.get("categoryType"), path, "category", language)
    return EventTest(name, category)


def _matcher(value: object, kind: object, path: str, member: str, language: Language) -> Texts | Pattern | None:
    if kind not in (None, "string", "regex"):
        raise invalid(f"{path}.{member}Type", "Must be string or regex.")
    if value is None or is_null_text(text := as_text(value, f"{path}.{member}")):
        return None
    return Pattern(as_pattern(text, f"{path}.{member}", language)) if kind == "regex" else Texts((text,))


@dataclass(frozen=True, slots=True)
class Combination:
    """Events that are counted as if they were one: everything that any of the tests finds."""

    label: str
    tests: tuple[EventTest, ...]


Entry = EventName | Combination


def parse_single_events(value: object, path: str = "events") -> tuple[EventName, ...]:
    """The member `events` of reports that take single events only, in request order, each once."""
    events = [_single(given, f"{path}[{place}]") for place, given in enumerate(_given_events(value, path))]
    return _distinct(events, path)


def parse_events(value: object, language: Language, path: str = "events") -> tuple[Entry, ...]:
    """The member `events` in full: single events and combinations, in request order."""
    found: list[Entry] = []
    for place, given in enumerate(_given_events(value, path)):
        at = f"{path}[{place}]"
        combines = isinstance(given, dict) and any(given.get(key) is not None for key in _COMBINATION_KEYS)
        found.append(_combination(given, at, language) if combines else _single(given, at))
    return _distinct(found, path)


def _given_events(value: object, path: str) -> list[Any]:
    if value is None:
        raise Problem("MISSING_FIELD", "This member is required.", field=path)
    return as_list(value, path, MAX_ELEMENTS)


def _single(given: object, path: str) -> EventName:
    absent = [key for key in _COMBINATION_KEYS if isinstance(given, dict) and given.get(key, path) is None]
    members = as_object(given, path, (*_ELEMENT_KEYS, *absent))
    for key in ("nameType", "categoryType"):
        if members.get(key, "string") != "string":
            raise invalid(f"{path}.{key}", "Patterns are for the elements of a combination only.")
    name = as_text(required(members, "name", path), f"{path}.name")
    category = as_text(members.get("category", ""), f"{path}.category")
    return EventName("" if is_null_text(category) else category, name)


def _combination(given: object, path: str, language: Language) -> Combination:
    members = as_object(given, path, _COMBINATION_KEYS)
    label = as_text(required(members, "combiLabel", path), f"{path}.combiLabel")
    if not 1 <= len(label) <= _MAX_LABEL:
        raise invalid(f"{path}.combiLabel", f"A label has 1 to {_MAX_LABEL} characters.")
    listed = f"{path}.combiArray"
    tests = []
    for place, element in enumerate(as_list(required(members, "combiArray", path), listed, MAX_ELEMENTS)):
        at = f"{listed}[{place}]"
        tests.append(_element(as_object(element, at, _ELEMENT_KEYS), at, language))
    return Combination(label, tuple(tests))


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
