"""The canonical form of a record without seq, and the 128-bit hash of it by which such a record is known (chapter 09).

The form is one JSON object in UTF-8 without needless escapes, keys sorted at every depth, no spaces, null for what was
not sent, numbers as shortest plain decimals. It has `clientId`, `machineId`, `type` and `at` (UTC, milliseconds; of
summed records `day`), and what the record's type knows, cleaned and with defaults filled in:

    session_start, heartbeat   sessionId
    session_stop               sessionId, runtimeSeconds
    properties, license        set (property to value as text, "" clears, sibling levels filled in)
    event                      sessionId, category, name, count, value, text
    custom_event               sessionId, category, name, data (the pairs)
    exception                  sessionId, data (className, methodName, message, stackTrace)
    reachout_delivered         data (campaignId, campaignName, mode)
    opt_out, opt_in            nothing more
    client_day                 sessions, runtimeSeconds, set
    event_day                  category, name, count, value
"""

import hashlib
from collections.abc import Callable
from typing import Final

import orjson

from odometer.model.moments import to_text
from odometer.model.records import OPT_TYPES, SUMMED_TYPES, RecordRow


def _seconds(runtime_ms: int) -> orjson.Fragment | None:
    if runtime_ms < 0:
        return None
    whole, thousandths = divmod(runtime_ms, 1000)
    return orjson.Fragment(f"{whole}.{thousandths:03}".rstrip("0") if thousandths else str(whole))


_READ: Final[dict[str, Callable[[RecordRow], object]]] = {
    "sessionId": lambda row: row["session"] or None,
    "runtimeSeconds": lambda row: _seconds(row["runtime_ms"]),
    "set": lambda row: row["set"],
    "category": lambda row: row["category"] or None,
    "name": lambda row: row["name"],
    "count": lambda row: row["count"],
    "value": lambda row: None if row["value"] is None else orjson.Fragment(row["value"]),
    "text": lambda row: row["text"] or None,
    "sessions": lambda row: row["sessions"],
    "data": lambda row: orjson.Fragment(row["data"]),
}
_EVENT: Final = ("category", "name", "count", "value")
_OWN_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "session_start": ("sessionId",),
    "session_stop": ("sessionId", "runtimeSeconds"),
    "heartbeat": ("sessionId",),
    "properties": ("set",),
    "license": ("set",),
    "event": ("sessionId", *_EVENT, "text"),
    "custom_event": ("sessionId", "category", "name", "data"),
    "exception": ("sessionId", "data"),
    "reachout_delivered": ("data",),
    "opt_out": (),
    "opt_in": (),
    "client_day": ("sessions", "runtimeSeconds", "set"),
    "event_day": _EVENT,
}


def canonical_form(row: RecordRow) -> str:
    """The canonical text of a row; rows that say the same have the same text."""
    form: dict[str, object] = {"clientId": row["client"], "machineId": row["machine"] or None, "type": row["type"]}
    if row["type"] in SUMMED_TYPES:
        form["day"] = row["day"]
    else:
        form["at"] = to_text(row["at_ms"])
    for member in _OWN_MEMBERS[row["type"]]:
        form[member] = _READ[member](row)
    return orjson.dumps(form, option=orjson.OPT_SORT_KEYS).decode()


def identify(row: RecordRow) -> None:
    """Give a row without seq its hash, and its canonical form where that can decide a last value."""
    text = canonical_form(row)
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
    row["hash"] = str(int.from_bytes(digest, "big"))
    decides = row["set"] or row["machine"] or row["type"] in OPT_TYPES or row["type"] == "session_stop"
    row["canonical"] = text if decides else ""
