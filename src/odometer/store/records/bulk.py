"""Appending imported records in large chunks: staged, freed of what is stored already, then made durable."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from odometer.model.opt_out import OptRecord, by_client, sent_after_opt_out
from odometer.store.engine import Engine
from odometer.store.records.append import BlockedAmong, last_ingest_no, no_blocked_clients
from odometer.store.records.content import CONTENT
from odometer.store.records.deletion import delete_rows
from odometer.store.records.kinds import IS_OPT_RECORD
from odometer.store.tables import RECORDS, STAGING, Table

_IDENTITY: Final = "client, seq, hash"

# Bounds the memory of judging by opt records: so many records, or clients, are looked at together.
_JUDGED_AT_ONCE: Final = 200_000
_CLIENTS_AT_ONCE: Final = 5_000
# What a dry run notes of the records that would be stored. Dropped when it ends.
_TRIAL: Final = Table(
    "trial",
    (
        *((name, kind) for name, kind in RECORDS.columns if name in ("product", "client", "seq", "hash", "type")),
        *((name, kind) for name, kind in RECORDS.columns if name in ("received_ms", "ingest_no", "used_ms")),
        ("canonical", "String"),
        ("content", "UInt128"),
    ),
    "MergeTree",
    "(product, client, seq, hash)",
    settings="",
)


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of the records of a chunk; duplicates are known from the store or from earlier in the import.

    `conflicts` are duplicates that carried other content under a used seq.
    """

    accepted: int
    duplicates: int
    conflicts: int
    blocked: list[tuple[str, int]]  # (client, seq) of records of clients that are blocked


