"""Which members each type of record has: unknown and misplaced ones are told with the nearest name (chapter 09)."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Final

from odometer.model.nearest import nearest_name
from odometer.model.properties import BY_NAME

_EVENT: Final = ("category", "name", "count", "value")
OWN_MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "session_start": ("sessionId",),
    "session_stop": ("sessionId", "runtimeSeconds"),
    "heartbeat": ("sessionId",),
    "properties": ("set",),
    "event": ("sessionId", *_EVENT, "text"),
    "custom_event": ("sessionId", "category", "name", "data"),
    "exception": ("sessionId", "className", "methodName", "message", "stackTrace"),
    "license": ("key", "licenseType", "activated", "allowed", "blocked", "expired"),
    "opt_out": (),
    "opt_in": (),
    "reachout_delivered": ("campaignId", "campaignName", "mode"),
    "client_day": ("day", "sessions", "runtimeSeconds", "set"),
    "event_day": ("day", *_EVENT),
}
_SUMMED: Final = ("client_day", "event_day")
_OF_SENDER: Final = ("clientId", "machineId", "sentAt", "sdk")
ENVELOPE: Final = frozenset({*_OF_SENDER, "batchId", "records"})


def _common(kind: str) -> tuple[str, ...]:
    return ("type", "seq") if kind in _SUMMED else ("type", "seq", "at")


# Of a record in an envelope, and of one that stands on a line of its own.
IN_ENVELOPE: Final = {kind: frozenset({*_common(kind), *own}) for kind, own in OWN_MEMBERS.items()}
ON_LINE: Final = {kind: members | frozenset(_OF_SENDER) for kind, members in IN_ENVELOPE.items()}
# `ip` counts only where the key may name addresses.
ON_LINE_WITH_IP: Final = {kind: members | {"ip"} for kind, members in ON_LINE.items()}
ALL_MEMBERS: Final = frozenset().union(*ON_LINE.values())

# A name longer than this is cut before it is told.
MAX_NAME: Final = 64


class IgnoredMembers:
    """Counts members that nothing reads, at most so many names: a sender must not fill the answer with them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts: dict[str, int] = {}

    def note(self, record: Mapping[str, object], known_of: Mapping[str, frozenset[str]]) -> None:
        """Count the members of a record that its type has not; of an unknown type nothing is known."""
        kind = record.get("type")
        known = known_of.get(kind) if type(kind) is str else None
        if known is not None and not known >= record.keys():
            self.add(record.keys() - known)

    def add(self, names: Iterable[str]) -> None:
        """Count one record's unknown members."""
        for name in names:
            shown = name[:MAX_NAME]
            if shown in self.counts or len(self.counts) < self._most:
                self.counts[shown] = self.counts.get(shown, 0) + 1


@lru_cache(maxsize=1024)
def nearest(name: str, kind: str) -> str:
    """What an unknown member of a type of record (`""` = an envelope) was probably meant to be; `""` = no idea.

    A property is `prodVersion in set`, a member of another type `runtimeSeconds of session_stop`.
    """
    own = ENVELOPE if kind == "" else ON_LINE.get(kind, frozenset())
    labels = {one.lower(): one for one in sorted(own)}
    labels |= {one.lower(): f"{one} in set" for one in BY_NAME if one.lower() not in labels}
    others = {one: other for other, members in OWN_MEMBERS.items() for one in members}
    labels |= {one.lower(): f"{one} of {other}" for one, other in others.items() if one.lower() not in labels}
    found = alike(name.lower(), labels)
    return labels[found] if found else ""


def alike(name: str, names: Collection[str]) -> str:
    """The one of the names that is most like `name`; `""` when none is."""
    if name in names:
        return name
    return nearest_name(name, names) or ""


def advice(name: str, kind: str) -> str:
    """A sentence on an unknown member of a record."""
    meant = nearest(name[:MAX_NAME], kind)
    return f"{name[:MAX_NAME]} is no member of {kind}" + (f"; the nearest is {meant}." if meant else ".")
