"""Groups (chapter 02): all clients with one last known value make one virtual client."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from tests.oracle.history import Day, Life
from tests.oracle.wire import DAILY


def until(lives: Iterable[Life], today: dt.date) -> list[Life]:
    """The lives without their days after today, which do not exist for any report.

    What was set on such days stays in `current`: ask about it only where no day lies after today.
    """
    cut = [replace(life, days={day: told for day, told in life.days.items() if day <= today}) for life in lives]
    return [life for life in cut if life.days]


def grouped(lives: Iterable[Life], by: str | None) -> list[Life]:
    """The groups by a property; those who have no value of it are left out."""
    members: dict[object, list[Life]] = {}
    for life in lives:
        value = life.client if by in (None, "clientId") else last_known(life, str(by))
        if value is not None:
            members.setdefault(value, []).append(life)
    return [merged(group) for group in members.values()]


def last_known(life: Life, name: str) -> object:
    """The last known value of a property that records set."""
    return life.days[life.last_seen].values[name] if name in DAILY else life.current.get(name)


def merged(members: list[Life]) -> Life:
    """One virtual client; its current values are those of the member seen last (tie: greatest clientId)."""
    ascending = sorted(members, key=lambda life: life.client.encode())
    latest = max(ascending, key=lambda life: (life.last_seen, life.client.encode()))
    days: dict[dt.date, Day] = {}
    for life in ascending:
        for day, told in life.days.items():
            # Ascending ids: the row of the greatest is the one that stays.
            days[day] = _added(days.get(day, Day()), told)
    return replace(
        latest,
        days={day: days[day] for day in sorted(days)},
        opt_out_historical=any(life.opt_out_historical for life in members),
        deliveries={delivery for life in members for delivery in life.deliveries},
    )


def _added(sums: Day, told: Day) -> Day:
    events = dict(sums.events)
    for event, (count, value) in told.events.items():
        before, sum_before = events.get(event, (0, 0))
        events[event] = (before + count, sum_before + value)
    return Day(told.values, sums.sessions + told.sessions, sums.runtime_ms + told.runtime_ms, events)
