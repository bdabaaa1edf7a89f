"""`globalFilters` (contract 02, Filters): each property's filter as a predicate; all of them must hold."""

from collections.abc import Iterator
from typing import Any, Final

from odometer.errors import Problem, invalid
from odometer.model.calendar import parse_day
from odometer.model.properties import BY_NAME, LEVELS, LICENSE_FLAGS, Property
from odometer.selection.events import used_events
from odometer.selection.predicate import (
    EVERYBODY,
    AllOf,
    AnyOf,
    Days,
    Delivered,
    Flag,
    Holds,
    IsNull,
    Not,
    Numbers,
    Pattern,
    Predicate,
    Test,
    Texts,
)
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
    as_whole,
    check_order,
    is_null_text,
    named_property,
    path_of,
    required,
)
from odometer.selection.spelling import never_stored

FORMS: Final[dict[str, tuple[str, ...]]] = {
    "string": ("string", "stringArray", "regex"),
    "number": ("number", "numberRange"),
    "boolean": ("boolean",),
    "date": ("date", "dateRange"),
}
VALUE_KEYS: Final = ("type", "value", "min", "max", "includeNull")
FLAG_PAIRS: Final = ("optOut", "backOff")
_MODES: Final = ("auto", "manual")
# Finding the spelling of a name takes a while; who gives more texts has made a list of stored ones.
_LOOKED_AT: Final = 100
_MAX_OBJECTS: Final = 100
_MAX_CAMPAIGNS: Final = 1_000


def parse_filters(value: object, language: Language, path: str = "globalFilters") -> Predicate:
    """Everybody for whom every filter holds; absent, null and `{}` are everybody. Raises `Problem`."""
    if value is None:
        return EVERYBODY
    if not isinstance(value, dict):
        raise invalid(path, "Must be an object of properties and their filters.")
    return AllOf(tuple(_filter(name, given, path_of(path, name), language) for name, given in value.items()))


def _filter(name: str, value: object, path: str, language: Language) -> Predicate:
    if value is None:
        raise invalid(path, "A filter cannot be null.")
    if name == "lifetimeEventUsage":
        return AllOf(used_events(value, path, language))
    if name == "licenseStatus":
        objects = as_list(value, path, _MAX_OBJECTS)
        return AnyOf(tuple(license_flags(given, f"{path}[{place}]") for place, given in enumerate(objects)))
    if name in FLAG_PAIRS:
        return _maybe_turned(as_object(value, path, (*PAIR_KEYS, "exclude")), path, lambda m: flag_pair(name, m, path))
    if name == "reachOutDeliveries":
        members = as_object(value, path, (*_MODES, "includeNull", "exclude"))
        return _maybe_turned(members, path, lambda m: _delivered(m, path))
    if name in LEVELS:
        members = as_object(value, path, ("type", "includeNull", "exclude", *LEVELS[name]))
        return _maybe_turned(members, path, lambda m: _levels(name, m, path, language))
    prop = named_property(name, path, language)
    if prop.data_type not in FORMS:
        raise invalid(path, f"Filter by {name.partition('.')[0]} instead.")
    members = as_object(value, path, (*VALUE_KEYS, "exclude"))
    return _maybe_turned(members, path, lambda m: AnyOf(tuple(value_tests(prop, m, path, language))))


PAIR_KEYS: Final = ("current", "historical")


def _maybe_turned(members: dict[str, Any], path: str, read: Any) -> Predicate:  # noqa: ANN401 - see the callers
    """The predicate of the other members, turned round by `"exclude": true`."""
    exclude = as_flag(members.pop("exclude", False), f"{path}.exclude")
    found: Predicate = read(members)
    return Not(found) if exclude else found


def value_tests(
    prop: Property, members: Json, path: str, language: Language, value_key: str = "value"
) -> Iterator[Predicate]:
    """What the `type`, `value`, `min`, `max` and `includeNull` of a filter or segment say; any of them may hold.

    `value_key`: the member that holds the value; a level's own name in filters of os, geography and gpu.
    """
    if includes_null(prop, members, path):
        yield IsNull(prop)
        if members.keys() == {"includeNull"}:
            return
    kind = form_of(prop, members, path)
    is_range = kind in ("numberRange", "dateRange")
    for key in ("value",) if is_range else ("min", "max"):
        if key in members:
            raise invalid(f"{path}.{key}", f"The form {kind} has no {key}.")
    if is_range:
        yield Holds(prop, _range(prop, members, path, language))
        return
    value, value_path = required(members, value_key, path), f"{path}.{value_key}"
    if kind in ("string", "stringArray"):
        texts = [as_text(value, value_path)] if kind == "string" else as_texts(value, value_path)
        _tell_those_never_stored(prop, texts, value_path, language)
        yield from text_tests(prop, texts)
    else:
        yield Holds(prop, _single(kind, value, value_path, language))


def _tell_those_never_stored(prop: Property, texts: list[str], path: str, language: Language) -> None:
    for text in texts[:_LOOKED_AT]:
        why = None if is_null_text(text) else never_stored(prop.name, text)
        if why is not None:
            language.tell(f"{path}: {why}")


