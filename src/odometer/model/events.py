"""Events: how one is named, which flags it carries, and the orders in which lists show them (contract 01, 04)."""

from dataclasses import dataclass
from typing import NamedTuple


class EventName(NamedTuple):
    """An event; category `""` = reported without one."""

    category: str
    name: str


@dataclass(frozen=True, slots=True)
class EventFlags:
    """Which reports list an event of themselves; `advanced` implies `basic` (contract 01)."""

    basic: bool
    advanced: bool


# What the product setting `newEvents` makes of an event that is new.
FLAGS_OF_NEW = {
    "advanced": EventFlags(basic=True, advanced=True),
    "basic": EventFlags(basic=True, advanced=False),
    "inactive": EventFlags(basic=False, advanced=False),
}


def alphabetical(text: str) -> tuple[str, str]:
    """Sort key of names: whatever the case, last tie by code point."""
    return text.casefold(), text


def null_last(event: EventName) -> tuple[bool, tuple[str, str], tuple[str, str]]:
    """Sort key of lists by category: those without one come last."""
    return event.category == "", alphabetical(event.category), alphabetical(event.name)
