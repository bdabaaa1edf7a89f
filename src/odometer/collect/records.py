"""One record as a sender writes it → one row of the store, or the `Problem` that names its bad member (chapter 09)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from odometer.clock import DAY_MS
from odometer.collect import members
from odometer.collect.canonical import identify
from odometer.collect.identity import read_seq
from odometer.collect.normalise import normalise
from odometer.collect.property_set import LIVE_KINDS, SUMMED_KINDS, license_set, property_set
from odometer.collect.timestamps import check_is_of_a_clock, check_not_ancient, parse_day_start, parse_moment
from odometer.errors import Problem, invalid
from odometer.model.moments import day_of
from odometer.model.nearest import nearest_name
from odometer.model.records import MAX_SEQ, RecordRow

MAX_RUNTIME_S: Final = 2_592_000
MAX_SESSION_COUNT: Final = 2**31
# A day may sum up the runtime of many parallel sessions; the bound only keeps sums inside 64 bits.
MAX_SUMMED_RUNTIME_S: Final = 10**9
MAX_EVENT_COUNT: Final = 2**31
MAX_TEXT: Final = 4096
MAX_STACK_TRACE: Final = 16_384

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sender:
    """What a record's batch or line says beside the record itself.

    Attributes:
        client_id: checked id of the installation.
        machine_id: "" when none was sent.
        shift_ms: added to `at`; not 0 only when the sender's clock is ahead, or years behind.
        received_ms: no used time lies after it.
        max_age_days: older records are refused; None = import, which also takes summed types and records without seq.
        place: continent, country, US state of the caller's address; "" each when unknown.
        used_ms: the used time, of a record that was accepted before; None = by the clock rule.

    """

    client_id: str
    machine_id: str
    shift_ms: int
    received_ms: int
    max_age_days: int | None
    place: tuple[str, str, str] = ("", "", "")
    used_ms: int | None = None

    @property
    def is_import(self) -> bool:
        """Whether the rules of bulk import hold."""
        return self.max_age_days is None


def to_row(record: Record, sender: Sender) -> RecordRow:
    """Check a record and turn it into a row. Raises `Problem` with the member at fault in `field`."""
    kind = record.get("type")
    if kind is None:
        raise members.missing("type")
    summed = _SUMMED.get(kind) if isinstance(kind, str) and sender.is_import else None
    live = _LIVE.get(kind) if isinstance(kind, str) else None
    read = summed or live
    if read is None:
        raise _no_type(kind, sender)
    seq = _seq(record, sender, summed=summed is not None)
    at_ms, used_ms = _day_times(record, sender) if summed else _times(record, sender)
    row = RecordRow(
        client=sender.client_id,
        seq=seq,
        hash="0",
        at_ms=at_ms,
        used_ms=used_ms,
        day=day_of(used_ms),
        type=str(kind),
        machine=sender.machine_id,
        session="",
        category="",
        name="",
        count=1,
        value=None,
        text="",
        sessions=0,
        runtime_ms=-1,
        continent=sender.place[0],
        country=sender.place[1],
        us_state=sender.place[2],
        set={},
        data="",
        canonical="",
    )
    read(record, row)
    if not seq:
        identify(row)
    # After that, so that a record stays the same one when a later catalogue spells its values differently.
    normalise(row["set"])
    return row


def _no_type(kind: object, sender: Sender) -> Problem:
    if isinstance(kind, str) and kind in _SUMMED:
        return invalid("type", f"{kind} sums up a day; only imports take it.")
    near = nearest_name(str(kind), [*_LIVE, *(_SUMMED if sender.is_import else ())])
    return invalid("type", f"{str(kind)[:64]!r} is not a record type." + (f" Did you mean {near}?" if near else ""))


def _seq(record: Record, sender: Sender, *, summed: bool) -> int:
    seq = read_seq(record)
    if seq and summed:
        raise invalid("seq", "A summed record has no seq.")
    if not seq and not sender.is_import:
        raise members.missing("seq")
    return seq


def _times(record: Record, sender: Sender) -> tuple[int, int]:
    """(as sent, as used): shifted when the sender's clock is wrong, never after received."""
    if record.get("at") is None:
        raise members.missing("at")
    at_ms = parse_moment(record["at"], "at")
    check_is_of_a_clock(at_ms, "at")
    if sender.used_ms is not None:
        check_not_ancient(sender.used_ms, "at")
        return at_ms, sender.used_ms
    if sender.is_import and at_ms > sender.received_ms:
        raise invalid("at", "at lies in the future.")
    used_ms = min(at_ms + sender.shift_ms, sender.received_ms)
    check_not_ancient(used_ms, "at")
    if sender.max_age_days is not None and used_ms < sender.received_ms - sender.max_age_days * DAY_MS:
        raise invalid("at", f"The record is older than {sender.max_age_days} days.")
    return at_ms, used_ms


