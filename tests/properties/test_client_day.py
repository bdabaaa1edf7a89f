"""The derived tables hold what the oracle tells of the same records: day by day, property by property."""

import datetime as dt
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from odometer.model.properties import BY_NAME, CURRENT
from tests.conftest import Store
from tests.oracle.history import Life, lives
from tests.oracle.wire import DAILY, FLAGS, Value, milliseconds
from tests.worlds import CLIENTS, Delivery, World, feed, feed_as_stored, received, worlds

Row = dict[str, Any]
_NEVER = dt.date(1970, 1, 1)
_DAY_COLUMNS = ("client", "day", "install", "prev_day", "next_day", "sessions", "runtime_ms")


def held(store: Store, product: int, table: str, columns: tuple[str, ...]) -> list[Row]:
    """The rows that are left once removals are taken off; each must be left exactly once."""
    names = ", ".join(columns)
    found = store.engine.rows(
        f"SELECT {names}, sum(sign) FROM odometer.{table} WHERE product = {{p:UInt64}} "
        f"GROUP BY {names} HAVING sum(sign) != 0 ORDER BY {names}",
        {"p": product},
    )
    assert all(times == 1 for *_, times in found), found
    return [dict(zip(columns, values, strict=True)) for *values, _ in found]


def stored(name: str, value: Value) -> object:
    """A value as its column keeps it: empty text is null, numbers are doubles."""
    if value is None:
        return 0 if name in FLAGS else None if BY_NAME[name].data_type in ("number", "boolean") else ""
    return value if isinstance(value, str) else int(value) if isinstance(value, bool) else float(value)


def day_rows(found: dict[str, Life], end_of_days: dt.date) -> list[Row]:
    rows = []
    for life in found.values():
        days = list(life.days)
        for before, day, after in zip([_NEVER, *days], days, [*days[1:], end_of_days], strict=False):
            told = life.days[day]
            row = {
                "client": life.client,
                "day": day,
                "install": life.install,
                "prev_day": before,
                "next_day": after,
                "sessions": told.sessions,
                "runtime_ms": told.runtime_ms,
            }
            rows.append(row | {BY_NAME[name].column: stored(name, told.values[name]) for name in DAILY})
    return sorted(rows, key=lambda row: (row["client"], row["day"]))


def event_rows(found: dict[str, Life]) -> list[Row]:
    rows = [
        {"client": life.client, "day": day, "event": "\x1f".join(event), "count": count, "value": value}
        for life in found.values()
        for day, told in life.days.items()
        for event, (count, value) in told.events.items()
    ]
    return sorted(rows, key=lambda row: (row["client"], row["day"], row["event"]))


def client_event_rows(found: dict[str, Life]) -> list[Row]:
    rows = []
    for life in found.values():
        for event in {event for told in life.days.values() for event in told.events}:
            days = [day for day, told in life.days.items() if event in told.events]
            rows.append(
                {
                    "client": life.client,
                    "event": "\x1f".join(event),
                    "count": sum(life.days[day].events[event][0] for day in days),
                    "first_day": min(days),
                    "last_day": max(days),
                }
            )
    return sorted(rows, key=lambda row: (row["client"], row["event"]))


def client_rows(found: dict[str, Life]) -> list[Row]:
    rows = []
    for life in found.values():
        days = list(life.days)
        row = {
            "client": life.client,
            "install": life.install,
            "last_seen": life.last_seen,
            "active_days": len(days),
            "active_weeks": len({day.isocalendar()[:2] for day in days}),
            "active_months": len({(day.year, day.month) for day in days}),
            "sessions": sum(day.sessions for day in life.days.values()),
            "runtime_ms": sum(day.runtime_ms for day in life.days.values()),
            "opt_out_current": int(life.opt_out_current),
            "opt_out_historical": int(life.opt_out_historical),
        }
        rows.append(row | {prop.column: stored(prop.name, life.current.get(prop.name)) for prop in CURRENT})
    return sorted(rows, key=lambda row: row["client"])


def check(store: Store, product: int, world: World) -> None:
    found = lives(received(world))
    end_of_days = dt.date(1970, 1, 1) + dt.timedelta(days=65535)
    columns = (*_DAY_COLUMNS, *(BY_NAME[name].column for name in DAILY))
    assert held(store, product, "client_day", columns) == day_rows(found, end_of_days)
    events = held(store, product, "event_day", ("client", "day", "event", "count", "value"))
    assert events == event_rows(found)
    assert all(isinstance(row["value"], Decimal) for row in events)
    columns = ("client", "event", "count", "first_day", "last_day")
    assert held(store, product, "client_event", columns) == client_event_rows(found)
    expected = client_rows(found)
    assert held(store, product, "client", tuple(expected[0]) if expected else ("client",)) == expected


def test_the_defined_daily_properties_are_the_catalogues() -> None:
    assert set(DAILY) == {name for name, prop in BY_NAME.items() if prop.daily}


@given(world=worlds(), pause=st.none() | st.integers(0, 5))
@example(world=[], pause=None)
def test_derived_rows_are_what_the_records_say(store: Store, world: World, pause: int | None) -> None:
    check(store, feed(store, world, pause=pause), world)


@given(data=st.data(), world=worlds())
def test_replays_beside_their_originals_are_told_apart(store: Store, data: st.DataObject, world: World) -> None:
    # A client that opts in again would be judged by refusals at the door, which nobody guards here.
    arrival = data.draw(st.permutations(world))
    check(store, feed_as_stored(store, arrival), world)


def _heartbeat(day: str, received: str, number: int) -> Delivery:
    record = {"clientId": CLIENTS[0], "type": "heartbeat", "at": f"{day}T00:00:00Z", "seq": 1}
    return Delivery((record,), milliseconds(f"{received}T00:00:00Z"), f"batch-{number}")


def test_another_record_under_a_used_seq_does_not_erase_the_first_for_an_opt_out_between_them(store: Store) -> None:
    opt_out = {"clientId": CLIENTS[0], "type": "opt_out", "at": "2031-02-08T00:00:00Z"}
    world = [
        _heartbeat("2031-02-07", "2031-02-07", 1),
        Delivery((opt_out,), milliseconds("2031-02-09T00:00:00Z"), "", is_import=True),
        _heartbeat("2031-02-10", "2031-02-10", 2),
    ]
    check(store, feed(store, world), world)
    check(store, feed_as_stored(store, world), world)
