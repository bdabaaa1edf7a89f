"""Erasing clients from the analytics store (chapter 09): gone for every reader at once, from the disk soon after."""

import contextlib
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import orjson

from odometer.errors import Problem
from odometer.model.daily_file import Stream
from odometer.store.derive.derivation import Derivation, DeriveAgain
from odometer.store.engine import DATABASE, Engine, Params
from odometer.store.gate import Gate
from odometer.store.records import IS_EVENT, delete_rows, last_ingest_no
from odometer.store.tables import (
    CLIENT,
    CLIENT_EVENT,
    CLIENT_NUMBER,
    DUPLICATE,
    EVENT,
    EVENT_DAY,
    EVENT_KEY,
    RECORDS,
    STAGING,
    TABLES,
    Table,
)

_THESE: Final = "product = {product:UInt64} AND client IN {clients:Array(String)}"
# What was taken away before may still be in files and on the disk.
_ALSO_DELETED: Final = {"apply_deleted_mask": 0, "apply_mutations_on_fly": 0}
_OF_CLIENTS: Final = tuple(table for table in TABLES if "client" in table.column_names and table is not STAGING)
_STREAMS: Final = {"custom_event": Stream.CUSTOM_EVENTS, "exception": Stream.EXCEPTIONS}


@dataclass(frozen=True, slots=True)
class HeldClient:
    """What is stored of one client.

    Attributes:
        client: its id.
        records: how many.
        active_days: how many; 0 when it only sent opt records.
        first_seen: its install date.
        last_seen: its last active day.

    """

    client: str
    records: int
    active_days: int = 0
    first_seen: dt.date | None = None
    last_seen: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored of some clients.

    Attributes:
        clients: those of which there is anything.
        days: the days on which they show in daily files.
        months: the partitions that hold them, as `203106`.

    """

    clients: tuple[HeldClient, ...]
    days: Mapping[Stream, frozenset[dt.date]]
    months: frozenset[str]


class Eraser:
    """Erases from one store."""

    def __init__(self, engine: Engine, gate: Gate, derivation: Derivation, derive_again: DeriveAgain) -> None:
        self._engine = engine
        self._gate = gate
        self._derivation = derivation
        self._derive_again = derive_again

    def held(self, product_id: int, clients: Collection[str]) -> Held:
        """What there is to erase."""
        params = {"product": product_id, "clients": sorted(clients)}
        records = self._engine.rows(
            f"SELECT client, count() FROM {RECORDS} WHERE {_THESE} GROUP BY client",
            params,
        )
        lives = self._engine.rows(
            f"""SELECT client, active_days, install, last_seen FROM {CLIENT} WHERE {_THESE}
            GROUP BY client, active_days, install, last_seen HAVING sum(sign) > 0""",
            params,
        )
        count_of = dict(records)
        life_of = {client: life for client, *life in lives}
        shown = self._engine.rows(
            f"SELECT DISTINCT type, day FROM {RECORDS} WHERE {_THESE}", params, settings=_ALSO_DELETED
        )
        days: dict[Stream, set[dt.date]] = {stream: set() for stream in Stream}
        for kind, day in shown:
            days[Stream.RAW_EVENTS].add(day)
            if kind in _STREAMS:
                days[_STREAMS[kind]].add(day)
        return Held(
            tuple(
                HeldClient(client, count_of.get(client, 0), *life_of.get(client, ()))
                for client in sorted(count_of.keys() | life_of.keys())
            ),
            {stream: frozenset(found) for stream, found in days.items()},
            self._months(params),
        )

    def _months(self, params: Params) -> frozenset[str]:
        found: set[str] = set()
        for table in (table for table in _OF_CLIENTS if table.partition_by):
            sql = f"SELECT DISTINCT _partition_id FROM {table} WHERE {_THESE}"
            found |= {month for (month,) in self._engine.rows(sql, params, settings=_ALSO_DELETED)}
        return frozenset(found)

    @property
    def is_whole(self) -> bool:
        """Whether no records are lost; while some are, nothing is erased and nothing written anew."""
        return not self._derivation.ledger.losses

    def require_whole(self) -> None:
        """Raise `Problem` STORE_UNAVAILABLE while records are lost."""
        self._derivation.ledger.require_whole()

    def erase(
        self,
        product_id: int,
        clients: Collection[str],
        nothing_is_stored: AbstractContextManager[None] = contextlib.nullcontext(),  # noqa: B008 - it has no state
        found: Callable[[Held], None] = lambda _held: None,
    ) -> Held:
        """What there was; afterwards every answer is that of a world without it. Again completes what broke off.

        Until then answers are those of before, from the first to the last change that readers see. No record is stored
        within `nothing_is_stored` (`Writer.paused`); `found` is told what there is before anything is changed. Raises
        `Problem` STORE_UNAVAILABLE when the server stops meanwhile, derivation does not get on, or records are lost.
        """
        self.require_whole()
        names = sorted(clients)
        # Reads much, and so before records have to wait.
        since = last_ingest_no(self._engine)
        known = self._sent_by_others(product_id, names, self._first_sent(product_id, names))
        # Derivation would learn events anew from records that are about to go. It may be busy, and records wait last.
        with self._derivation.paused(), nothing_is_stored:
            held = self.held(product_id, names)
            found(held)
            later = self._sent_by_others(product_id, names, self._first_sent(product_id, names), since)
            self._renew_events(product_id, later | known)
            these = [(name,) for name in names]
            self._derivation.ledger.delete_records(product_id, ("client",), these)
            delete_rows(self._engine, DUPLICATE, product_id, ("client",), these)
        if not self._derive_again(product_id, names):
            raise Problem(
                "STORE_UNAVAILABLE", "The clients are not erased yet; it goes on by itself.", retry_after_s=30
            )
        with self._derivation.paused():
            self._forget_unused_events(product_id)
            self._forget_numbers(product_id, names)
        return held

    def _first_sent(self, product_id: int, clients: Sequence[str]) -> list[tuple[str, str]]:
        """Events that one of the clients was the first to send."""
        rows = self._engine.rows(
            f"""SELECT category, name FROM (
                SELECT toString(category) AS category, toString(name) AS name, min(received_ms) AS sent
                FROM {RECORDS} WHERE {_THESE} AND {IS_EVENT} GROUP BY category, name
            ) AS own LEFT JOIN (
                SELECT category, name, min(first_received_ms) AS known FROM {EVENT}
                WHERE product = {{product:UInt64}} GROUP BY category, name
            ) AS all USING (category, name) WHERE sent <= known OR known = 0""",
            {"product": product_id, "clients": clients},
        )
        return [(category, name) for category, name in rows]

    def _sent_by_others(
        self, product_id: int, clients: Sequence[str], events: Sequence[tuple[str, str]], since: int = 0
    ) -> dict[tuple[str, str], int]:
        """When the first other client sent each of these events, by records after `since`; others are missing."""
        if not events:
            return {}
        rows = self._engine.rows(
            f"""SELECT toString(category), toString(name), min(received_ms) FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND client NOT IN {{clients:Array(String)}} AND {IS_EVENT}
                AND (category, name) IN {{events:Array(Tuple(String, String))}} AND ingest_no > {{since:UInt64}}
            GROUP BY category, name""",
            {"product": product_id, "clients": clients, "events": events, "since": since},
        )
        return {(category, name): received_ms for category, name, received_ms in rows}

    def _renew_events(self, product_id: int, first_received: Mapping[tuple[str, str], int]) -> None:
        """Events that others sent as well are as old as the first record of another client.

        Those that nobody else sent stay until derived rows know them no more.
        """
        if not first_received:
            return
        lines = b"\n".join(
            orjson.dumps({"product": product_id, "category": category, "name": name, "first_received_ms": received_ms})
            for (category, name), received_ms in first_received.items()
        )
        with self._gate.writing():
            delete_rows(self._engine, EVENT, product_id, ("category", "name"), list(first_received))
            self._engine.insert_json(EVENT.name, lines)

    def _forget_numbers(self, product_id: int, clients: Sequence[str]) -> None:
        """Last of all: until no derived row has it, a number must not be given again. Who is back keeps theirs."""
        sql = f"SELECT DISTINCT client FROM {RECORDS} WHERE {_THESE}"
        back = {client for (client,) in self._engine.rows(sql, {"product": product_id, "clients": clients})}
        gone = [(client,) for client in clients if client not in back]
        if gone:
            delete_rows(self._engine, CLIENT_NUMBER, product_id, ("client",), gone)

    def _forget_unused_events(self, product_id: int) -> None:
        """Of a client whose opt-out turned up late the events may be known though no record of them is left."""
        unused = self._engine.rows(
            f"""SELECT DISTINCT category, name FROM {EVENT}
            WHERE product = {{product:UInt64}} AND {EVENT_KEY} NOT IN (
                SELECT event FROM {CLIENT_EVENT} WHERE product = {{product:UInt64}}
                GROUP BY event HAVING sum(sign) > 0
            )""",
            {"product": product_id},
        )
        if unused:
            delete_rows(self._engine, EVENT, product_id, ("category", "name"), unused)

    def rewrite(self, months: Collection[str], pause: Callable[[], None] = lambda: None) -> int:
        """Write what holds erased rows anew without them; when that was done, by the clock of `has_old_parts`.

        `pause` is called in between and may raise. Raises `Problem` STORE_UNAVAILABLE when the engine is busy with the
        same data: try again later.
        """
        self._drop_empty_parts()
        for table, partition in self._partitions():
            if partition in months or table.partition_by is None:
                pause()
                which = f"PARTITION ID '{partition}' FINAL" if table.partition_by else "FINAL"
                self._engine.command(f"OPTIMIZE TABLE {table} {which} SETTINGS optimize_throw_if_noop = 1")
        return int(self._engine.rows("SELECT toUnixTimestamp(now()) * 1000")[0][0])

    def _drop_empty_parts(self) -> None:
        """What was left of rows that cancelled each other out has no projection, and keeps other parts from merging."""
        empty = self._engine.rows(
            """SELECT name FROM system.parts
            WHERE database = {database:String} AND table = {table:String} AND active AND rows = 0""",
            {"database": DATABASE, "table": EVENT_DAY.name},
        )
        for (name,) in empty:
            self._engine.command(f"ALTER TABLE {EVENT_DAY} DROP PART '{name}'")

    def _partitions(self) -> list[tuple[Table, str]]:
        by_name = {table.name: table for table in (*_OF_CLIENTS, EVENT)}
        rows = self._engine.rows(
            """SELECT DISTINCT table, partition_id FROM system.parts
            WHERE database = {database:String} AND active AND table IN {tables:Array(String)} ORDER BY ALL""",
            {"database": DATABASE, "tables": sorted(by_name)},
        )
        return [(by_name[name], partition) for name, partition in rows]

    def is_deleting(self) -> bool:
        """Whether some DELETE has not yet reached all that is stored."""
        sql = "SELECT 1 FROM system.mutations WHERE database = {database:String} AND NOT is_done LIMIT 1"
        return bool(self._engine.rows(sql, {"database": DATABASE}))

    def has_old_parts(self, before_ms: int) -> bool:
        """Whether the disk still holds what was replaced before the moment; the engine removes it by itself."""
        sql = """SELECT 1 FROM system.parts WHERE database = {database:String} AND NOT active
            AND toUnixTimestamp(remove_time) <= {before:UInt64} LIMIT 1"""
        return bool(self._engine.rows(sql, {"database": DATABASE, "before": before_ms // 1000}))
