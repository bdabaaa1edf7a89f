"""The canonical form of a record without seq, and the 128-bit hash of it by which such a record is known (contract 09).

The form is one JSON object in UTF-8, keys sorted, no spaces. It has the members that the record's type knows, with
their defaults filled in: `clientId`, `machineId` (null), `type`, then `at` (UTC, milliseconds) or `day`, and the type's
own: `sessionId` (null), `runtimeSeconds` (null; 0 in client_day), `set` (as stored, cleared values as ""), `category`
(null), `name`, `count` (1), `value` (null), `text` (null), `data` (custom pairs, exception and delivery members),
`sessions` (0). Numbers are shortest plain decimals written as text. A license record's facts stand in `set`.
"""

import hashlib
import json
from typing import Any, Final

from odometer.collect.timestamps import to_text
from odometer.model.records import OPT_TYPES, SUMMED_TYPES, RecordRow

_EVENT: Final = ("category", "name", "count", "value")
_OWN_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "session_start": ("session",),
    "session_stop": ("session", "runtime_ms"),
    "heartbeat": ("session",),
    "properties": ("set",),
    "license": ("set",),
    "event": ("session", *_EVENT, "text"),
    "custom_event": ("session", "category", "name", "data"),
    "exception": ("session", "data"),
    "reachout_delivered": ("data",),
    "opt_out": (),
    "opt_in": (),
    "client_day": ("sessions", "runtime_ms", "set"),
    "event_day": _EVENT,
}


def canonical_form(row: RecordRow) -> str:
    """The canonical text of a row; rows that say the same have the same text."""
    form: dict[str, Any] = {"clientId": row["client"], "machineId": row["machine"] or None, "type": row["type"]}
    if row["type"] in SUMMED_TYPES:
        form["day"] = row["day"]
    else:
        form["at"] = to_text(row["at_ms"])
    for member in _OWN_MEMBERS[row["type"]]:
        value = row[member]  # type: ignore[literal-required]
        form[member] = value if value != "" else None
    return json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def identify(row: RecordRow) -> None:
    """Give a row without seq its hash, and its canonical form where that can decide a last value."""
    text = canonical_form(row)
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
    row["hash"] = str(int.from_bytes(digest, "big"))
    decides = row["set"] or row["machine"] or row["type"] in OPT_TYPES or row["type"] == "session_stop"
    row["canonical"] = text if decides else ""
