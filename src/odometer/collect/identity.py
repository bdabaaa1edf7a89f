"""Who sent a record and which one it is (chapter 09, Identity): clientId, machineId, seq."""

import re
from collections.abc import Mapping
from typing import Any, Final

from odometer.collect import members
from odometer.errors import Problem, invalid
from odometer.model.records import MAX_SEQ

_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")
_MAX_MACHINE_ID: Final = 256


def read_client_id(holder: Mapping[str, Any]) -> str:
    """The clientId of an envelope or line."""
    value = holder.get("clientId")
    if value is None:
        raise members.missing("clientId")
    return checked_client_id(value, "clientId")


def checked_client_id(value: object, field: str) -> str:
    """The text of a client id."""
    if type(value) is not str or not _CLIENT_ID.fullmatch(value):
        raise invalid(field, f"{field} must be 8 to 64 characters of A-Z, a-z, 0-9, _ and -.")
    return value


def read_machine_id(holder: Mapping[str, Any]) -> str:
    """The machineId of an envelope or line; null, absent, empty and `<NULL>` all say nothing (chapter 00, Null)."""
    text = members.optional_text(holder, "machineId", 0, _MAX_MACHINE_ID)
    return "" if text == members.NULL_TEXT else text


def read_seq(record: Mapping[str, Any]) -> int:
    """The seq of a record, 0 when it has none."""
    value = record.get("seq")
    return 0 if value is None else members.whole(value, "seq", 1, MAX_SEQ)


def seq_if_readable(record: object) -> int | None:
    """The seq of a record that may be refused for something else: a replay stays a duplicate all the same."""
    if not isinstance(record, dict):
        return None
    try:
        return read_seq(record) or None
    except Problem:
        return None
