"""Events: how one is named, which flags it carries, and the orders in which lists show them (chapters 01, 04)."""

from dataclasses import dataclass
from typing import Final, NamedTuple

# White space that names never hold (chapter 09, `event`).
KEY_SEPARATOR: Final = "\x1f"


class EventName(NamedTuple):
    """An event; category `""` = reported without one."""

    category: str
    name: str

    @property
    def key(self) -> str:
        """The one text that stands for both in storage."""
        return f"{self.category}{KEY_SEPARATOR}{self.name}"

    @classmethod
    def of_key(cls, key: str) -> "EventName":
        """The event of a stored key."""
        category, _, name = key.partition(KEY_SEPARATOR)
        return cls(category, name)


@dataclass(frozen=True, slots=True)
class EventFlags:
    """Which reports list an event of themselves; `advanced` implies `basic` (chapter 01)."""

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


def null_first(event: EventName) -> tuple[str, str, str, str]:
    """Sort key of lists by category then name, last tie by code point: those without a category come first."""
    return event.category.casefold(), event.name.casefold(), event.category, event.name


def null_last(event: EventName) -> tuple[bool, tuple[str, str], tuple[str, str]]:
    """Sort key of lists by category: those without one come last."""
    return event.category == "", alphabetical(event.category), alphabetical(event.name)
