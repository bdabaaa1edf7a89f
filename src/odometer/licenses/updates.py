"""Entries of an update of the license key registry (contract 07): read strictly, one bad entry refuses the batch."""

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from odometer.errors import Problem, invalid
from odometer.model.calendar import parse_day
from odometer.model.licenses import MAX_KEY, KeyUpdate
from odometer.model.properties import LICENSE_FLAGS, LICENSE_TYPES
from odometer.selection.reading import NULL_LABEL, as_flag, as_list, as_text, as_whole

MAX_ENTRIES: Final = 10_000


def parse_updates(value: object, today: dt.date, path: str = "keyUpdates") -> list[KeyUpdate]:
    """The entries of `keyUpdates`. Raises `Problem` naming the member at fault, such as `keyUpdates[3].expiryDate`."""
    if value is None:
        raise Problem("MISSING_FIELD", "This member is required.", field=path)
    entries = as_list(value, path, MAX_ENTRIES)
    updates = [parse_update(entry, f"{path}[{place}]", today) for place, entry in enumerate(entries)]
    check_once((one.key, f"{path}[{place}].licenseKey") for place, one in enumerate(updates))
    return updates


def parse_update(entry: object, path: str, today: dt.date) -> KeyUpdate:
    """One entry: its key, and the values of the members that it names."""
    if not isinstance(entry, dict):
        raise invalid(path, "Must be an object.")
    for name in ("licenseKey", *_READERS):
        if name in entry and entry[name] is None and name != "expiryDate":
            raise invalid(f"{path}.{name}", "Only expiryDate may be null.")
    if "licenseKey" not in entry:
        raise Problem("MISSING_FIELD", "This member is required.", field=f"{path}.licenseKey")
    key = parse_key(entry["licenseKey"], f"{path}.licenseKey")
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in entry:
            values |= read(entry[name], f"{path}.{name}", today)
    return KeyUpdate(key, values)


def parse_keys(value: object, path: str = "licenseKeys") -> list[str]:
    """The keys to delete, each once. Raises `Problem` naming the entry at fault."""
    if value is None:
        raise Problem("MISSING_FIELD", "This member is required.", field=path)
    keys = (parse_key(one, f"{path}[{place}]") for place, one in enumerate(as_list(value, path, MAX_ENTRIES)))
    return list(dict.fromkeys(keys))


def parse_key(value: object, path: str) -> str:
    """A license key: 1 to 256 characters without control characters."""
    key = as_text(value, path)
    if not 0 < len(key) <= MAX_KEY:
        raise invalid(path, f"A license key has 1 to {MAX_KEY} characters.")
    if any(unicodedata.category(sign) == "Cc" for sign in key):
        raise invalid(path, "A license key holds no control characters.")
    if key == NULL_LABEL:
        raise invalid(path, f"{NULL_LABEL} stands for no key.")
    return key


def check_once(keys: Any) -> None:  # noqa: ANN401 - pairs of a key and its path
    """Raise where a key stands for the second time."""
    seen: set[str] = set()
    for key, path in keys:
        if key in seen:
            raise invalid(path, "This key is named twice.")
        seen.add(key)


def _type(value: object, path: str, _today: dt.date) -> Mapping[str, Any]:
    if value not in LICENSE_TYPES:
        raise invalid(path, f"Must be one of {', '.join(LICENSE_TYPES)}.")
    return {"license_type": value}


def _status(value: object, path: str, _today: dt.date) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise invalid(path, "Must be an object of flags.")
    found: dict[str, bool] = {}
    for name, given in value.items():
        at = f"{path}.{name[:MAX_KEY]}"
        if name not in LICENSE_FLAGS:
            raise invalid(at, f"There is no such flag; known are {', '.join(LICENSE_FLAGS)}.")
        flag = LICENSE_FLAGS[name].rpartition(".")[2]
        if flag in found:
            raise invalid(at, f"{flag} is named twice, under its old and its new name.")
        found[flag] = as_flag(given, at)
    return found


def _expiry(value: object, path: str, today: dt.date) -> Mapping[str, Any]:
    return {"expiry": None if value is None else parse_day(value, today=today, field=path)}


def _quota(value: object, path: str, _today: dt.date) -> Mapping[str, Any]:
    return {"install_quota": as_whole(value, path, 0)}


_READERS: Final[dict[str, Callable[[Any, str, dt.date], Mapping[str, Any]]]] = {
    "licenseType": _type,
    "licenseStatus": _status,
    "expiryDate": _expiry,
    "installQuota": _quota,
}
# The members of an entry of `keyUpdates`.
ENTRY_MEMBERS: Final = ("licenseKey", *_READERS)
