"""What a selection can say about a client, as frozen values: tests of one property, and how they combine."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from odometer.model.properties import DELIVERIES, Property


@dataclass(frozen=True, slots=True)
class AnyValue:
    """Every value but null."""


@dataclass(frozen=True, slots=True)
class Texts:
    """One of these texts."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The whole text matches this RE2 pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """A number from `low` to `high`, both inclusive; None is open."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Days:
    """A day from `first` to `last`, both inclusive; None is open."""

    first: dt.date | None
    last: dt.date | None


@dataclass(frozen=True, slots=True)
class Flag:
    """Exactly this truth."""

    value: bool


Test = AnyValue | Texts | Pattern | Numbers | Days | Flag


@dataclass(frozen=True, slots=True)
class Holds:
    """The property has a value, and it passes the test; null passes none (chapter 02)."""

    prop: Property
    test: Test


@dataclass(frozen=True, slots=True)
class IsNull:
    """The property has no value."""

    prop: Property


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts everybody."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """Everybody of whom the part does not hold, nulls included."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class EventTest:
    """Which events: by name and category, exact or as a pattern; category None = events without one."""

    name: Texts | Pattern
    category: Texts | Pattern | None


@dataclass(frozen=True, slots=True)
class UsedEvents:
    """How often a client caused these events in its life lies from `low` to `high`; None is open."""

    events: EventTest
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """Any of these ReachOut campaigns was shown, automatically or manually."""

    auto: tuple[int, ...]
    manual: tuple[int, ...]


Predicate = Holds | IsNull | AllOf | AnyOf | Not | UsedEvents | Delivered

EVERYBODY = AllOf(())


def properties_in(predicate: Predicate) -> Iterator[Property]:
    """The properties whose values the predicate looks at."""
    match predicate:
        case Holds(prop, _) | IsNull(prop):
            yield prop
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from properties_in(part)
        case Not(part):
            yield from properties_in(part)
        case Delivered():
            yield from DELIVERIES
        case UsedEvents():
            return