def _day_times(record: Record, sender: Sender) -> tuple[int, int]:
    if record.get("day") is None:
        raise members.missing("day")
    start_ms = parse_day_start(record["day"], "day")
    check_not_ancient(start_ms, "day")
    if start_ms > sender.received_ms:
        raise invalid("day", "day lies in the future.")
    return start_ms, start_ms


def _session(record: Record, row: RecordRow) -> None:
    row["session"] = members.optional_text(record, "sessionId", 10, 64)


def _session_start(record: Record, row: RecordRow) -> None:
    row["session"] = members.required_text(record, "sessionId", 10, 64)


def _session_stop(record: Record, row: RecordRow) -> None:
    _session_start(record, row)
    if record.get("runtimeSeconds") is not None:
        row["runtime_ms"] = members.milliseconds(record["runtimeSeconds"], "runtimeSeconds", MAX_RUNTIME_S)


def _properties(record: Record, row: RecordRow) -> None:
    row["set"] = property_set(record.get("set"), LIVE_KINDS)


def _counted(record: Record, row: RecordRow) -> None:
    row["category"] = members.category(record)
    row["name"] = members.event_name(record)
    if record.get("count") is not None:
        row["count"] = members.whole(record["count"], "count", 1, MAX_EVENT_COUNT)
    if record.get("value") is not None:
        row["value"] = members.exact_value(record["value"], "value")


def _event(record: Record, row: RecordRow) -> None:
    _session(record, row)
    _counted(record, row)
    row["text"] = members.optional_text(record, "text", 0, MAX_TEXT)


def _custom_event(record: Record, row: RecordRow) -> None:
    _session(record, row)
    row["category"] = members.category(record)
    row["name"] = members.event_name(record)
    pairs = record.get("data")
    if pairs is None:
        raise members.missing("data")
    if not isinstance(pairs, list):
        raise invalid("data", "data must be an array of [key, value] pairs.")
    joined = 0
    for place, pair in enumerate(pairs):
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(text) is str for text in pair)):
            raise invalid(f"data[{place}]", "A pair is an array of two texts.")
        if "\0" in pair[0] or "\0" in pair[1]:
            raise invalid(f"data[{place}]", "A pair holds a NUL character.")
        joined += len(pair[0]) + len(pair[1]) + 2
    # `key=value` joined by `|`: one sign in each pair, one between two of them.
    if joined - 1 > MAX_TEXT:
        raise invalid("data", f"The pairs have {joined - 1:,} characters together; at most {MAX_TEXT:,} are kept.")
    row["data"] = _compact(pairs)


def _exception(record: Record, row: RecordRow) -> None:
    _session(record, row)
    row["data"] = _compact(
        {
            "className": members.required_text(record, "className", 1, 256),
            "methodName": members.required_text(record, "methodName", 1, 256),
            "message": members.required_text(record, "message", 0, MAX_TEXT),
            "stackTrace": members.required_text(record, "stackTrace", 0, MAX_STACK_TRACE),
        }
    )


def _license(record: Record, row: RecordRow) -> None:
    row["set"] = license_set(record)


def _reachout_delivered(record: Record, row: RecordRow) -> None:
    mode = members.required_text(record, "mode", 0, MAX_TEXT)
    if mode not in ("auto", "manual"):
        raise invalid("mode", "mode must be auto or manual.")
    if record.get("campaignId") is None:
        raise members.missing("campaignId")
    row["data"] = _compact(
        {
            "campaignId": members.whole(record["campaignId"], "campaignId", 0, MAX_SEQ),
            "campaignName": members.optional_text(record, "campaignName", 0, 256),
            "mode": mode,
        }
    )


def _opt(record: Record, row: RecordRow) -> None:
    """An opt record says nothing else."""


def _client_day(record: Record, row: RecordRow) -> None:
    row["runtime_ms"] = 0
    if record.get("sessions") is not None:
        row["sessions"] = members.whole(record["sessions"], "sessions", 0, MAX_SESSION_COUNT)
    if record.get("runtimeSeconds") is not None:
        row["runtime_ms"] = members.milliseconds(record["runtimeSeconds"], "runtimeSeconds", MAX_SUMMED_RUNTIME_S)
    if record.get("set") is not None:
        row["set"] = property_set(record["set"], SUMMED_KINDS)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_Reader = Callable[[Record, RecordRow], None]
_LIVE: Final[dict[str, _Reader]] = {
    "session_start": _session_start,
    "session_stop": _session_stop,
    "heartbeat": _session,
    "properties": _properties,
    "event": _event,
    "custom_event": _custom_event,
    "exception": _exception,
    "license": _license,
    "opt_out": _opt,
    "opt_in": _opt,
    "reachout_delivered": _reachout_delivered,
}
_SUMMED: Final[dict[str, _Reader]] = {"client_day": _client_day, "event_day": _counted}
