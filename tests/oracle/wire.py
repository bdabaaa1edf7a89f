"""How the oracle reads one record as a sender writes it (chapter 09): times, canonical form, what it sets."""

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Record = dict[str, Any]
Value = str | Decimal | bool | None

SUMMED = ("client_day", "event_day")
OPTS = ("opt_out", "opt_in")
CLOCK_TOLERANCE_MS = 5 * 60 * 1000
DAY_MS = 24 * 60 * 60 * 1000
AGE_LIMIT_MS = 400 * DAY_MS

FLAGS = tuple(f"licenseStatus.{flag}" for flag in ("activated", "allowed", "blocked", "expired"))
DAILY = (
    *("prodVersion", "prodEdition", "prodBuild", "prodLanguage", "licenseType", *FLAGS),
    *("geography.continent", "geography.country", "geography.usState"),
    *("os.platform", "os.version", "os.edition", "osLanguage"),
    *(f"C{slot:02}" for slot in range(1, 21)),
)
FAMILIES = (("os.platform", "os.version", "os.edition"), ("gpu.vendor", "gpu.model"))

# The members that each type knows beside clientId, machineId, type and at or day, with their defaults.
_EVENT: Record = {"category": None, "name": None, "count": 1, "value": None}
_DEFAULTS: dict[str, Record] = {
    "session_start": {"sessionId": None},
    "session_stop": {"sessionId": None, "runtimeSeconds": None},
    "heartbeat": {"sessionId": None},
    "properties": {"set": {}},
    "license": {"set": {}},
    "event": {"sessionId": None, **_EVENT, "text": None},
    "custom_event": {"sessionId": None, "category": None, "name": None, "data": None},
    "exception": {"sessionId": None, "className": None, "methodName": None, "message": None, "stackTrace": None},
    "reachout_delivered": {"campaignId": None, "campaignName": None, "mode": None},
    "opt_out": {},
    "opt_in": {},
    "client_day": {"sessions": 0, "runtimeSeconds": 0, "set": {}},
    "event_day": _EVENT,
}


@dataclass(frozen=True, slots=True)
class Received:
    """A record (with its clientId, perhaps machineId) as it reached the server.

    Attributes:
        record: its members.
        received_ms: when; of an import, its start.
        batch_id: of its batch, "" without.
        shift_ms: what the clock of its sender was put right by, see `clock_shift`.

    """

    record: Record
    received_ms: int
    batch_id: str = ""
    shift_ms: int = 0


def clock_shift(sent_at_ms: int | None, received_ms: int) -> int:
    """Milliseconds to add to `at` where a clock is more than 5 minutes ahead, or further back than the age limit."""
    if sent_at_ms is None:
        return 0
    is_ahead = sent_at_ms > received_ms + CLOCK_TOLERANCE_MS
    is_years_behind = sent_at_ms < received_ms - AGE_LIMIT_MS
    return received_ms - sent_at_ms if is_ahead or is_years_behind else 0


def milliseconds(moment: str) -> int:
    """RFC 3339 text in milliseconds since 1970."""
    since = dt.datetime.fromisoformat(moment) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return since // dt.timedelta(milliseconds=1)


def at_ms(record: Record) -> int:
    """The moment of a record as sent; of a summed one the midnight that begins its day."""
    return milliseconds(f"{record['day']}T00:00:00Z" if record["type"] in SUMMED else record["at"])


def used_ms(received: Received) -> int:
    """The moment that counts: shifted, and never after received. A summed record's day is what it says."""
    sent = at_ms(received.record)
    return sent if received.record["type"] in SUMMED else min(sent + received.shift_ms, received.received_ms)


def day_of(moment_ms: int) -> dt.date:
    """The UTC day of a moment."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=moment_ms // DAY_MS)


def is_null(value: object) -> bool:
    """Null, empty text and `<NULL>` are one value (chapter 00)."""
    return value is None or value in ("", "<NULL>")


def exact(number: float | Decimal) -> Decimal:
    """The decimal that was written, not the double it became."""
    return number if isinstance(number, Decimal) else Decimal(repr(number))


def shortest(number: float | Decimal) -> str:
    """A number as the shortest decimal text."""
    text = format(exact(number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def value_of(given: object) -> Value:
    """A property value as reports compare it."""
    if is_null(given):
        return None
    if isinstance(given, bool | str):
        return given
    assert isinstance(given, int | float | Decimal)
    return exact(given)


def name_of(text: object) -> str:
    """Category or name: trimmed, inner white space other than spaces removed; "" for null."""
    if text is None:
        return ""
    cleaned = "".join(sign for sign in str(text).strip() if sign == " " or not sign.isspace())
    return "" if is_null(cleaned) else cleaned


def properties_set(record: Record) -> dict[str, Value]:
    """What a record says about properties: name to value, None where it clears."""
    changes: dict[str, Value] = {}
    if record["type"] == "license":
        # The definitions call it `type`, which a record already has: senders write licenseType.
        members = {
            "key": "licenseKey",
            "licenseType": "licenseType",
            **{name.partition(".")[2]: name for name in FLAGS},
        }
        return {name: value_of(record[member]) for member, name in members.items() if member in record}
    if record["type"] in ("properties", "client_day"):
        given = record.get("set") or {}
        for family in FAMILIES:
            if any(name in given for name in family):
                changes.update(dict.fromkeys(family))
        changes.update({name: value_of(value) for name, value in given.items()})
    return changes


def canonical(record: Record) -> bytes:
    """The one spelling of a record without seq: sorted keys, defaults filled, UTF-8, no spaces, shortest decimals.

    Where the definitions leave a choice, and the order of two records of one moment depends on it: a cleared property
    is written as empty text, numbers are written as text, null members as null.
    """
    form: Record = {
        "clientId": record["clientId"],
        "machineId": value_of(record.get("machineId")),
        "type": record["type"],
    }
    if record["type"] in SUMMED:
        form["day"] = record["day"]
    else:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=at_ms(record))  # noqa: DTZ001 - printed with Z
        form["at"] = f"{moment.isoformat(timespec='milliseconds')}Z"
    for member, default in _DEFAULTS[record["type"]].items():
        given = record.get(member)
        form[member] = _canonical_member(record, member, default if given is None else given)
    return json.dumps(form, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _canonical_member(record: Record, member: str, value: object) -> object:
    if member == "set":
        return {name: _canonical_value(set_to) for name, set_to in properties_set(record).items()}
    if member in ("category", "name"):
        return name_of(value) or None
    if isinstance(value, int | float | Decimal):
        return shortest(value)
    return None if value == "" else value


def _canonical_value(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else shortest(value)
