"""Geography from addresses: a MaxMind-format database that the operator supplies (chapter 09)."""

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import maxminddb

from odometer.errors import StartError
from odometer.model.places import US, Place, normalise_place

_NOWHERE: Final = ("", "", "")
# What reading a damaged file raises.
_DAMAGED: Final = (maxminddb.InvalidDatabaseError, ValueError, TypeError, LookupError, RecursionError)


def open_geography(path: Path) -> Callable[[str], Place]:
    """The lookup of an address in a City or Country database: continent, country, US state; `""` where not found.

    The file stays mapped into memory until the process ends. Raises `StartError` when it is no such database.
    """
    try:
        # The reader in C is faster, but some damaged files crash the whole process; a batch needs one lookup only.
        reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
    except (OSError, *_DAMAGED) as error:
        raise StartError(f"ODOMETER_GEO: {path} cannot be read as a MaxMind database.") from error

    def locate(address: str) -> Place:
        try:
            found = reader.get(_plain(address))
        # No address, an IPv6 one where the database has none, or a damaged place: no batch may fail by that.
        except _DAMAGED:
            return _NOWHERE
        return _place(found)

    return locate


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    parsed = ipaddress.ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _place(found: object) -> Place:
    country = _code(found, "country", "iso_code") or _code(found, "registered_country", "iso_code")
    divisions = found.get("subdivisions") if isinstance(found, dict) else None
    first = divisions[0] if isinstance(divisions, list) and divisions else None
    state = _code({"state": first}, "state", "iso_code") if country == US else ""
    return normalise_place(_code(found, "continent", "code"), country, state)


def _code(found: Any, member: str, name: str) -> str:  # noqa: ANN401 - whatever stands in the file
    """The text at `member.name`, `""` when something else stands there."""
    inner = found.get(member) if isinstance(found, dict) else None
    code = inner.get(name) if isinstance(inner, dict) else None
    return code if isinstance(code, str) else ""
