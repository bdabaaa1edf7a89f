"""Entries of an update of the license key registry (chapter 07): one bad entry refuses the batch."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from odometer.errors import invalid
from odometer.licenses.wire import KeyEntry
from odometer.model.calendar import parse_day
from odometer.model.licenses import KeyUpdate


def parse_updates(entries: Sequence[KeyEntry], today: dt.date, path: str = "keyUpdates") -> list[KeyUpdate]:
    """What entries set. Raises `Problem` naming the member at fault, such as `keyUpdates[3].expiryDate`."""
    updates = [parse_update(entry, f"{path}[{place}]", today) for place, entry in enumerate(entries)]
    check_once((one.key, f"{path}[{place}].licenseKey") for place, one in enumerate(updates))
    return updates


def parse_update(entry: KeyEntry, path: str, today: dt.date) -> KeyUpdate:
    """The values of the members that one entry names."""
    named = entry.model_fields_set
    values: dict[str, Any] = {name: getattr(entry, name) for name in ("license_type", "install_quota") if name in named}
    if "license_status" in named:
        values |= entry.license_status.short_flags
    if "expiry_date" in named:
        text = entry.expiry_date
        values["expiry"] = None if text is None else parse_day(text, today=today, field=f"{path}.expiryDate")
    return KeyUpdate(entry.license_key, values)


def check_once(keys: Iterable[tuple[str, str]]) -> None:
    """Raise where a key, given with its path, stands for the second time."""
    seen: set[str] = set()
    for key, path in keys:
        if key in seen:
            raise invalid(path, "This key is named twice.")
        seen.add(key)
