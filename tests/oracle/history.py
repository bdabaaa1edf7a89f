"""The life of every client, told by the records that reached the server (chapter 09, Rules)."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from tests.oracle import wire
from tests.oracle.wire import DAILY, DAY_MS, FLAGS, OPTS, SUMMED, Received, Record, Value

MAX_RUNTIME_MS = 30 * DAY_MS


@dataclass(slots=True)
class Day:
    """One active day: the last values of the daily properties, and what was counted on it."""

    values: dict[str, Value] = field(default_factory=dict)
    sessions: int = 0
    runtime_ms: int = 0
    events: dict[tuple[str, str], tuple[int, Decimal]] = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """A client with at least one active day; `days` ascend. Event keys are (category or "", name).

    `deliveries` are the campaigns it was shown, as (mode, campaign); `campaign_names` is what their records call them,
    as (moment, campaign, name), where of two moments the greater is the later one.
    """

    client: str
    days: dict[dt.date, Day]
    current: dict[str, Value]
    opt_out_current: bool
    opt_out_historical: bool
    deliveries: set[tuple[str, int]] = field(default_factory=set)
    campaign_names: list[tuple[tuple[dt.date, bool, int, str], int, str]] = field(default_factory=list)

    @property
    def install(self) -> dt.date:
        """The first active day."""
        return min(self.days)

    @property
    def last_seen(self) -> dt.date:
        """The last active day."""
        return max(self.days)


@dataclass(frozen=True, slots=True)
class _Fact:
    """A record that is kept, with the moment that counts and its place among the records of one day."""

    record: Record
    seq: int
    used_ms: int
    # Summed records by canonical form, then those without seq by `at` and canonical form, then by seq.
    order: tuple[int, int, bytes]

    @property
    def type(self) -> str:
        return str(self.record["type"])

    @property
    def day(self) -> dt.date:
        return wire.day_of(self.used_ms)


def lives(received: Iterable[Received]) -> dict[str, Life]:
    """Every client that has an active day, by its id."""
    found = {}
    for client, facts in _by_client(received).items():
        counting, opts = _counting(facts)
        if counting:
            found[client] = _life(client, counting, opts)
    return found


def facts_that_count(received: Iterable[Received]) -> dict[str, list[_Fact]]:
    """The records of every client that are kept and count, without opt records."""
    return {client: _counting(facts)[0] for client, facts in _by_client(received).items()}


def _by_client(received: Iterable[Received]) -> dict[str, list[_Fact]]:
    found: dict[str, list[_Fact]] = {}
    for fact in _distinct(received):
        found.setdefault(fact.record["clientId"], []).append(fact)
    return found


def _counting(facts: list[_Fact]) -> tuple[list[_Fact], list[_Fact]]:
    opts = [fact for fact in facts if fact.type in OPTS]
    return [fact for fact in facts if fact.type not in OPTS and _counts(fact, opts)], opts


def _distinct(received: Iterable[Received]) -> list[_Fact]:
    """Each record once: by seq the one received first (tie: smaller batchId), without seq those that say the same."""
    kept: dict[tuple[str, int | bytes], _Fact] = {}
    for one in sorted(received, key=lambda one: (one.received_ms, one.batch_id)):
        record = one.record
        seq = record.get("seq") or 0
        form = b"" if seq else wire.canonical(record)
        if seq:
            order = (2, seq, b"")
        elif record["type"] in SUMMED:
            order = (0, 0, form)
        else:
            order = (1, wire.at_ms(record), form)
        kept.setdefault((record["clientId"], seq or form), _Fact(record, seq, wire.used_ms(one), order))
    return list(kept.values())


def _counts(fact: _Fact, opts: list[_Fact]) -> bool:
    """Whether the nearest opt record before the record is not an opt_out.

    Before means smaller seq, or earlier time where one of the two has no seq. Our reading where both kinds of opt
    records exist: those with a seq come first for a record with one.
    """
    nearest = None
    if fact.seq:
        earlier = [opt for opt in opts if opt.seq and opt.seq < fact.seq]
        nearest = max(earlier, key=lambda opt: opt.seq, default=None)
        opts = [opt for opt in opts if not opt.seq]
    if nearest is None:
        earlier = [opt for opt in opts if opt.used_ms < fact.used_ms]
        nearest = max(earlier, key=lambda opt: (opt.used_ms, opt.order), default=None)
    return nearest is None or nearest.type == "opt_in"


def _life(client: str, facts: list[_Fact], opts: list[_Fact]) -> Life:
    days: dict[dt.date, Day] = {day: Day() for day in sorted({fact.day for fact in facts})}
    current: dict[str, Value] = {}
    for fact in sorted(facts, key=lambda fact: (fact.day, fact.order)):
        current.update(wire.properties_set(fact.record))
        machine = wire.value_of(fact.record.get("machineId"))
        if machine is not None:
            current["machineId"] = machine
        days[fact.day].values = _daily(current)
        _add_counts(days[fact.day], fact)
    _add_sessions(days, facts)
    greatest = max(opts, key=lambda opt: opt.order, default=None)
    return Life(
        client,
        days,
        current,
        opt_out_current=greatest is not None and greatest.type == "opt_out",
        opt_out_historical=any(opt.type == "opt_out" for opt in opts),
        deliveries={
            (fact.record["mode"], fact.record["campaignId"]) for fact in facts if fact.type == "reachout_delivered"
        },
        campaign_names=[
            ((fact.day, fact.seq > 0, fact.seq or fact.used_ms, client), fact.record["campaignId"], name)
            for fact in facts
            if fact.type == "reachout_delivered" and (name := fact.record.get("campaignName"))
        ],
    )


def _daily(current: dict[str, Value]) -> dict[str, Value]:
    return {name: current.get(name) or False if name in FLAGS else current.get(name) for name in DAILY}


def _add_counts(day: Day, fact: _Fact) -> None:
    record = fact.record
    if fact.type == "client_day":
        day.sessions += record.get("sessions") or 0
        day.runtime_ms += _ms(record.get("runtimeSeconds") or 0)
    elif fact.type in ("event", "event_day"):
        key = (wire.name_of(record.get("category")), wire.name_of(record["name"]))
        count, value = day.events.get(key, (0, Decimal(0)))
        more = record.get("count")
        day.events[key] = (count + (1 if more is None else more), value + wire.exact(record.get("value") or 0))


def _add_sessions(days: dict[dt.date, Day], facts: list[_Fact]) -> None:
    """Each session once, with its whole runtime, on the day of its earliest record."""
    sessions: dict[str, list[_Fact]] = {}
    for fact in facts:
        if fact.record.get("sessionId"):
            sessions.setdefault(fact.record["sessionId"], []).append(fact)
    for members in sessions.values():
        moments = [fact.used_ms for fact in members]
        day = days[wire.day_of(min(moments))]
        day.sessions += 1
        day.runtime_ms += _runtime(members, max(moments) - min(moments))


def _runtime(members: list[_Fact], length_ms: int) -> int:
    stop = max((fact for fact in members if fact.type == "session_stop"), key=lambda fact: fact.order, default=None)
    said = None if stop is None else stop.record.get("runtimeSeconds")
    return min(length_ms if said is None else _ms(said), MAX_RUNTIME_MS)


def _ms(seconds: float) -> int:
    return int(wire.exact(seconds) * 1000)
