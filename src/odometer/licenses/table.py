"""License keys as a table: rows for files and lists, and entries of an update read from rows (chapter 07)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from odometer.errors import invalid
from odometer.licenses.updates import check_once, parse_update
from odometer.licenses.wire import ENTRY
from odometer.model.licenses import FLAGS, KeyUpdate, LicenseKey
from odometer.selection.refusals import read_as

COLUMNS: Final = (
    "licenseKey",
    "licenseType",
    *FLAGS,
    "addedDate",
    "expiryDate",
    "autoCollected",
    "installQuota",
)
# The registry itself says these; a file may have them and they change nothing.
_OWN: Final = ("addedDate", "autoCollected")
_TRUTHS: Final = {"true": True, "false": False}


def row_of(key: LicenseKey) -> list[str]:
    """The cells of a key as they were set; no expiry date is an empty cell."""
    flags = [_text(getattr(key, flag)) for flag in FLAGS]
    expiry = "" if key.expiry is None else key.expiry.isoformat()
    own = [key.added.isoformat(), expiry, _text(key.auto_collected), str(key.install_quota)]
    return [key.key, key.license_type, *flags, *own]


def entry_of(key: LicenseKey) -> dict[str, Any]:
    """The key as JSON, with the members of a search that the registry itself knows; flags as they were set."""
    return {
        "licenseKey": key.key,
        "licenseType": key.license_type,
        "licenseStatus": {flag: getattr(key, flag) for flag in FLAGS},
        "addedDate": key.added.isoformat(),
        "expiryDate": None if key.expiry is None else key.expiry.isoformat(),
        "autoCollected": key.auto_collected,
        "installQuota": key.install_quota,
    }


def _text(value: bool) -> str:  # noqa: FBT001 - the flag's own value
    return "true" if value else "false"


def read_rows(header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], today: dt.date) -> list[KeyUpdate]:
    """The updates that rows, given with their line numbers, ask for. Raises `Problem` naming line and column.

    A column that is missing, and an empty cell, leave a value as it is; an empty expiryDate takes the date away.
    """
    _check_header(header)
    updates, paths = [], []
    for line, row in rows:
        if len(row) != len(header):
            raise invalid(f"line {line}", f"Has {len(row)} cells; the header has {len(header)}.")
        entry = read_as(ENTRY, _entry(dict(zip(header, row, strict=True)), line), f"line {line}")
        updates.append(parse_update(entry, f"line {line}", today))
        paths.append(f"line {line}.licenseKey")
    check_once(zip((one.key for one in updates), paths, strict=True))
    return updates


def _check_header(header: Sequence[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise invalid("header", f"{unknown[0][:64]!r} is no column; known are {', '.join(COLUMNS)}.")
    if "licenseKey" not in header or len(set(header)) < len(header):
        raise invalid("header", "Names each column once, licenseKey among them.")


def _entry(cells: Mapping[str, str], line: int) -> dict[str, Any]:
    """The row as the entry that the API takes."""
    entry: dict[str, Any] = dict(_members(cells, line))
    flags = {flag: _truth(cells[flag], f"line {line}.{flag}") for flag in FLAGS if cells.get(flag)}
    return entry | ({"licenseStatus": flags} if flags else {})


def _members(cells: Mapping[str, str], line: int) -> Iterator[tuple[str, Any]]:
    for name, cell in cells.items():
        if name == "expiryDate":
            yield name, cell or None
        elif name == "licenseKey":
            yield name, cell
        elif name == "installQuota" and cell:
            if not (cell.isascii() and cell.isdigit() and len(cell) <= 18):
                raise invalid(f"line {line}.{name}", "Must be a whole number from 0.")
            yield name, int(cell)
        elif name not in (*_OWN, *FLAGS) and cell:
            yield name, cell


def _truth(cell: str, path: str) -> bool:
    # Spreadsheets write them in capitals.
    if cell.lower() not in _TRUTHS:
        raise invalid(path, "Must be true or false.")
    return _TRUTHS[cell.lower()]
