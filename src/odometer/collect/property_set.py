"""The `set` of properties: which names a sender may set, their types, and what setting one level does to the others."""

from collections.abc import Mapping
from typing import Any, Final

from odometer.collect import members
from odometer.collect.known_members import alike
from odometer.errors import Problem, invalid
from odometer.model.properties import BY_NAME, GEOGRAPHY, LEVEL_SIBLINGS, LICENSE_TYPES, MAX_TEXT, SETTABLE

# Chapter 09 lists what `set` refuses; the license type and flags are not among it, the key is.
_LICENSE_VALUES: Final = frozenset(p.name for p in BY_NAME.values() if p.sent_as == "license") - {"licenseKey"}
LIVE_KINDS: Final[dict[str, str]] = {name: BY_NAME[name].data_type for name in SETTABLE | _LICENSE_VALUES}
# Sums of history may say where the client was: no address is left to look at.
SUMMED_KINDS: Final[dict[str, str]] = {**LIVE_KINDS, **{name: BY_NAME[name].data_type for name in GEOGRAPHY}}
_CLEARING: Final = ("", members.NULL_TEXT)

# Member of a license record to the property it sets.
_LICENSE_FLAGS: Final = {name: f"licenseStatus.{name}" for name in ("activated", "allowed", "blocked", "expired")}


def property_set(value: object, kinds: dict[str, str]) -> dict[str, str]:
    """Property name to value as text, `""` where it is cleared; the levels beside a named one are cleared too."""
    if value is None:
        raise members.missing("set")
    if not isinstance(value, dict):
        raise invalid("set", "set must be an object of property names and values.")
    found: dict[str, str] = {}
    for name, given in value.items():
        kind = kinds.get(name)
        if kind is None:
            raise _refused(name)
        found[name] = _as_text(name, kind, given)
    for name in value.keys() & LEVEL_SIBLINGS.keys():
        for sibling in LEVEL_SIBLINGS[name]:
            found.setdefault(sibling, "")
    return found


def _refused(name: str) -> Problem:
    field = f"set.{name[:MAX_TEXT]}"
    if name in BY_NAME:
        return invalid(field, f"{name} cannot be set by a properties record.")
    by_lower = {known.lower(): known for known in LIVE_KINDS}
    meant = alike(name.lower(), by_lower)
    hint = f"; the nearest is {by_lower[meant]}" if meant else ""
    return Problem("UNKNOWN_PROPERTY", f"{name[:MAX_TEXT]!r} is not a property{hint}.", field=field)


def _as_text(name: str, kind: str, given: object) -> str:
    if given is None or given in _CLEARING:
        return ""
    if name == "licenseType":
        return _license_type(given, f"set.{name}")
    if kind == "string":
        return members.checked_text(given, f"set.{name}", 1, MAX_TEXT)
    if kind == "number":
        return members.property_number(given, f"set.{name}")
    return flag(given, f"set.{name}")


def flag(given: object, field: str) -> str:
    """`"1"` for true, `"0"` for false; nothing else is a flag."""
    if type(given) is not bool:
        raise invalid(field, f"{field} must be true, false or null.")
    return "1" if given else "0"


def license_set(record: Mapping[str, Any]) -> dict[str, str]:
    """What a license record sets: an absent member changes nothing, null clears.

    Chapter 09 calls the member of the license type `type`, which already says what kind of record it is;
    one object cannot hold both, so it is read from `licenseType`.
    """
    found: dict[str, str] = {}
    if "key" in record:
        found["licenseKey"] = _license_key(record["key"])
    if "licenseType" in record:
        found["licenseType"] = _license_type(record["licenseType"], "licenseType")
    for member, name in _LICENSE_FLAGS.items():
        if member in record:
            given = record[member]
            found[name] = "" if given is None else flag(given, member)
    return found


def _license_key(given: object) -> str:
    if given is None or given in _CLEARING:
        return ""
    key = members.checked_text(given, "key", 1, MAX_TEXT)
    # The key registry (chapter 07) takes no control characters, and keys first seen here are added to it.
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in key):
        raise invalid("key", "key holds a control character.")
    return key


def _license_type(given: object, field: str) -> str:
    if given is None or given in _CLEARING:
        return ""
    text = members.checked_text(given, field, 1, MAX_TEXT)
    if text not in LICENSE_TYPES:
        raise invalid(field, f"{field} is one of {', '.join(LICENSE_TYPES)}.")
    return text
