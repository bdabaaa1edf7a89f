"""Dense histories for the query language: several clients meet in few days, values, machines and keys.

How records arrive is told elsewhere (tests.worlds); here one import brings them all.
"""

import datetime as dt
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.oracle.history import Life, lives
from tests.oracle.wire import DAY_MS, Record, at_ms, day_of
from tests.properties.values import DELIVERED, LICENSE, MACHINES, full_sets, sets
from tests.worlds import ANCHORS, Delivery, World, moment_text, received, to_ms

ONE_DAY = dt.timedelta(days=1)
# Ids of any case: the greatest in bytes is not the last in an alphabet.
CLIENTS = ("client-a", "client-B", "client-C", "client-d", "client-10", "client-9", "client_Z", "client-e")
_EVENTS = {
    "category": st.sampled_from(["Edit", "Canvas", "(x", None]),
    "name": st.sampled_from(["Crop", "Rotate", "it's"]),
    "count": st.sampled_from([1, 2, 5]),
}
_KINDS = ("client_day",) * 5 + ("event_day", "license", "reachout_delivered", "opt_out", "opt_in")
_MEMBERS = {
    "client_day": st.fixed_dictionaries(
        {"set": sets(places=True)},
        optional={"sessions": st.integers(0, 2), "runtimeSeconds": st.sampled_from([0, 20, 60, 90])},
    ),
    "event_day": st.fixed_dictionaries(_EVENTS),
    "license": st.fixed_dictionaries({}, optional=LICENSE),
    "reachout_delivered": st.fixed_dictionaries(DELIVERED),
    "opt_out": st.just({}),
    "opt_in": st.just({}),
}
_HOURS = st.integers(0, 23)


@st.composite
def _record(
    draw: st.DrawFn, client: str, days: Sequence[dt.date], *, opts: bool, machines: Sequence[str | None]
) -> Record:
    kind = draw(st.sampled_from(_KINDS if opts else _KINDS[:-2]))
    day = draw(st.sampled_from(days))
    summed = kind in ("client_day", "event_day")
    when = {"day": str(day)} if summed else {"at": moment_text(to_ms(day) + draw(_HOURS) * 3_600_000)}
    record = {"clientId": client, "type": kind, **when, **draw(_MEMBERS[kind])}
    return {**record, "machineId": draw(st.sampled_from(machines))} if kind == "client_day" and machines else record


@st.composite
def histories(draw: st.DrawFn, *, own_machines: bool = False) -> World:
    """A world of one import. `own_machines`: every client has a machine of its own, from its first day on."""
    anchor = draw(st.sampled_from(ANCHORS))
    days = sorted(anchor + n * ONE_DAY for n in draw(st.sets(st.integers(0, 24), min_size=3, max_size=9)))
    day = st.sampled_from(days)
    records: list[Record] = []
    for client in draw(st.lists(st.sampled_from(CLIENTS), min_size=4, max_size=8, unique=True)):
        opts = draw(st.integers(0, 3)) == 0
        # None is nothing sent: the machine before stays.
        machines = () if own_machines else draw(st.sampled_from([(), (MACHINES[0],), MACHINES, (*MACHINES, None)]))
        own = draw(st.lists(_record(client, days, opts=opts, machines=machines), min_size=2, max_size=8))
        if draw(st.integers(0, 3)):
            own.append({"clientId": client, "type": "client_day", "day": str(draw(day)), "set": draw(full_sets())})
        if own_machines:
            first = min(day_of(at_ms(record)) for record in own)
            own.append({"clientId": client, "type": "client_day", "day": str(first), "machineId": f"of-{client}"})
        records += own
    return [Delivery(tuple(records), to_ms(max(days)) + DAY_MS, "history", is_import=True)]


def lives_of(world: World) -> list[Life]:
    """The lives that a world tells."""
    return list(lives(received(world)).values())


def last_day(world: World) -> dt.date:
    """The last day of which a world tells anything, opt records included."""
    return max((day_of(at_ms(record)) for one in world for record in one.records), default=ANCHORS[0])


def days_of(found: Sequence[Life]) -> list[dt.date]:
    """The active days of all clients; one nearby where there are none."""
    return sorted({day for life in found for day in life.days}) or [ANCHORS[0]]
