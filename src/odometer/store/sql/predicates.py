"""Predicates as SQL: columns come from the catalogue, every value is a bound parameter, every condition is 0 or 1."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from odometer.model.patterns import full_match
from odometer.model.properties import DELIVERIES, Property
from odometer.selection.predicate import (
    AllOf,
    AnyOf,
    AnyValue,
    Days,
    Delivered,
    EventTest,
    Flag,
    Holds,
    IsNull,
    Not,
    Numbers,
    Pattern,
    Predicate,
    Texts,
    UsedEvents,
)
from odometer.store.tables import column_type

_FIRST_DAY: Final = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Bound:
    """The parameters of one statement, filled while it is written."""

    params: dict[str, Any] = field(default_factory=dict)

    def __call__(self, kind: str, value: object) -> str:
        """Bind one more value and return the placeholder that stands for it."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"


def is_text(prop: Property) -> bool:
    """Whether the property's column is text, in which empty is null."""
    return prop.data_type == "string"


def null_condition(prop: Property, column: str) -> str:
    """SQL of: the column's value is null."""
    if is_text(prop):
        return "0" if prop.name == "clientId" else f"{column} = ''"
    if prop.data_type == "deliveries":
        return f"empty({column})"
    return f"isNull({column})" if column_type(prop).startswith("Nullable") else "0"


# SQL of the units that used events between two counts, as `unit IN (...)`; how depends on what a unit is.
UsedEventsSql = Callable[[UsedEvents, Bound], str]


def condition(predicate: Predicate, bound: Bound, used_events: UsedEventsSql) -> str:
    """SQL of the predicate over rows whose columns are named by `Property.column`."""
    match predicate:
        case Holds(prop, test):
            return _test(prop, test, prop.column, bound)
        case IsNull(prop):
            return null_condition(prop, prop.column)
        case AllOf(parts):
            return " AND ".join(f"({condition(part, bound, used_events)})" for part in parts) or "1"
        case AnyOf(parts):
            return " OR ".join(f"({condition(part, bound, used_events)})" for part in parts) or "0"
        case Not(part):
            return f"NOT ({condition(part, bound, used_events)})"
        case UsedEvents():
            return used_events(predicate, bound)
        case Delivered(auto, manual):
            shown = zip(DELIVERIES, (auto, manual), strict=True)
            return " OR ".join(
                f"hasAny({prop.column}, {bound('Array(UInt64)', list(campaigns))})"
                for prop, campaigns in shown
                if campaigns
            )


def value_condition(held: Holds, column: str, bound: Bound) -> str:
    """SQL of the same test on another column."""
    return _test(held.prop, held.test, column, bound)


def _test(prop: Property, test: object, column: str, bound: Bound) -> str:
    match test:
        case AnyValue():
            return f"NOT ({null_condition(prop, column)})"
        case Texts(values):
            return text_condition(values, column, bound)
        case Pattern(pattern):
            return _matches(pattern, column, bound)
        case Numbers(low, high):
            return f"ifNull({_between(column, low, high, bound)}, 0)"
        case Flag(value):
            return f"ifNull({column} = {int(value)}, 0)"
        case Days(first, last):
            return _days(column, first, last, bound)
        case _:
            raise TypeError(test)


def text_condition(values: tuple[str, ...], column: str, bound: Bound) -> str:
    """SQL of: the column is one of these texts."""
    if len(values) == 1:
        return f"{column} = {bound('String', values[0])}"
    return f"{column} IN {bound('Array(String)', list(values))}" if values else "0"


def _matches(pattern: str, column: str, bound: Bound) -> str:
    """SQL of: the column is not null, and the whole of it matches."""
    return f"({column} != '' AND match({column}, {bound('String', full_match(pattern))}))"


def _between(column: str, low: Decimal | None, high: Decimal | None, bound: Bound) -> str:
    bounds = [(">=", low), ("<=", high)] if low != high else [("=", low)]
    return " AND ".join(
        f"{column} {sign} {bound('Float64', float(number))}" for sign, number in bounds if number is not None
    )


def _days(column: str, first: dt.date | None, last: dt.date | None, bound: Bound) -> str:
    """As day numbers: a bound may lie outside of what the engine's dates can hold."""
    bounds = [(sign, day) for sign, day in ((">=", first), ("<=", last)) if day is not None]
    return " AND ".join(f"toInt32({column}) {sign} {bound('Int32', (day - _FIRST_DAY).days)}" for sign, day in bounds)


def event_condition(events: EventTest, bound: Bound) -> str:
    """SQL of: a row of the table `event` is of an event that is meant."""
    return f"{_event_text(events.name, 'name', bound)} AND {_event_text(events.category, 'category', bound)}"


def _event_text(test: Texts | Pattern | None, column: str, bound: Bound) -> str:
    match test:
        case None:
            return f"{column} = ''"
        case Texts(values):
            return text_condition(values, column, bound)
        case Pattern(pattern):
            return _matches(pattern, column, bound)
