"""License keys of the registry, what changes them and what they are searched by, as plain values (chapter 07)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

UNKNOWN_TYPE: Final = "unknown"
MAX_KEY: Final = 256
# Keys hold no control characters, so nothing lies between a key and the same with this at its end.
KEY_END: Final = "\x01"
FLAGS: Final = ("activated", "allowed", "blocked", "expired")


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenseKey:
    """One key as the registry holds it.

    Attributes:
        key: 1 to 256 characters, compared exactly.
        license_type: one of the license types of the property catalogue.
        activated: flag.
        allowed: flag.
        blocked: flag.
        expired: flag, as it was set; `is_expired` looks at the expiry date too.
        added: the day it was added; of a collected key the day of the first record that names it.
        expiry: the last day on which it is valid, None = it does not expire.
        auto_collected: it was first seen from a client.
        install_quota: how many clients may use it.

    """

    key: str
    license_type: str = UNKNOWN_TYPE
    activated: bool = False
    allowed: bool = False
    blocked: bool = False
    expired: bool = False
    added: dt.date
    expiry: dt.date | None = None
    auto_collected: bool = False
    install_quota: int = 1

    def is_expired(self, day: dt.date) -> bool:
        """Whether it is expired at the end of a day: it was set so, or its expiry date lies before."""
        return self.expired or (self.expiry is not None and self.expiry < day)


@dataclass(frozen=True, slots=True)
class LicenseState:
    """What the registry says of a key from the end of a day on; `holds`: it is in the registry at all."""

    first_day: dt.date
    holds: bool
    license_type: str = ""
    activated: bool = False
    allowed: bool = False
    blocked: bool = False
    expired: bool = False


class Action(StrEnum):
    """What was done to a key."""

    COLLECTED = "collected"
    INSERTED = "inserted"
    UPDATED = "updated"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class LicenseChange:
    """One change of a key: what it was afterwards, or before when it was deleted.

    Attributes:
        change_id: later changes of a product have greater ones.
        day: from the end of this day on it holds.
        at_ms: when it was made.
        actor: by whom.
        action: what was done.
        after: the key.

    """

    change_id: int
    day: dt.date
    at_ms: int
    actor: str
    action: Action
    after: LicenseKey


@dataclass(frozen=True, slots=True)
class KeyUpdate:
    """Values of one key by the members of `LicenseKey`; those that are not named stay as they are."""

    key: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UpdateCounts:
    """What became of the entries of an update."""

    inserted: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Span:
    """A number from `low` to `high`, both inclusive; None is open."""

    low: Decimal | None
    high: Decimal | None

    def holds(self, number: int) -> bool:
        """Whether the number lies in it."""
        return (self.low is None or self.low <= number) and (self.high is None or number <= self.high)


@dataclass(frozen=True, slots=True)
class DaySpan:
    """A day from `first` to `last`, both inclusive; None is open."""

    first: dt.date | None
    last: dt.date | None


class NoDay:
    """No day at all: keys without an expiry date."""


NO_DAY: Final = NoDay()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFilters:
    """What keys have to be; None = anything. `statuses`: one of these, each naming flags that must be so."""

    keys: tuple[str, ...] | None = None
    pattern: str | None = None
    types: tuple[str, ...] | None = None
    statuses: tuple[Mapping[str, bool], ...] | None = None
    added: DaySpan | None = None
    expiry: DaySpan | NoDay | None = None
    auto_collected: bool | None = None
    quota: Span | None = None
    installs: Span | None = None
    over_quota: Span | None = None
