"""Reading members of a selection's JSON: null is absent, nothing is coerced, every refusal names the exact member."""

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from odometer.errors import Problem, invalid
from odometer.model.nearest import nearest_name
from odometer.model.properties import CATALOGUE, Property, find

NULL_LABEL: Final = "<NULL>"
MAX_PATTERN: Final = 1_000
MAX_TEXTS: Final = 10_000
_HUGE: Final = 10**18
_TINIEST_EXPONENT: Final = -400
_NAME_SHOWN: Final = 64
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_.]{1,64}")

Json = Mapping[str, Any]


def _unheard(_sentence: str) -> None:
    """Nobody is interested."""


@dataclass(frozen=True, slots=True)
class Language:
    """What reading a selection has to know beside it.

    Attributes:
        today: T, what `NOW` means.
        pattern_fault: why the engine's matcher does not take a regular expression; None when it does.
        may_use_license_keys: the caller has license_filtering (contract 00, Permissions).
        custom_types: type of the custom properties that have one (contract 01: 1, 2, 3), by slot.
        tell: takes a sentence about something that is right but in vain.

    """

    today: dt.date
    pattern_fault: Callable[[str], str | None]
    may_use_license_keys: bool
    custom_types: Mapping[str, int]
    tell: Callable[[str], None] = _unheard


def is_null_text(text: str) -> bool:
    """Empty text and `<NULL>` mean null (contract 00)."""
    return text in ("", NULL_LABEL)


def path_of(parent: str, key: str) -> str:
    """The path of a member; a key that is no plain name is shortened and quoted."""
    return f"{parent}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{parent}.{key[:_NAME_SHOWN]!r}"


def as_object(value: object, path: str, allowed: Collection[str]) -> dict[str, Any]:
    """The object's members that are not null; an unknown key is refused, null or not."""
    if not isinstance(value, dict):
        raise invalid(path, f"Must be an object with members such as {', '.join(allowed)}.")
    for key in value:
        if key not in allowed:
            raise invalid(path_of(path, key), f"There is no such member here; known are {', '.join(sorted(allowed))}.")
    return {key: given for key, given in value.items() if given is not None}


def as_list(value: object, path: str, most: int) -> list[Any]:
    """A list of 1 to `most` entries."""
    if not isinstance(value, list):
        raise invalid(path, "Must be a list.")
    if not value:
        raise invalid(path, "Must not be empty.")
    if len(value) > most:
        raise invalid(path, f"Has {len(value):,} entries; at most {most:,} are allowed.")
    return value


def required(members: Json, key: str, path: str) -> Any:  # noqa: ANN401 - raw JSON
    """A member that must be there."""
    if key not in members:
        raise Problem("MISSING_FIELD", "This member is required.", field=f"{path}.{key}")
    return members[key]


def as_text(value: object, path: str) -> str:
    """Text without NUL, which no stored value holds."""
    if type(value) is not str:
        raise invalid(path, "Must be text.")
    if "\0" in value:
        raise invalid(path, "Holds a NUL character.")
    return value


def as_texts(value: object, path: str) -> list[str]:
    """The texts of a stringArray."""
    return [as_text(text, f"{path}[{place}]") for place, text in enumerate(as_list(value, path, MAX_TEXTS))]


def as_pattern(value: object, path: str, language: Language) -> str:
    """A regular expression that the engine's matcher takes."""
    pattern = as_text(value, path)
    if len(pattern) > MAX_PATTERN:
        raise invalid(path, f"The pattern has {len(pattern):,} characters; at most {MAX_PATTERN:,} are allowed.")
    fault = language.pattern_fault(pattern)
    if fault is not None:
        raise invalid(
            path, f"Is not a valid regular expression (RE2 syntax, no look-around, no back references): {fault}."
        )
    return pattern


def as_number(value: object, path: str) -> Decimal:
    """A finite number; text and booleans are none."""
    if type(value) is float:
        value = Decimal(repr(value))
    if type(value) is not int and not (type(value) is Decimal and value.is_finite()):
        raise invalid(path, "Must be a number.")
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if not -_HUGE < number < _HUGE or (isinstance(exponent, int) and exponent < _TINIEST_EXPONENT):
        raise invalid(path, "Must lie between -10^18 and 10^18.")
    return number


def as_whole(value: object, path: str, lowest: int) -> int:
    """A whole number from `lowest`; 30.0 is one."""
    number = as_number(value, path)
    if number != int(number) or number < lowest:
        raise invalid(path, f"Must be a whole number from {lowest}.")
    return int(number)


def check_order(low: Any, high: Any, path: str) -> None:  # noqa: ANN401 - two numbers or two days
    """Raise when `min` lies beyond `max`; None is open."""
    if low is not None and high is not None and low > high:
        raise invalid(f"{path}.min", f"min {low} is greater than max {high}.")


def as_flag(value: object, path: str) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise invalid(path, "Must be true or false.")
    return value


def named_property(name: str, path: str, language: Language) -> Property:
    """The catalogue's property of a dotted name. Raises `Problem` UNKNOWN_PROPERTY, 403 for a license key."""
    prop = find(name)
    if prop is None:
        raise Problem("UNKNOWN_PROPERTY", f"{name[:_NAME_SHOWN]!r} is not a property.{_hint(name)}", field=path)
    if prop.name == "licenseKey" and not language.may_use_license_keys:
        raise Problem("PERMISSION_DENIED", "licenseKey needs the permission license_filtering.", field=path)
    return prop


def _hint(name: str) -> str:
    """What somebody who wrote this name may have meant, by its spelling, its label or its last part."""
    meant = {spelling.casefold(): prop.name for prop in CATALOGUE for spelling in _spellings(prop)}
    close = nearest_name(name.casefold(), meant)
    return f" Did you mean {meant[close]}?" if close else " productProperties lists the properties."


def _spellings(prop: Property) -> tuple[str, ...]:
    return prop.name, prop.friendly_name, prop.name.rpartition(".")[2]
