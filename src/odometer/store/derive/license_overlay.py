"""License keys as the analytics store sees them: what clients named first, and what the registry decides (07)."""

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import orjson

from odometer.model.licenses import UNKNOWN_TYPE, LicenseKey, LicenseState
from odometer.store.derive.derivation import Derivation, DeriveAgain
from odometer.store.derive.mark import read_mark
from odometer.store.derive.scope import Scope
from odometer.store.derive.statements import LICENSE_KEY, LICENSE_VALUES, day_states
from odometer.store.engine import Engine
from odometer.store.records import IS_OPT_RECORD
from odometer.store.tables import CLIENT, LICENSE_MARK, LICENSE_STATE, MARK, RECORDS, Table

_AT_ONCE: Final = 5_000
FirstRecords = Mapping[str, tuple[dt.date, str]]


_KEY: Final = f"set['{LICENSE_KEY.name}']"
_NAMES_A_KEY: Final = f"type = 'license' AND {_KEY} != ''"
_SAYS_SOMETHING: Final = (
    "hasAny(mapKeys(set), [" + ", ".join(f"'{p.name}'" for p in (LICENSE_KEY, *LICENSE_VALUES)) + "])"
)


def _first_key_records() -> str:
    """(key, (day, client)) of the first record that names each license key, of clients that said something new of it.

    New are the records after `since`. What a client says of its license after the day on which it named the key first
    changes nothing of that day.
    """
    return f"""
        SELECT license_key, min((named.day, client)) FROM (
            SELECT client, min(day) AS day FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND ingest_no > {{since:UInt64}} AND ingest_no <= {{up_to:UInt64}}
                AND {_SAYS_SOMETHING} AND NOT {IS_OPT_RECORD} GROUP BY client
        ) AS new INNER JOIN (
            SELECT client, {_KEY} AS license_key, min(day) AS day FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND ingest_no <= {{up_to:UInt64}} AND {_NAMES_A_KEY} AND client IN (
                SELECT client FROM {RECORDS} WHERE product = {{product:UInt64}}
                    AND ingest_no > {{since:UInt64}} AND ingest_no <= {{up_to:UInt64}} AND {_SAYS_SOMETHING})
            GROUP BY client, license_key
        ) AS named USING (client) WHERE new.day <= named.day GROUP BY license_key"""


def _first_clients() -> str:
    """(key, client): the smallest client that names each key on its day of `wanted`."""
    return f"""
        SELECT {_KEY} AS license_key, min(client) FROM {RECORDS}
        WHERE product = {{product:UInt64}} AND ingest_no <= {{up_to:UInt64}} AND {_NAMES_A_KEY}
            AND (day, {_KEY}) IN {{wanted:Array(Tuple(Date, String))}} GROUP BY license_key"""


def _reported_licenses(scope: Scope) -> str:
    """(client, day, license type and flags as text): what was reported up to the end of the days of `wanted`."""
    carried = ", ".join(f"last_value({p.column}) IGNORE NULLS OVER w AS {p.column}" for p in LICENSE_VALUES)
    shown = ", ".join(f"ifNull({p.column}, '')" for p in LICENSE_VALUES)
    return f"""
        SELECT client, day, {shown} FROM (
            SELECT client, day, {carried} FROM {day_states(scope, LICENSE_VALUES)}
            WINDOW w AS (PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        ) WHERE (client, day) IN {{wanted:Array(Tuple(String, Date))}}"""


