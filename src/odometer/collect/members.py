"""Readers of one member of a record: each returns the plain value or raises the `Problem` that names the member."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Any, Final

from odometer.errors import Problem, invalid

NULL_TEXT: Final = "<NULL>"
MAX_NAME: Final = 128
# Our decision: sums of a whole history stay exact in a decimal of 38 digits when each addend is below this.
MAX_MAGNITUDE: Final = 10**15
_MICRO: Final = Decimal("0.000001")
_MILLI: Final = Decimal("0.001")
_TINIEST_EXPONENT: Final = -200


def missing(field: str) -> Problem:
    """A required member that is absent or null."""
    return Problem("MISSING_FIELD", f"{field} is required.", field=field)


def checked_text(value: object, field: str, low: int, high: int) -> str:
    """Text of `low` to `high` characters, none of them NUL."""
    if type(value) is not str:
        raise invalid(field, f"{field} must be text.")
    if not low <= len(value) <= high:
        raise invalid(field, f"{field} has {len(value):,} characters; it must have {low:,} to {high:,}.")
    if "\0" in value:
        raise invalid(field, f"{field} holds a NUL character.")
    return value


def required_text(record: Mapping[str, Any], field: str, low: int, high: int) -> str:
    """The text of a member that must be there."""
    value = record.get(field)
    if value is None:
        raise missing(field)
    return checked_text(value, field, low, high)


def optional_text(record: Mapping[str, Any], field: str, low: int, high: int) -> str:
    """The text of a member, `""` when it is absent or null."""
    value = record.get(field)
    return "" if value is None else checked_text(value, field, low, high)


def _number(value: object, field: str) -> int | Decimal:
    if type(value) is int or (type(value) is Decimal and value.is_finite()):
        return value
    raise invalid(field, f"{field} must be a finite number.")


def whole(value: object, field: str, low: int, high: int) -> int:
    """An integer in a range; 30.0 is one, `"30"` and true are not."""
    number = _number(value, field)
    # The range comes first: a decimal with a huge exponent must never be written out.
    if not low <= number <= high or number != int(number):
        raise invalid(field, f"{field} must be an integer from {low:,} to {high:,}.")
    return int(number)


def milliseconds(value: object, field: str, high_s: int) -> int:
    """Seconds from 0 to `high_s` as whole milliseconds; finer digits are cut off."""
    number = _number(value, field)
    if not 0 <= number <= high_s:
        raise invalid(field, f"{field} must lie between 0 and {high_s:,} seconds.")
    if type(number) is int:
        return number * 1000
    return int(Decimal(number).quantize(_MILLI, rounding=ROUND_DOWN) * 1000)


def _plain(number: int | Decimal) -> str:
    """The shortest plain decimal text: no exponent, no needless zeros, no minus zero."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def exact_value(value: object, field: str) -> str:
    """A value that is summed exactly: at most 6 decimals, magnitude below 10^15, as plain decimal text."""
    number = _number(value, field)
    if not -MAX_MAGNITUDE < number < MAX_MAGNITUDE:
        raise invalid(field, f"{field} must lie between -10^15 and 10^15.")
    if type(number) is Decimal and number != number.quantize(_MICRO):
        raise invalid(field, f"{field} has more than 6 decimals.")
    return _plain(number)


def property_number(value: object, field: str) -> str:
    """A number property as plain decimal text; any count of decimals that a sender could mean."""
    number = _number(value, field)
    exponent = number.as_tuple().exponent if type(number) is Decimal else 0
    if not -MAX_MAGNITUDE < number < MAX_MAGNITUDE or (isinstance(exponent, int) and exponent < _TINIEST_EXPONENT):
        raise invalid(field, f"{field} must lie between -10^15 and 10^15, with at most 200 decimals.")
    return _plain(number)


@lru_cache(maxsize=16_384)
def _cleaned(text: str) -> str:
    trimmed = text.strip()
    return "".join(c for c in trimmed if c == " " or not c.isspace())


def _clean_text(value: object, field: str) -> str:
    if type(value) is not str:
        raise invalid(field, f"{field} must be text.")
    # Only short texts are worth remembering; a long one may be megabytes.
    cleaned = _cleaned(value) if len(value) <= 2 * MAX_NAME else _cleaned.__wrapped__(value)
    if len(cleaned) > MAX_NAME:
        raise invalid(field, f"{field} has {len(cleaned):,} characters; at most {MAX_NAME} are kept.")
    if "\0" in cleaned:
        raise invalid(field, f"{field} holds a NUL character.")
    return cleaned


def category(record: Mapping[str, Any]) -> str:
    """The cleaned category; `""` when there is none, also for an empty or `<NULL>` one."""
    value = record.get("category")
    if value is None:
        return ""
    cleaned = _clean_text(value, "category")
    return "" if cleaned == NULL_TEXT else cleaned


def event_name(record: Mapping[str, Any]) -> str:
    """The cleaned name of an event; an empty or `<NULL>` one is refused."""
    value = record.get("name")
    if value is None:
        raise missing("name")
    cleaned = _clean_text(value, "name")
    if cleaned in ("", NULL_TEXT):
        raise invalid("name", "name is empty once white space is removed, or says <NULL>.")
    return cleaned
