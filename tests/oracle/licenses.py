"""Oracle of the license key registry: a plain walk over keys and clients, from contract 07."""

import re
from typing import Any

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
