"""Which members a record has agrees with what is read of it; unknown ones are told with the nearest name."""

from typing import Any

import pytest

from odometer.collect.known_members import ENVELOPE, IN_ENVELOPE, ON_LINE, OWN_MEMBERS, nearest
from odometer.collect.records import to_row
from odometer.model.records import LIVE_TYPES, SUMMED_TYPES
from tests.unit.collect.senders import IMPORT, LIVE, client_day, event_day, live


class Watched(dict[str, Any]):
    """A record that remembers which members were looked at."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.seen: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)


SUMMED = {"client_day": client_day(), "event_day": event_day()}


@pytest.mark.parametrize("kind", sorted(LIVE_TYPES | SUMMED_TYPES))
def test_the_known_members_are_those_that_are_read(kind: str) -> None:
    record = Watched(SUMMED[kind] if kind in SUMMED else live(kind))
    record.pop("clientId", None)

    to_row(record, IMPORT if kind in SUMMED else LIVE)

    assert record.seen == IN_ENVELOPE[kind]
    assert ON_LINE[kind] == record.seen | {"clientId", "machineId", "sentAt", "sdk"}


def test_every_type_is_known() -> None:
    assert OWN_MEMBERS.keys() == LIVE_TYPES | SUMMED_TYPES
    assert {"clientId", "machineId", "sdk", "sentAt", "batchId", "records"} == ENVELOPE


@pytest.mark.parametrize(
    ("name", "kind", "meant"),
    [
        ("sesions", "client_day", "sessions"),
        ("catgory", "event", "category"),
        ("ClientID", "event", "clientId"),
        ("prodVersion", "client_day", "prodVersion in set"),
        ("prod_version", "properties", "prodVersion in set"),
        ("C04", "event", "C04 in set"),
        ("runTimeSeconds", "session_stop", "runtimeSeconds"),
        ("runtimeSeconds", "heartbeat", "runtimeSeconds of client_day"),
        ("batchID", "", "batchId"),
        ("favouriteColour", "event", ""),
        ("x" * 64, "event", ""),
        ("", "event", ""),
    ],
)
def test_the_nearest_name_is_told(name: str, kind: str, meant: str) -> None:
    assert nearest(name, kind) == meant