class BulkAppend:
    """Appends the chunks of one import; the caller derives afterwards what came after `ingest_no_before`.

    `refuse_opted_out` comes after the last chunk. Until then records are stored as they come: only the whole import
    tells which of them follow an opt-out, so that any order of its lines gives the same figures.
    """

    def __init__(
        self,
        engine: Engine,
        product_id: int,
        received_ms: int,
        blocked_among: BlockedAmong = no_blocked_clients,
        *,
        is_trial: bool = False,
    ) -> None:
        """`is_trial`: nothing is stored; what would be is remembered until `close`."""
        self._engine = engine
        self._blocked_among = blocked_among
        self._product_id = product_id
        self._is_trial = is_trial
        self._last_ingest_no = last_ingest_no(engine)
        self.ingest_no_before = self._last_ingest_no
        self._shared: dict[str, Any] = {
            "product": product_id,
            "received": received_ms,
            "before": self.ingest_no_before,
        }
        self._known = _known(RECORDS, CONTENT)
        engine.command(f"TRUNCATE TABLE {STAGING}")
        if is_trial:
            engine.command(f"DROP TABLE IF EXISTS {_TRIAL}")
            engine.command(_TRIAL.ddl)
            self._known = f"(SELECT * FROM {self._known} UNION ALL SELECT * FROM {_known(_TRIAL, 'content')})"

    def append(self, lines: bytes) -> ChunkResult:
        """Store one chunk (JSON lines of `RecordRow`), durable on return. Repeating it adds nothing."""
        self._engine.insert_json(STAGING.name, lines)
        blocked = self._take_out_blocked()
        self._last_ingest_no = max(time.time_ns(), self._last_ingest_no + 1)
        staged, distinct = self._rows(f"SELECT count(), uniqExact({_IDENTITY}) FROM {STAGING}")[0]
        conflicts = self._conflicts_within() if distinct < staged else 0
        # Telling duplicates apart costs more than finding that there are none.
        once = f"ORDER BY {_IDENTITY}, {_RECEIVED}, {CONTENT} LIMIT 1 BY {_IDENTITY}" if distinct < staged else ""
        staged_once = f"(SELECT * FROM {STAGING} {once})"
        self._insert(
            f"""{staged_once} AS s WHERE ({_IDENTITY}) NOT IN (
                SELECT {_IDENTITY} FROM {self._known} WHERE ({_IDENTITY}) IN (
                    SELECT {_IDENTITY} FROM {STAGING}))"""
        )
        (accepted,) = self._rows(f"SELECT count() FROM {self._target} WHERE ingest_no = {{ingest_no:UInt64}}")[0]
        if accepted < distinct:
            conflicts += self._settle_conflicts(staged_once)
        self._engine.command(f"TRUNCATE TABLE {STAGING}")
        return ChunkResult(accepted, staged - accepted, conflicts, blocked)

    @property
    def _target(self) -> Table:
        return _TRIAL if self._is_trial else RECORDS

    @property
    def _params(self) -> dict[str, Any]:
        return {**self._shared, "ingest_no": self._last_ingest_no}

    def _rows(self, sql: str, **more: object) -> list[tuple[Any, ...]]:
        return self._engine.rows(sql, {**self._params, **more})

    def _insert(self, staged: str, **more: object) -> None:
        """Store rows of the staging table `s`."""
        given = {
            "product": "{product:UInt64}",
            # Raw event files tell when their records were received.
            "received_ms": "if(s.received_ms = 0, {received:Int64}, s.received_ms)",
            "ingest_no": "{ingest_no:UInt64}",
            "content": CONTENT,
        }
        names = (_TRIAL if self._is_trial else RECORDS).column_names
        columns = ", ".join(f"{given[name]} AS {name}" if name in given else name for name in names)
        self._engine.command(
            f"INSERT INTO {self._target} ({', '.join(names)}) SELECT {columns} FROM {staged}", {**self._params, **more}
        )

    def _conflicts_within(self) -> int:
        """Records of the chunk that say something else than the one of their seq that stays."""
        rows = self._rows(
            f"""SELECT sum(length(said) - countEqual(said, said[1])) FROM (
                SELECT arrayMap(one -> one.2, arraySort(groupArray(({_RECEIVED}, {CONTENT})))) AS said
                FROM {STAGING} AS s WHERE seq > 0 GROUP BY client, seq HAVING count() > 1)"""
        )
        return int(rows[0][0])

    def _settle_conflicts(self, staged_once: str) -> int:
        """How many staged records say something else than what is stored under their seq.

        What was stored before this import stays. Of two records of this import the one received first stays, or else
        the one with the smaller content: the order of lines must not matter.
        """
        rows = self._rows(
            f"""SELECT client, seq,
                (s.received, s.content) < (k.received_ms, k.content) AND k.ingest_no > {{before:UInt64}}
            FROM (SELECT client, seq, {_RECEIVED} AS received, {CONTENT} AS content FROM {staged_once} AS s
                WHERE seq > 0) AS s
            INNER JOIN (SELECT * FROM {self._known} WHERE seq > 0 AND ingest_no < {{ingest_no:UInt64}}
                AND ({_IDENTITY}) IN (SELECT {_IDENTITY} FROM {STAGING})) AS k USING (client, seq)
            WHERE s.content != k.content"""
        )
        better = [(client, seq) for client, seq, is_better in rows if is_better]
        if better:
            table = _TRIAL if self._is_trial else RECORDS
            delete_rows(self._engine, table, self._product_id, ("client", "seq"), better)
            self._insert(
                f"{staged_once} AS s WHERE (client, seq) IN {{better:Array(Tuple(String, UInt64))}}", better=better
            )
        return len({(client, seq) for client, seq, _ in rows})

    def _take_out_blocked(self) -> list[tuple[str, int]]:
        """(client, seq) of what blocked clients sent, which is staged no more."""
        staged = self._engine.rows(f"SELECT DISTINCT client FROM {STAGING}")
        blocked = {"blocked": sorted(self._blocked_among(self._product_id, [client for (client,) in staged]))}
        if not blocked["blocked"]:
            return []
        theirs = "client IN {blocked:Array(String)}"
        rows = self._engine.rows(f"SELECT client, seq FROM {STAGING} WHERE {theirs}", blocked)
        self._engine.command(f"ALTER TABLE {STAGING} DELETE WHERE {theirs}", blocked)
        return [(client, seq) for client, seq in rows]

    def refuse_opted_out(self) -> Iterator[list[tuple[str, int]]]:
        """(client, seq) of the records of this import that follow an opt-out (chapter 09): they are stored no more.

        In parts that fit into memory. Should the process end before, derivation erases them.
        """
        new = "ingest_no > {before:UInt64}"
        suspects = self._rows(
            f"""SELECT client, count() FROM {self._known} WHERE {new} AND NOT {IS_OPT_RECORD} AND client IN (
                SELECT client FROM {self._known} WHERE type = 'opt_out') GROUP BY client ORDER BY client"""
        )
        for clients in _parts(suspects):
            opts: dict[str, list[OptRecord]] = by_client(
                self._rows(
                    f"""SELECT client, seq, used_ms, canonical, type = 'opt_out' FROM {self._known}
                    WHERE {IS_OPT_RECORD} AND client IN {{clients:Array(String)}}""",
                    clients=clients,
                )
            )
            records = self._rows(
                f"""SELECT client, seq, hash, used_ms FROM {self._known}
                WHERE {new} AND NOT {IS_OPT_RECORD} AND client IN {{clients:Array(String)}}""",
                clients=clients,
            )
            doomed = [(client, seq, int(hash_)) for client, seq, hash_ in sent_after_opt_out(records, opts)]
            if doomed and not self._is_trial:
                delete_rows(self._engine, RECORDS, self._product_id, ("client", "seq", "hash"), doomed)
            yield [(client, seq) for client, seq, _ in doomed]

    def close(self) -> None:
        """Forget what a dry run remembered."""
        if self._is_trial:
            self._engine.command(f"DROP TABLE IF EXISTS {_TRIAL}")

    @property
    def last_ingest_no(self) -> int:
        """The greatest ingest_no given so far: the mark once everything is derived."""
        return self._last_ingest_no


_RECEIVED: Final = "if(received_ms = 0, {received:Int64}, received_ms)"


def _known(table: Table, content: str) -> str:
    """The records of the product that are stored, or would be."""
    return f"""(
        SELECT client, seq, hash, type, received_ms, ingest_no, used_ms, canonical, {content} AS content
        FROM {table} WHERE product = {{product:UInt64}})"""


def _parts(counts: list[tuple[str, int]]) -> Iterator[list[str]]:
    """The clients, as many at once as have so many records."""
    sums, parts = 0, []
    for position, (client, count) in enumerate(counts):
        sums += count
        parts.append((sums // _JUDGED_AT_ONCE, position // _CLIENTS_AT_ONCE, client))
    for _, part in groupby(parts, key=lambda one: one[:2]):
        yield [client for _, _, client in part]
