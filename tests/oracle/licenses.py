"""Oracle of the license key registry: a plain walk over keys and clients, from chapter 07."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

from tests.oracle.history import Life

Key = dict[str, Any]
# A client: its last known key and its last active day (text; ISO dates compare as days do).
Client = tuple[str, str]


def search(keys: list[Key], clients: list[Client], request: dict[str, Any], today: str) -> dict[str, Any]:
    """The answer to a search. `keys` have the members of an answer that the registry itself knows."""
    found = []
    for key in sorted(keys, key=lambda one: one["licenseKey"].encode()):
        shown = _shown(key, clients, today)
        if all(_passes(shown, name, given) for name, given in (request.get("filters") or {}).items()):
            found.append(shown)
    start = request.get("startAtLicenseKey")
    if start is not None:
        found = [one for one in found if one["licenseKey"].encode() >= start.encode()]
    size = request.get("pageSize") or 1000
    answer: dict[str, Any] = {"result": found[:size], "reachedEnd": len(found) <= size}
    if len(found) > size:
        answer["nextLicenseKey"] = found[size]["licenseKey"]
    return answer


def _shown(key: Key, clients: list[Client], today: str) -> Key:
    days = [day for used, day in clients if used == key["licenseKey"]]
    expired = key["licenseStatus"]["expired"] or (key["expiryDate"] is not None and key["expiryDate"] < today)
    return {
        "licenseKey": key["licenseKey"],
        "licenseType": key["licenseType"],
        "licenseStatus": {**key["licenseStatus"], "expired": expired},
        "addedDate": key["addedDate"],
        "expiryDate": key["expiryDate"],
        "autoCollected": key["autoCollected"],
        "installQuota": key["installQuota"],
        "installCount": len(days),
        "overQuotaCount": len(days) - key["installQuota"],
        "dateLastSeen": max(days) if days else None,
    }


def _passes(shown: Key, name: str, given: Any) -> bool:
    if name == "licenseStatus":
        return any(all(shown["licenseStatus"][flag] == value for flag, value in one.items()) for one in given)
    if name == "autoCollected":
        return bool(shown[name] == given)
    value, kind = shown[name], given["type"]
    if kind == "null":
        return value is None
    if value is None:
        return False
    if kind == "regex":
        return re.fullmatch(given["value"], value, re.DOTALL) is not None
    if kind == "stringArray":
        return value in given["value"]
    if kind in ("string", "number", "date"):
        return bool(value == given["value"])
    return bool(given.get("min", value) <= value <= given.get("max", value))


# What the registry held from the end of a day on: the day, the key, and its type, flags and expiry; None = deleted.
State = dict[str, Any]
Change = tuple[dt.date, str, State | None]


def with_registry(lives: list[Life], changes: list[Change]) -> list[Life]:
    """The lives as reports see them where the registry decides: `changes` in the order in which they were made."""
    found = []
    for life in lives:
        mine = [change for change in changes if change[1] == life.current.get("licenseKey")]
        days = {day: replace(of_day, values=_decided(of_day.values, day, mine)) for day, of_day in life.days.items()}
        found.append(replace(life, days=days))
    return found


def _decided(reported: dict[str, Any], day: dt.date, changes: list[Change]) -> dict[str, Any]:
    made = [change for change in changes if change[0] <= day]
    # Of one day the last one made counts; a collected key holds from an earlier day than it was noted on.
    state = max(enumerate(made), key=lambda one: (one[1][0], one[0]))[1][2] if made else None
    if state is None:
        return reported
    flags = {f"licenseStatus.{flag}": state[flag] for flag in ("activated", "allowed", "blocked", "expired")}
    if state["expiry"] is not None and state["expiry"] < day:
        flags["licenseStatus.expired"] = True
    return {**reported, "licenseType": state["license_type"], **flags}
