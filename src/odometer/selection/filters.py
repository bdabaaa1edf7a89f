"""`globalFilters` (chapter 02, Filters): each property's filter as a predicate; all of them must hold."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from odometer.errors import invalid
from odometer.model.calendar import parse_day
from odometer.model.properties import BY_NAME, Property
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
from odometer.selection.reading import Language, as_pattern, is_null_text, named_property
from odometer.selection.spelling import never_stored
from odometer.selection.wire import (
    BooleanForm,
    DateForm,
    DateRangeForm,
    NullForm,
    NumberForm,
    NumberRangeForm,
    RegexForm,
    StringArrayForm,
    StringForm,
)
from odometer.selection.wire_filters import (
    DeliveriesFilter,
    Excluding,
    Filter,
    FlagPair,
    GlobalFilters,
    LevelsFilter,
    LicenseFlags,
    ValueFilter,
)

# Finding the spelling of a name takes a while; who gives more texts has made a list of stored ones.
_LOOKED_AT: Final = 100


def parse_filters(given: GlobalFilters | None, language: Language, path: str = "globalFilters") -> Predicate:
    """Everybody for whom every filter holds; none are everybody. Raises `Problem`."""
    if not given:
        return EVERYBODY
    return AllOf(tuple(_filter(name, one, f"{path}.{name}", language) for name, one in given.items()))


def _filter(name: str, given: Filter, path: str, language: Language) -> Predicate:
    found = _selected(name, given, path, language)
    return Not(found) if isinstance(given, Excluding) and given.exclude else found


def _selected(name: str, given: Any, path: str, language: Language) -> Predicate:  # noqa: ANN401 - a Filter
    match given:
        case FlagPair():
            return flag_pair(name, given)
        case DeliveriesFilter():
            return _delivered(given)
        case LevelsFilter():
            return AnyOf(tuple(_levels(name, given, path, language)))
        case ValueFilter():
            prop = named_property(name, path, language)
            return AnyOf(tuple(value_tests(prop, given, path, language, or_null=given.include_null)))
    if name == "licenseStatus":
        return AnyOf(tuple(license_flags(flags) for flags in given))
    return AllOf(used_events(given, path, language))


def value_tests(prop: Property, given: object, path: str, language: Language, *, or_null: bool) -> Iterator[Predicate]:
    """What the form of a filter or segment says; any of it may hold. Raises `Problem`."""
    if or_null:
        if prop.is_flag:
            raise invalid(f"{path}.includeNull", f"{prop.name} is never null.")
        yield IsNull(prop)
    at = f"{path}.value"
    match given:
        case NullForm():
            return
        case StringForm(value=text):
            yield from text_tests(prop, [text], at, language)
        case StringArrayForm(value=texts):
            yield from text_tests(prop, texts, at, language)
        case _:
            yield Holds(prop, _test(given, path, language))


def _test(given: object, path: str, language: Language) -> Test:
    at = f"{path}.value"
    match given:
        case RegexForm(value=pattern):
            return Pattern(as_pattern(pattern, at, language))
        case NumberForm(value=number):
            return Numbers(number, number)
        case NumberRangeForm(min=low, max=high):
            return Numbers(low, high)
        case BooleanForm(value=value):
            return Flag(value)
        case DateForm(value=text):
            day = parse_day(text, today=language.today, field=at)
            return Days(day, day)
        case DateRangeForm():
            return days_between(given, path, language.today)
    raise AssertionError(given)


def text_tests(prop: Property, texts: Sequence[str], path: str, language: Language) -> Iterator[Predicate]:
    """The property is one of these texts; `<NULL>` and empty text stand for null."""
    for text in texts[:_LOOKED_AT]:
        why = None if is_null_text(text) else never_stored(prop.name, text)
        if why is not None:
            language.tell(f"{path}: {why}")
    known = tuple(dict.fromkeys(text for text in texts if not is_null_text(text)))
    if len(known) < len(set(texts)):
        yield IsNull(prop)
    yield Holds(prop, Texts(known))


def days_between(given: DateRangeForm, path: str, today: dt.date) -> Days:
    """The days of a range. Raises `Problem`."""
    first, last = (
        None if text is None else parse_day(text, today=today, field=f"{path}.{bound}")
        for bound, text in (("min", given.min), ("max", given.max))
    )
    if first is not None and last is not None and first > last:
        raise invalid(f"{path}.min", f"min {first} is greater than max {last}.")
    return Days(first, last)


def license_flags(given: LicenseFlags) -> Predicate:
    """Flags of `licenseStatus`, ANDed."""
    return _all_flags(given.flags)


def flag_pair(name: str, given: FlagPair) -> Predicate:
    """`current` and `historical` of optOut or backOff, ANDed."""
    pair = {f"{name}.current": given.current, f"{name}.historical": given.historical}
    return _all_flags({flag: value for flag, value in pair.items() if value is not None})


def _all_flags(flags: Mapping[str, bool]) -> Predicate:
    return AllOf(tuple(Holds(BY_NAME[name], Flag(flags[name])) for name in sorted(flags)))


def _levels(group: str, given: LevelsFilter, path: str, language: Language) -> Iterator[Predicate]:
    """The levels of os, geography or gpu that the object names, each with the type's value form."""
    for level, value in given.given().items():
        prop, at = BY_NAME[f"{group}.{level}"], f"{path}.{level}"
        if given.include_null:
            yield IsNull(prop)
        if isinstance(value, list):
            yield from text_tests(prop, value, at, language)
        elif given.type == "regex":
            yield Holds(prop, Pattern(as_pattern(value, at, language)))
        else:
            yield from text_tests(prop, [value], at, language)


def _delivered(given: DeliveriesFilter) -> Predicate:
    campaigns = {mode: numbers for mode, numbers in (("auto", given.auto), ("manual", given.manual)) if numbers}
    shown = [Delivered(tuple(given.auto or ()), tuple(given.manual or ()))] if campaigns else []
    modes = campaigns or ("auto", "manual")
    never = [IsNull(BY_NAME[f"reachOutDeliveries.{mode}"]) for mode in modes] if given.include_null else []
    return AnyOf((*shown, *never))
