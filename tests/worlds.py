"""Small dense histories as Hypothesis draws them, and how they get into the store.

Few days, few values and few sessions, so that records meet: on one day, in one session, around midnight, at the ends
of weeks and months. A world is a list of deliveries in the order of arrival.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st

from odometer.collect.envelope import ParsedBatch, ParseOptions, parse_batch
from odometer.collect.import_rows import FileChunk, encode_chunk
from odometer.store.records.append import Batch
from odometer.store.records.bulk import BulkAppend
from tests.conftest import Store
from tests.oracle.wire import DAY_MS, OPTS, Received, Record, at_ms, clock_shift
from tests.properties.values import DELIVERED, LICENSE, MACHINES, NULLS, sets

HOUR_MS = DAY_MS // 24
MINUTE_MS = 60_000
# Days shortly before the end of a month; one of them of a leap February, one of a year.
ANCHORS = tuple(map(dt.date.fromisoformat, ("2031-01-27", "2031-05-12", "2032-02-20", "2030-12-26")))
SPAN_DAYS = 70
_EDGES = (0, 1, MINUTE_MS, 12 * HOUR_MS, DAY_MS - 2 * MINUTE_MS, DAY_MS - 1)
_ID = "installation"
# Their byte order is not that of their numbers or letters.
CLIENTS = (f"{_ID}-10", f"{_ID}-9", f"{_ID}-A", f"{_ID}-a", f"{_ID}_Z")
SESSIONS = ("session-0001", "session-0002", "session-0003")

_SESSION = {"sessionId": st.sampled_from(SESSIONS)}
_RUNTIME = st.sampled_from([0, 1, 0.25, 42.5, 3600, 4200, 2_592_000, None])
_COUNTED: dict[str, st.SearchStrategy[Any]] = {
    "category": st.sampled_from(["Edit", "Canvas", None]),
    "count": st.sampled_from([1, 2, 2**31]),
    "value": st.sampled_from([0, 1.5, -0.1, 0.000001, 123456789.654321, None]),
}
_NAME = {"name": st.sampled_from(["Crop", "Rotate"])}
# Type to (members it needs, members it may have).
_LIVE: dict[str, tuple[dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]] = {
    "heartbeat": ({}, _SESSION),
    "properties": ({"set": sets()}, {}),
    "session_start": (_SESSION, {}),
    "session_stop": (_SESSION, {"runtimeSeconds": _RUNTIME}),
    "event": (_NAME, {**_COUNTED, **_SESSION}),
    "license": ({}, LICENSE),
    "custom_event": ({**_NAME, "data": st.just([["k", "v"], ["k", "w"]])}, _SESSION),
    "exception": ({name: st.just("E") for name in ("className", "methodName", "message", "stackTrace")}, _SESSION),
    "reachout_delivered": (DELIVERED, {}),
}
_SUMMED: dict[str, tuple[dict[str, st.SearchStrategy[Any]], dict[str, st.SearchStrategy[Any]]]] = {
    "client_day": (
        {},
        {
            "sessions": st.integers(0, 3),
            "runtimeSeconds": st.sampled_from([0, 60, 42.5, 4200]),
            "set": sets(places=True),
        },
    ),
    "event_day": (_NAME, _COUNTED),
}
_OPT_KINDS = ("none",) * 14 + ("out", "out_in")
_MACHINE = {"machineId": st.sampled_from([*MACHINES, *NULLS])}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Records (each with its clientId, perhaps machineId) that reached the server together."""

    records: tuple[Record, ...]
    received_ms: int
    batch_id: str
    sent_at_ms: int | None = None
    is_import: bool = False

    @property
    def envelope(self) -> bool:
        """Whether one envelope can carry it; else it goes as lines."""
        return len({(record["clientId"], record.get("machineId")) for record in self.records}) == 1

    @property
    def is_years_behind(self) -> bool:
        """Whether the clock of its sender lost its battery."""
        return clock_shift(self.sent_at_ms, self.received_ms) > 0

    @property
    def wire_batch_id(self) -> str:
        """The batchId that the server hears of: imports and lines have none."""
        return self.batch_id if self.envelope and not self.is_import else ""

    def received(self) -> list[Received]:
        """Its records as the oracle takes them."""
        shift_ms = 0 if self.is_import else clock_shift(self.sent_at_ms, self.received_ms)
        return [Received(record, self.received_ms, self.wire_batch_id, shift_ms) for record in self.records]


World = list[Delivery]


