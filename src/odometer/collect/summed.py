"""The two record types of import files that carry history already summed up: `client_day` and `event_day`."""

from collections.abc import Mapping
from typing import Any, Final

from odometer.collect import members, property_set
from odometer.model.records import RecordRow

MAX_SESSIONS: Final = 2**31
# Our decision: 68 years; whole lives of busy clients may have been summed into one day.
MAX_SUMMED_RUNTIME_S: Final = 2**31


def fill_client_day(record: Mapping[str, Any], row: RecordRow) -> None:
    """Sessions, runtime and last property values of one client on one day."""
    sessions = record.get("sessions")
    row["sessions"] = 0 if sessions is None else members.whole(sessions, "sessions", 0, MAX_SESSIONS)
    runtime = record.get("runtimeSeconds")
    row["runtime_ms"] = 0 if runtime is None else members.milliseconds(runtime, "runtimeSeconds", MAX_SUMMED_RUNTIME_S)
    given = record.get("set")
    if given is not None:
        row["set"] = property_set.property_set(given, property_set.SUMMED_KINDS)


def fill_event_day(record: Mapping[str, Any], row: RecordRow) -> None:
    """How often one client used one event on one day."""
    members.fill_counted(record, row)