def form_of(prop: Property, members: Json, path: str) -> str:
    """The `type` of a filter or segment, which has to fit the property; a boolean's may be missing."""
    forms = [form for form in FORMS[prop.data_type] if form != "regex" or prop.supports_regex]
    kind = members.get("type", "boolean" if prop.data_type == "boolean" else None)
    said = f"{prop.name} takes the type {' or '.join(forms)}."
    if kind is None:
        raise Problem("MISSING_FIELD", said, field=f"{path}.type")
    if kind not in forms:
        raise invalid(f"{path}.type", said)
    return str(kind)


def includes_null(prop: Property, members: Json, path: str) -> bool:
    """Whether `includeNull` is set; flags know no null and refuse it (contract 02)."""
    wanted = as_flag(members.get("includeNull", False), f"{path}.includeNull")
    if wanted and prop.is_flag:
        raise invalid(f"{path}.includeNull", f"{prop.name} is never null.")
    return wanted


def text_tests(prop: Property, texts: list[str]) -> Iterator[Predicate]:
    """The property is one of these texts; `<NULL>` and empty text stand for null."""
    known = tuple(dict.fromkeys(text for text in texts if not is_null_text(text)))
    if len(known) < len(set(texts)):
        yield IsNull(prop)
    yield Holds(prop, Texts(known))


def _single(kind: str, value: object, path: str, language: Language) -> Test:
    if kind == "regex":
        return Pattern(as_pattern(value, path, language))
    if kind == "boolean":
        return Flag(as_flag(value, path))
    if kind == "number":
        number = as_number(value, path)
        return Numbers(number, number)
    day = parse_day(value, today=language.today, field=path)
    return Days(day, day)


def _range(prop: Property, members: Json, path: str, language: Language) -> Test:
    if "min" not in members and "max" not in members:
        raise Problem("MISSING_FIELD", "Give min, max or both.", field=f"{path}.min")
    if prop.data_type == "number":
        low, high = (as_number(members[key], f"{path}.{key}") if key in members else None for key in ("min", "max"))
        check_order(low, high, path)
        return Numbers(low, high)
    first, last = (
        parse_day(members[key], today=language.today, field=f"{path}.{key}") if key in members else None
        for key in ("min", "max")
    )
    check_order(first, last, path)
    return Days(first, last)


def license_flags(value: object, path: str, further_keys: tuple[str, ...] = ()) -> Predicate:
    """Flags of `licenseStatus`, ANDed; `whitelisted` and `blacklisted` are the old names of two of them."""
    members = as_object(value, path, (*LICENSE_FLAGS, *further_keys))
    found: dict[str, Holds] = {}
    for key in (key for key in LICENSE_FLAGS if key in members):
        prop = BY_NAME[LICENSE_FLAGS[key]]
        if prop.name in found:
            raise invalid(f"{path}.{key}", f"{prop.name} is named twice, under its old and its new name.")
        found[prop.name] = Holds(prop, Flag(as_flag(members[key], f"{path}.{key}")))
    if not found:
        raise invalid(path, "Name at least one flag.")
    return AllOf(tuple(found[name] for name in sorted(found)))


def flag_pair(name: str, members: Json, path: str) -> Predicate:
    """`current` and `historical` of optOut or backOff, ANDed."""
    flags = tuple(
        Holds(BY_NAME[f"{name}.{key}"], Flag(as_flag(members[key], f"{path}.{key}")))
        for key in PAIR_KEYS
        if key in members
    )
    if not flags:
        raise invalid(path, "Name current, historical or both.")
    return AllOf(flags)


def _levels(group: str, members: Json, path: str, language: Language) -> Predicate:
    """The levels of os, geography or gpu that the object names, ORed, each with the type's value form."""
    named = [level for level in LEVELS[group] if level in members]
    if not named:
        raise invalid(path, f"Name at least one of {', '.join(LEVELS[group])}.")
    shared = {key: members[key] for key in ("type", "includeNull") if key in members}
    found: list[Predicate] = []
    for level in named:
        prop = BY_NAME[f"{group}.{level}"]
        found += value_tests(prop, {**shared, level: members[level]}, path, language, value_key=level)
    return AnyOf(tuple(found))


def _delivered(members: Json, path: str) -> Predicate:
    campaigns = {
        mode: tuple(
            as_whole(given, f"{path}.{mode}[{place}]", 0)
            for place, given in enumerate(as_list(members[mode], f"{path}.{mode}", _MAX_CAMPAIGNS))
        )
        for mode in _MODES
        if mode in members
    }
    never = [
        IsNull(BY_NAME[f"reachOutDeliveries.{mode}"])
        for mode in campaigns or _MODES
        if as_flag(members.get("includeNull", False), f"{path}.includeNull")
    ]
    if not campaigns and not never:
        raise invalid(path, "Name auto, manual or both.")
    shown = [Delivered(campaigns.get("auto", ()), campaigns.get("manual", ()))] if campaigns else []
    return AnyOf((*shown, *never))
