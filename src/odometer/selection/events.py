"""Event elements (contract 04, The events member): which events are meant, exactly or by patterns."""

from typing import Final

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
    if value is None:
        return None
    if kind == "regex":
        return Pattern(as_pattern(value, f"{path}.{member}", language))
    text = as_text(value, f"{path}.{member}")
    return None if is_null_text(text) else Texts((text,))


def parse_single_events(value: object, path: str = "events") -> tuple[EventName, ...]:
    """The member `events` of reports that take single events only, in request order, each once."""
    if value is None:
        raise Problem("MISSING_FIELD", "This member is required.", field=path)
    found: list[EventName] = []
    for place, given in enumerate(as_list(value, path, MAX_ELEMENTS)):
        at = f"{path}[{place}]"
        members = as_object(given, at, _ELEMENT_KEYS)
        for key in ("nameType", "categoryType"):
            if members.get(key, "string") != "string":
                raise invalid(f"{at}.{key}", "Patterns are for the elements of a combination only.")
        name = as_text(required(members, "name", at), f"{at}.name")
        category = as_text(members.get("category", ""), f"{at}.category")
        event = EventName("" if is_null_text(category) else category, name)
        if event in found:
            raise invalid(at, "This event is named twice.")
        found.append(event)
    return tuple(found)