def received(world: Iterable[Delivery]) -> list[Received]:
    """All records of a world as the oracle takes them."""
    return [one for delivery in world for one in delivery.received()]


def to_ms(day: dt.date) -> int:
    """Midnight UTC that begins the day, in milliseconds since 1970."""
    return (day - dt.date(1970, 1, 1)).days * DAY_MS


def moment_text(moment_ms: int, offset_hours: int = 0) -> str:
    """RFC 3339 text of a moment, written with an offset when one is given."""
    zone = dt.timezone(dt.timedelta(hours=offset_hours))
    moment = dt.datetime.fromtimestamp(moment_ms // 1000, tz=zone).replace(microsecond=moment_ms % 1000 * 1000)
    text = moment.isoformat(timespec="milliseconds" if moment_ms % 1000 else "seconds")
    return text if offset_hours else text.replace("+00:00", "Z")


@st.composite
def _moments(draw: st.DrawFn, days: Sequence[dt.date]) -> int:
    return to_ms(draw(st.sampled_from(days))) + draw(st.sampled_from(_EDGES) | st.integers(0, DAY_MS - 1))


@st.composite
def _live_record(draw: st.DrawFn, client: str, days: Sequence[dt.date], kind: str | None = None) -> Record:
    chosen = kind or draw(st.sampled_from(list(_LIVE)))
    needed, optional = _LIVE.get(chosen, ({}, {}))
    moment = moment_text(draw(_moments(days)), draw(st.sampled_from([0, 0, 0, 2, -11])))
    members = draw(st.fixed_dictionaries(needed, optional=optional))
    return {"clientId": client, "type": chosen, "at": moment, **members}


@st.composite
def _import_record(draw: st.DrawFn, client: str, days: Sequence[dt.date]) -> Record:
    kind = draw(st.sampled_from(["client_day", "client_day", "event_day", "live"]))
    if kind == "live":
        record = draw(_live_record(client, days))
    else:
        needed, optional = _SUMMED[kind]
        members = draw(st.fixed_dictionaries(needed, optional=optional))
        record = {"clientId": client, "type": kind, "day": str(draw(st.sampled_from(days))), **members}
    # The definitions do not say how these two spell their members canonically; only a machine id would show it.
    if record["type"] not in ("exception", "reachout_delivered"):
        record |= draw(st.fixed_dictionaries({}, optional=_MACHINE))
    return record


@st.composite
def _client_live(draw: st.DrawFn, client: str, days: Sequence[dt.date], opts: str) -> list[Record]:
    """The records of one installation in the order of seq, which need not be that of their times."""
    records = draw(st.lists(_live_record(client, days), max_size=10))
    kinds = {"none": [], "out": ["opt_out"], "out_in": ["opt_out", "opt_in"]}[opts]
    for kind in kinds:
        place = draw(st.integers(0, len(records)))
        records.insert(place, draw(_live_record(client, days, kind)))
    seq = 0
    for record in records:
        seq += draw(st.sampled_from([1, 1, 1, 7]))
        record["seq"] = seq
        # What an opt record's machine means is nobody's business: such a record counts for nothing else.
        if record["type"] not in OPTS:
            record.update(draw(st.fixed_dictionaries({}, optional=_MACHINE)))
    return records


@st.composite
def _batches(
    draw: st.DrawFn, records: list[Record], client: str, days: Sequence[dt.date], *, steady: bool, in_order: bool
) -> World:
    """The records of a client cut into batches, perhaps out of order, some sent again with other company."""
    order = list(records) if in_order else draw(st.permutations(records))
    parts = []
    while order:
        size = draw(st.integers(1, len(order)))
        parts.append(order[:size])
        order = order[size:]
    for _ in range(draw(st.integers(0, 2)) if records else 0):
        again = draw(st.lists(st.sampled_from(records), min_size=1, max_size=4, unique_by=id))
        parts.append(again if in_order or steady else [draw(_perhaps_altered(record, days)) for record in again])
    found: World = []
    for number, part in enumerate(parts):
        batch_id = f"{client}-{number}"
        found.append(draw(_delivery(part, batch_id, found[-1:] if in_order else [], steady=steady)))
    return found


@st.composite
def _perhaps_altered(draw: st.DrawFn, record: Record, days: Sequence[dt.date]) -> Record:
    """Rarely a sender that lost its count: another record under a seq that was used."""
    if draw(st.integers(0, 5)):
        return record
    return draw(_live_record(record["clientId"], days)) | {"seq": record["seq"]}


@st.composite
def _delivery(draw: st.DrawFn, part: list[Record], batch_id: str, before: World, *, steady: bool) -> Delivery:
    latest = max(map(at_ms, part))
    # Received before its own records: the sender's clock is ahead, whether sentAt tells or not.
    delays = [0, HOUR_MS, 3 * DAY_MS] if steady else [0, 0, HOUR_MS, 3 * DAY_MS, -HOUR_MS, -2 * DAY_MS]
    received_ms = latest + draw(st.sampled_from(delays))
    for earlier in before:
        received_ms = max(received_ms, earlier.received_ms + 1)
    ahead = [None] if steady else [None, 0, -DAY_MS, 5 * MINUTE_MS, 5 * MINUTE_MS + 1, DAY_MS]
    by = draw(st.sampled_from(ahead))
    sent_at_ms = None if by is None else received_ms + by
    if not steady and draw(st.integers(0, 7)) == 0:
        # A dead battery: the clock began anew decades ago, in all records of the batch and in sentAt.
        behind_ms = draw(st.sampled_from([401, 11_000, 22_000])) * DAY_MS
        part = [{**record, "at": moment_text(at_ms(record) - behind_ms)} for record in part]
        sent_at_ms = received_ms - behind_ms
    return Delivery(tuple(part), received_ms, batch_id, sent_at_ms)


@st.composite
def worlds(draw: st.DrawFn, *, steady: bool = False) -> World:
    """A world in its order of arrival.

    `steady`: used times do not depend on the moment of acceptance and no two records share a seq, so that the world
    means the same in whatever order and batches it arrives. A refusal at the door is final (chapter 09): clients
    that opt in again are never steady, and always deliver in the order of seq.
    """
    anchor = draw(st.sampled_from(ANCHORS))
    days = [
        anchor + dt.timedelta(days=n) for n in sorted(draw(st.sets(st.integers(0, SPAN_DAYS), min_size=1, max_size=7)))
    ]
    names = draw(st.lists(st.sampled_from(CLIENTS), min_size=1, max_size=5, unique=True))
    live: World = []
    history: list[Record] = []
    for client in names:
        opts = draw(st.sampled_from([kind for kind in _OPT_KINDS if kind != "out_in" or not steady]))
        records = draw(_client_live(client, days, opts))
        live += draw(_batches(records, client, days, steady=steady, in_order=opts == "out_in"))
        history += draw(st.lists(_import_record(client, days), max_size=5))
        if opts == "none":
            # An archive may hold what was sent live as well, or an opt-out from before there were numbers.
            history += draw(st.lists(st.sampled_from(records), max_size=2)) if records and steady else []
            history += [draw(_live_record(client, days, "opt_out"))] if draw(st.integers(0, 31)) == 0 else []
    if not steady:
        live = draw(_relayed(live))
    return sorted([*live, *draw(_imports(history, live))], key=lambda one: (one.received_ms, one.wire_batch_id))


@st.composite
def _relayed(draw: st.DrawFn, live: World) -> World:
    """Perhaps two batches of the world reach the server in one request of a relay."""
    ordered = any(record["type"] == "opt_in" for one in live for record in one.records)
    # A relay says when it sends itself, and cannot put right a clock that is years behind.
    if ordered or len(live) < 2 or any(one.is_years_behind for one in live) or draw(st.integers(0, 2)):
        return live
    first, second, *others = sorted(live, key=lambda one: one.received_ms)
    if not {r["clientId"] for r in first.records}.isdisjoint(r["clientId"] for r in second.records):
        return live
    received_ms = max(first.received_ms, second.received_ms)
    mixed = replace(second, records=(*first.records, *second.records), received_ms=received_ms)
    return [mixed, *others]


@st.composite
def _imports(draw: st.DrawFn, history: list[Record], live: World) -> World:
    """The history in one import or two that overlap; after everything live where somebody opts in again."""
    if not history:
        return []
    must_be_last = any(record["type"] == "opt_in" for one in live for record in one.records)
    cut = draw(st.integers(0, len(history)))
    parts = [part for part in (history[cut:], history) if part] if draw(st.booleans()) else [history]
    found: World = []
    for number, part in enumerate(parts):
        soonest = max(map(at_ms, part))
        if must_be_last or draw(st.booleans()):
            soonest = max([soonest, *(one.received_ms for one in live)])
        taken = {one.received_ms for one in (*live, *found)}
        while soonest in taken:
            soonest += 1
        found.append(Delivery(tuple(part), soonest, f"import-{number}", is_import=True))
    return found


def feed(store: Store, world: Sequence[Delivery], *, pause: int | None = None, product: int | None = None) -> int:
    """Bring a world into the store, delivery by delivery, and derive it; returns its product.

    Derives at the end, and after delivery number `pause` as well, so that the rest comes as a change.
    """
    product = store.new_product() if product is None else product
    touched: set[str] = set()
    imported_from: int | None = None
    for number, delivery in enumerate(world):
        if delivery.is_import:
            append = BulkAppend(store.engine, product, delivery.received_ms)
            if append.append(encoded(delivery)).accepted and imported_from is None:
                imported_from = append.ingest_no_before
        else:
            batch = _batch(product, delivery)
            store.writer.append(batch).result(timeout=60)
            touched |= {row["client"] for row in batch.rows}
        if number in (pause, len(world) - 1):
            if imported_from is not None:
                store.derivation.derive_since(product, imported_from)
            store.derivation.derive_clients(product, touched)
            touched, imported_from = set(), None
    return product


def feed_as_stored(store: Store, world: Iterable[Delivery]) -> int:
    """Bring a world into the store past the writer, as two servers that do not know of each other would.

    The truth then holds replays beside their originals, and derivation alone has to tell them apart.
    """
    product = store.new_product()
    for ingest_no, delivery in enumerate(world, 1):
        if delivery.is_import:
            rows = [orjson.loads(line) for line in encoded(delivery).splitlines()]
        else:
            rows = [dict(row) for row in _batch(product, delivery).rows]
        constants = {"product": product, "received_ms": delivery.received_ms, "batch_id": delivery.wire_batch_id}
        lines = b"\n".join(orjson.dumps({**row, **constants, "ingest_no": ingest_no}) for row in rows)
        store.engine.insert_json("records", lines)
    store.derivation.derive_since(product, 0)
    return product


def encoded(delivery: Delivery) -> bytes:
    """The rows of an import."""
    lines = b"\n".join(json.dumps(record).encode() for record in delivery.records)
    found = encode_chunk(FileChunk(Path("history.ndjson"), 1, "lines", lines, len(lines)), delivery.received_ms)
    assert not found.rejected, found.rejected
    assert not found.ignored, found.ignored
    return found.rows


def _batch(product: int, delivery: Delivery) -> Batch:
    """What the front door makes of a delivery: an envelope where one client sends, else lines."""
    sent_at = {} if delivery.sent_at_ms is None else {"sentAt": moment_text(delivery.sent_at_ms)}
    if delivery.envelope:
        first = delivery.records[0]
        own = ("clientId", "machineId")
        records = [{name: given for name, given in record.items() if name not in own} for record in delivery.records]
        sender = {name: first[name] for name in own if name in first}
        whole = {**sender, **sent_at, "batchId": delivery.batch_id, "records": records}
        parsed = _parsed(json.dumps(whole), "application/json", delivery)
    else:
        lines = "\n".join(json.dumps({**record, **sent_at}) for record in delivery.records)
        parsed = _parsed(lines, "application/x-ndjson", delivery)
    assert not parsed.refused, parsed.refused
    return Batch(product, parsed.batch_id, delivery.received_ms, parsed.rows)


def _parsed(body: str, content_type: str, delivery: Delivery) -> ParsedBatch:
    return parse_batch(body.encode(), ParseOptions(content_type=content_type), delivery.received_ms)


def dealt_anew(world: World) -> Callable[[st.DrawFn], World]:
    """A steady world's records in other batches, other order and other company, some of them twice."""

    def deal(draw: st.DrawFn) -> World:
        records = [record for one in world if not one.is_import for record in one.records]
        history = [record for one in world if one.is_import for record in one.records]
        twice = draw(st.lists(st.sampled_from(records), max_size=4)) if records else []
        parts: World = []
        for is_import, pile in (
            (False, draw(st.permutations(records + twice))),
            (True, draw(st.permutations(history))),
        ):
            left = list(pile)
            while left:
                size = draw(st.integers(1, len(left)))
                latest = max(map(at_ms, left[:size]))
                parts.append(Delivery(tuple(left[:size]), latest + HOUR_MS, f"anew-{len(parts)}", is_import=is_import))
                left = left[size:]
        return draw(st.permutations(parts))

    return deal


def dealings(world: World) -> st.SearchStrategy[World]:
    """All ways to deal a steady world anew."""
    return st.composite(dealt_anew(world))()
