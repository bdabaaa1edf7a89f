"""`filters` of a search in the license key registry (contract 07): all of them must hold; absent = all keys."""

from collections.abc import Callable
from typing import Any, Final

from odometer.errors import Problem, invalid
from odometer.model.calendar import parse_day
from odometer.model.licenses import NO_DAY, DaySpan, KeyFilters, NoDay, Span
from odometer.model.properties import LICENSE_TYPES
from odometer.selection.filters import license_flags
from odometer.selection.predicate import AllOf, Flag, Holds
from odometer.selection.reading import (
    Json,
    Language,
    as_flag,
    as_list,
    as_number,
    as_object,
    as_pattern,
    as_text,
    as_texts,
    check_order,
    path_of,
    required,
)

_MAX_STATUSES: Final = 100
Found = dict[str, Any]


def parse_key_filters(value: object, language: Language, path: str = "filters") -> KeyFilters:
    """The filters of a request. Raises `Problem` naming the member at fault."""
    if value is None:
        return KeyFilters()
    if not isinstance(value, dict):
        raise invalid(path, "Must be an object of filters.")
    found: Found = {}
    for name, given in value.items():
        at = path_of(path, name)
        if name not in _READERS:
            raise invalid(at, f"There is no such filter; known are {', '.join(_READERS)}.")
        if given is None:
            raise invalid(at, "A filter cannot be null.")
        found |= _READERS[name](given, at, language)
    return KeyFilters(**found)


def _form(value: object, path: str, **forms: tuple[str, ...]) -> tuple[str, Json]:
    """The `type` of a filter and its other members, which have to be those of that type."""
    members = as_object(value, path, ("type", *dict.fromkeys(key for keys in forms.values() for key in keys)))
    kind = required(members, "type", path)
    if not isinstance(kind, str) or kind not in forms:
        raise invalid(f"{path}.type", f"Must be one of {', '.join(forms)}.")
    others = {key: given for key, given in members.items() if key != "type"}
    for key in others:
        if key not in forms[kind]:
            raise invalid(f"{path}.{key}", f"The form {kind} has no {key}.")
    return kind, others


def _key(value: object, path: str, language: Language) -> Found:
    kind, members = _form(value, path, string=("value",), stringArray=("value",), regex=("value",))
    given, at = required(members, "value", path), f"{path}.value"
    if kind == "regex":
        return {"pattern": as_pattern(given, at, language)}
    return {"keys": (as_text(given, at),) if kind == "string" else tuple(dict.fromkeys(as_texts(given, at)))}


def _type(value: object, path: str, _language: Language) -> Found:
    kind, members = _form(value, path, string=("value",), stringArray=("value",))
    given, at = required(members, "value", path), f"{path}.value"
    texts = (
        {at: as_text(given, at)} if kind == "string" else {f"{at}[{n}]": t for n, t in enumerate(as_texts(given, at))}
    )
    for where, text in texts.items():
        if text not in LICENSE_TYPES:
            raise invalid(where, f"Must be one of {', '.join(LICENSE_TYPES)}.")
    return {"types": tuple(dict.fromkeys(texts.values()))}


def _status(value: object, path: str, _language: Language) -> Found:
    objects = as_list(value, path, _MAX_STATUSES)
    return {"statuses": tuple(_flags(given, f"{path}[{place}]") for place, given in enumerate(objects))}


def _flags(value: object, path: str) -> dict[str, bool]:
    """The flags that one object names, by the last part of their names."""
    said = license_flags(value, path)
    parts = said.parts if isinstance(said, AllOf) else ()
    return {
        held.prop.name.rpartition(".")[2]: held.test.value
        for held in parts
        if isinstance(held, Holds) and isinstance(held.test, Flag)
    }


def _days(value: object, path: str, language: Language, *, may_be_null: bool = False) -> DaySpan | NoDay:
    forms: dict[str, tuple[str, ...]] = {"date": ("value",), "dateRange": ("min", "max")}
    kind, members = _form(value, path, **forms, **({"null": ()} if may_be_null else {}))
    if kind == "null":
        return NO_DAY

    def day(key: str) -> Any:  # noqa: ANN401 - a day or None
        return parse_day(members[key], today=language.today, field=f"{path}.{key}") if key in members else None

    if kind == "date":
        required(members, "value", path)
        return DaySpan(day("value"), day("value"))
    _check_bounds(members, path)
    span = DaySpan(day("min"), day("max"))
    check_order(span.first, span.last, path)
    return span


def _check_bounds(members: Json, path: str) -> None:
    if not members:
        raise Problem("MISSING_FIELD", "Give min, max or both.", field=f"{path}.min")


def _auto_collected(value: object, path: str, _language: Language) -> Found:
    return {"auto_collected": as_flag(value, path)}


def _number(member: str) -> Callable[[object, str, Language], Found]:
    def read(value: object, path: str, _language: Language) -> Found:
        kind, members = _form(value, path, number=("value",), numberRange=("min", "max"))
        if kind == "number":
            number = as_number(required(members, "value", path), f"{path}.value")
            return {member: Span(number, number)}
        _check_bounds(members, path)
        low, high = (as_number(members[key], f"{path}.{key}") if key in members else None for key in ("min", "max"))
        check_order(low, high, path)
        return {member: Span(low, high)}

    return read


_READERS: Final[dict[str, Callable[[Any, str, Language], Found]]] = {
    "licenseKey": _key,
    "licenseType": _type,
    "licenseStatus": _status,
    "addedDate": lambda value, path, language: {"added": _days(value, path, language)},
    "expiryDate": lambda value, path, language: {"expiry": _days(value, path, language, may_be_null=True)},
    "autoCollected": _auto_collected,
    "overQuotaCount": _number("over_quota"),
    "installQuota": _number("quota"),
    "installCount": _number("installs"),
}
