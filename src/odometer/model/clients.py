"""A client as lists and files show it: its values, its active days, and the members of values that are lists."""

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple


class EventCount(NamedTuple):
    """How often a client caused an event in its life; category "" is none."""

    category: str
    name: str
    times: int


class Delivery(NamedTuple):
    """A ReachOut campaign that was shown to a client; the name is None when none was ever sent."""

    campaign_id: int
    name: str | None


# None is null; flags are never None.
Value = str | int | float | bool | dt.date | tuple[EventCount, ...] | tuple[Delivery, ...] | None


class ActiveDay(NamedTuple):
    """One active day with that day's last values, in the order they were asked for."""

    day: dt.date
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client of a list.

    Attributes:
        client: its id.
        values: last known values, in the order they were asked for.
        days: active days of the range asked about, ascending; empty when none was asked about.

    """

    client: str
    values: tuple[Value, ...]
    days: tuple[ActiveDay, ...] = ()
