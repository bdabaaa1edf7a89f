"""A row of a raw event file (chapter 08) → the row of the store that it was written from."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from odometer.collect import members
from odometer.collect.identity import read_client_id, read_machine_id
from odometer.collect.records import Record, Sender, to_row
from odometer.collect.timestamps import parse_moment
from odometer.errors import Problem, invalid
from odometer.model import strict_json
from odometer.model.properties import MAX_TEXT
from odometer.model.raw_events import RAW_EVENT_COLUMNS, SET_TYPES
from odometer.model.records import RecordRow

# Only rows of raw event files have it.
MARK: Final = "receivedAt"
# The name of cells that no column has.
BEYOND: Final = "..."
_NUMBERS: Final = ("seq", "count", "value", "sessions", "runtimeSeconds")
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,6})?")
_PLACE: Final = ("geography.continent", "geography.country", "geography.usState")
_OWN: Final = frozenset({MARK, "atUsed", *_PLACE, "data"})
# Property to member of a license record.
_LICENSE: Final = {"licenseKey": "key", "licenseType": "licenseType"}


def to_raw_row(cells: Mapping[str, Any], import_ms: int) -> RecordRow:
    """Check a row and turn it back. Raises `Problem` with the column at fault in `field`.

    Received and used time stay as they were; what arrived after the import's start cannot be.
    """
    if BEYOND in cells or None in cells.values():
        raise Problem("INVALID_FIELD", f"A row has {len(RAW_EVENT_COLUMNS)} cells.")
    given = {name: cells[name] for name in RAW_EVENT_COLUMNS if cells.get(name) not in (None, "")}
    received_ms = _moment(given, MARK, import_ms, "lies in the future")
    used_ms = _moment(given, "atUsed", received_ms, "lies after receivedAt")
    record: Record = {name: value for name, value in given.items() if name not in _OWN}
    for name in _NUMBERS:
        if isinstance(record.get(name), str):
            record[name] = _number(record[name], name)
    record |= _of_data(str(record.get("type")), given.get("data"))
    continent, country, state = (members.optional_text(given, name, 0, MAX_TEXT) for name in _PLACE)
    place = (continent, country, state)
    sender = Sender(read_client_id(given), read_machine_id(given), 0, received_ms, None, place, used_ms)
    row = to_row(record, sender)
    row["received_ms"] = received_ms
    return row


def _moment(given: Mapping[str, Any], name: str, latest_ms: int, why_not: str) -> int:
    if name not in given:
        raise members.missing(name)
    found = parse_moment(given[name], name)
    if found > latest_ms:
        raise invalid(name, f"{name} {why_not}.")
    return found


def _number(text: str, name: str) -> int | Decimal:
    if not _NUMBER.fullmatch(text):
        raise invalid(name, f"{name} must be a plain number.")
    return Decimal(text) if "." in text else int(text)


def _of_data(kind: str, text: object) -> Record:
    """The members of a record that its `data` stands for."""
    if text is None:
        return {}
    if not isinstance(text, str):
        raise invalid("data", "data must be JSON text.")
    said = strict_json.parse(text.encode())
    if kind == "custom_event":
        return {"data": said}
    if not isinstance(said, dict):
        raise invalid("data", "data must be a JSON object.")
    if kind == "license":
        return {_LICENSE.get(name, name.removeprefix("licenseStatus.")): value for name, value in said.items()}
    if kind in SET_TYPES:
        return {"set": said}
    return {name: value for name, value in said.items() if name not in RAW_EVENT_COLUMNS}