class KeyReports:
    """Reads which license keys clients report."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def derived(self) -> int:
        """The mark of derivation: every record up to it is complete and derived."""
        return read_mark(self._engine)

    def looked_at(self, product_id: int) -> int:
        """Up to which record keys were collected; 0 at first."""
        sql = f"SELECT max(value) FROM {MARK} WHERE name = {{name:String}}"
        return int(self._engine.rows(sql, {"name": _mark_of(product_id)})[0][0])

    def look_at(self, product_id: int, up_to: int) -> None:
        """Remember that keys are collected up to a record."""
        sql = f"INSERT INTO {MARK} VALUES ({{name:String}}, {{value:UInt64}})"
        self._engine.command(sql, {"name": _mark_of(product_id), "value": up_to})

    def first_records(self, product_id: int, since: int, up_to: int) -> dict[str, tuple[dt.date, str]]:
        """The day and client of the first record that names each key, of clients that said something after `since`."""
        params = {"product": product_id, "since": since, "up_to": up_to}
        return {key: (first[0], first[1]) for key, first in self._engine.rows(_first_key_records(), params)}

    def first_clients(self, product_id: int, days: Mapping[str, dt.date], up_to: int) -> dict[str, str]:
        """Of all clients that name a key on its day the one with the smallest id."""
        params = {"product": product_id, "up_to": up_to, "wanted": sorted((day, key) for key, day in days.items())}
        return dict(self._engine.rows(_first_clients(), params))

    def as_reported(self, product_id: int, firsts: FirstRecords, up_to: int) -> Iterator[LicenseKey]:
        """The keys with the type and flags that their first clients had reported at the end of that day."""
        for some in chunks(firsts):
            wanted = {(firsts[key][1], firsts[key][0]) for key in some}
            scope = Scope(product_id, tuple(sorted({client for client, _ in wanted})), up_to=up_to)
            rows = self._engine.rows(_reported_licenses(scope), {**scope.params, "wanted": sorted(wanted)})
            found = {(day, client): values for client, day, *values in rows}
            for key in some:
                kind, *flags = found.get(firsts[key], ("",) * 5)
                activated, allowed, blocked, expired = (flag == "1" for flag in flags)
                yield LicenseKey(
                    key=key,
                    license_type=kind or UNKNOWN_TYPE,
                    activated=activated,
                    allowed=allowed,
                    blocked=blocked,
                    expired=expired,
                    added=firsts[key][0],
                    auto_collected=True,
                )


def _mark_of(product_id: int) -> str:
    return f"license_keys/{product_id}"


class LicenseStates:
    """Writes what the registry decides, and lets the clients that it concerns be derived again."""

    def __init__(self, engine: Engine, derivation: Derivation, derive_again: DeriveAgain) -> None:
        self._engine = engine
        self._derivation = derivation
        self._derive_again = derive_again

    def mark(self, product_id: int) -> int:
        """The change of the registry that client days follow; 0 = they hold what clients report."""
        sql = f"SELECT argMax(change_id, version) FROM {LICENSE_MARK} WHERE product = {{product:UInt64}}"
        return int(self._engine.rows(sql, {"product": product_id})[0][0])

    def set_mark(self, product_id: int, change_id: int) -> None:
        """Remember what client days follow."""
        sql = f"INSERT INTO {LICENSE_MARK} VALUES ({{product:UInt64}}, {{version:UInt64}}, {{id:UInt64}})"
        version = self._next_version(LICENSE_MARK, product_id)
        self._engine.command(sql, {"product": product_id, "version": version, "id": change_id})

    def _next_version(self, table: Table, product_id: int) -> int:
        """Greater than all before, also when the clock was set back: the greatest version is the one that counts."""
        last = f"SELECT max(version) FROM {table} WHERE product = {{product:UInt64}}"
        return max(time.time_ns(), 1 + int(self._engine.rows(last, {"product": product_id})[0][0]))

    def keys(self, product_id: int) -> list[str]:
        """The keys over which the registry ever decided."""
        sql = f"SELECT DISTINCT license_key FROM {LICENSE_STATE} WHERE product = {{product:UInt64}}"
        return [key for (key,) in self._engine.rows(sql, {"product": product_id})]

    def write(self, product_id: int, states: Mapping[str, Sequence[LicenseState]]) -> None:
        """Put these in the place of what was said of the keys; without states reported values stay.

        Durable on return; every derivation from then on sees it.
        """
        shared = {"product": product_id, "version": self._next_version(LICENSE_STATE, product_id)}
        lines = (
            orjson.dumps({**shared, "license_key": key, "states": [_tuple(state) for state in said]})
            for key, said in states.items()
        )
        with self._derivation.paused():
            while some := list(islice(lines, _AT_ONCE)):
                self._engine.insert_json(LICENSE_STATE.name, b"\n".join(some))

    def derive_holders(self, product_id: int, keys: Iterable[str]) -> bool:
        """Derive the clients again whose last known key is one of these; False when it was stopped before."""
        for some in chunks(keys):
            rows = self._engine.rows(
                f"""SELECT DISTINCT client FROM {CLIENT}
                WHERE product = {{product:UInt64}} AND {LICENSE_KEY.column} IN {{keys:Array(String)}}""",
                {"product": product_id, "keys": some},
            )
            for clients in chunks(client for (client,) in rows):
                if not self._derive_again(product_id, clients):
                    return False
        return True


def chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts, as many at once as one statement takes."""
    left = iter(texts)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _tuple(state: LicenseState) -> tuple[str | int, ...]:
    flags = (state.activated, state.allowed, state.blocked, state.expired)
    return (state.first_day.isoformat(), int(state.holds), state.license_type, *map(int, flags))
