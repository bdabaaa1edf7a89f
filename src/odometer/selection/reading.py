"""What reading a selection has to know beside its models: the catalogue, the caller, the product, the engine."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from odometer.errors import Problem, invalid
from odometer.model.nearest import nearest_name
from odometer.model.properties import CATALOGUE, Property, find
from odometer.selection.refusals import NAME_SHOWN

NULL_LABEL: Final = "<NULL>"
MAX_PATTERN: Final = 1_000


def _unheard(_sentence: str) -> None:
    """Nobody is interested."""


@dataclass(frozen=True, slots=True)
class Language:
    """What reading a selection has to know beside it.

    Attributes:
        today: T, what `NOW` means.
        pattern_fault: why the engine's matcher does not take a regular expression; None when it does.
        may_use_license_keys: the caller has license_filtering (chapter 00, Permissions).
        custom_types: type of the custom properties that have one (chapter 01: 1, 2, 3), by slot.
        tell: takes a sentence about something that is right but in vain.

    """

    today: dt.date
    pattern_fault: Callable[[str], str | None]
    may_use_license_keys: bool
    custom_types: Mapping[str, int]
    tell: Callable[[str], None] = _unheard


def is_null_text(text: str) -> bool:
    """Empty text and `<NULL>` mean null (chapter 00)."""
    return text in ("", NULL_LABEL)


def as_pattern(pattern: str, path: str, language: Language) -> str:
    """A regular expression that the engine's matcher takes. Raises `Problem`."""
    if len(pattern) > MAX_PATTERN:
        raise invalid(path, f"The pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed.")
    fault = language.pattern_fault(pattern)
    if fault is not None:
        raise invalid(
            path, f"Is not a valid regular expression (RE2 syntax, no look-around, no back references): {fault}."
        )
    return pattern


def named_property(name: str, path: str, language: Language) -> Property:
    """The catalogue's property of a dotted name. Raises `Problem` UNKNOWN_PROPERTY, 403 for a license key."""
    prop = find(name)
    if prop is None:
        raise Problem("UNKNOWN_PROPERTY", unknown_property(name), field=path)
    if prop.name == "licenseKey" and not language.may_use_license_keys:
        raise Problem("PERMISSION_DENIED", "licenseKey needs the permission license_filtering.", field=path)
    return prop


def unknown_property(name: str) -> str:
    """What is told of a name that the catalogue has not, with what somebody who wrote it may have meant."""
    return f"{name[:NAME_SHOWN]!r} is not a property.{_hint(name)}"


def _hint(name: str) -> str:
    """What somebody who wrote this name may have meant, by its spelling, its label or its last part."""
    meant = {spelling.casefold(): prop.name for prop in CATALOGUE for spelling in _spellings(prop)}
    close = nearest_name(name.casefold(), meant)
    return f" Did you mean {meant[close]}?" if close else " productProperties lists the properties."


def _spellings(prop: Property) -> tuple[str, ...]:
    return prop.name, prop.friendly_name, prop.name.rpartition(".")[2]
