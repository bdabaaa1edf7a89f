"""Appending imported records in large chunks: staged, freed of what is stored already, then made durable."""

import time
from dataclasses import dataclass
from typing import Final

from odometer.model.opt_out import OptRecord, by_client, sent_after_opt_out
from odometer.store.append import BlockedAmong, last_ingest_no, nobody
from odometer.store.engine import DATABASE, Engine
from odometer.store.tables import RECORDS

_COLUMNS: Final = ", ".join(RECORDS.column_names)
_IDENTITY: Final = "client, seq, hash"
_IS_NEW: Final = "received_ms = 0"


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What became of the records of a chunk; duplicates are known from the store or from earlier in the chunk."""

    accepted: int
    duplicates: int
    opted_out: list[tuple[str, int]]  # (client, seq) of records sent after an opt-out
    blocked: list[tuple[str, int]]  # the same of clients that are blocked


class BulkAppend:
    """Appends the chunks of one import; the caller derives afterwards what came after `ingest_no_before`."""

    def __init__(self, engine: Engine, product_id: int, received_ms: int, blocked_among: BlockedAmong = nobody) -> None:
        self._engine = engine
        self._blocked_among = blocked_among
        self._product_id = product_id
        self._received_ms = received_ms
        self._last_ingest_no = last_ingest_no(engine)
        self.ingest_no_before = self._last_ingest_no
        engine.command(f"TRUNCATE TABLE {DATABASE}.staging")

    def append(self, lines: bytes) -> ChunkResult:
        """Store one chunk (JSON lines of `RecordRow`), durable on return. Repeating it adds nothing."""
        self._engine.insert_json("staging", lines)
        blocked = self._take_out_blocked()
        self._last_ingest_no = max(time.time_ns(), self._last_ingest_no + 1)
        constants = {
            "product": self._product_id,
            "received": self._received_ms,
            "ingest_no": self._last_ingest_no,
        }
        given = {
            "product": "{product:UInt64}",
            # Raw event files tell when their records were received.
            "received_ms": f"if({_IS_NEW}, {{received:Int64}}, s.received_ms)",
            "ingest_no": "{ingest_no:UInt64}",
        }
        columns = ", ".join(f"{given[name]} AS {name}" if name in given else name for name in RECORDS.column_names)
        staged, distinct = self._engine.rows(f"SELECT count(), uniqExact({_IDENTITY}) FROM {DATABASE}.staging")[0]
        # Telling duplicates apart costs more than finding that there are none.
        once = f"ORDER BY {_IDENTITY} LIMIT 1 BY {_IDENTITY}" if distinct < staged else ""
        refused = self._opted_out()
        self._engine.command(
            f"""INSERT INTO {DATABASE}.records ({_COLUMNS})
            SELECT {columns} FROM (SELECT * FROM {DATABASE}.staging {once}) AS s WHERE ({_IDENTITY}) NOT IN (
                SELECT {_IDENTITY} FROM {DATABASE}.records
                WHERE product = {{product:UInt64}} AND ({_IDENTITY}) IN (SELECT {_IDENTITY} FROM {DATABASE}.staging)
            ) AND ({_IDENTITY}) NOT IN {{refused:Array(Tuple(String, UInt64, UInt128))}}""",
            {**constants, "refused": refused},
        )
        accepted = self._engine.rows(
            f"SELECT count() FROM {DATABASE}.records WHERE ingest_no = {{ingest_no:UInt64}}",
            {"ingest_no": self._last_ingest_no},
        )[0][0]
        self._engine.command(f"TRUNCATE TABLE {DATABASE}.staging")
        opted_out = [(client, seq) for client, seq, _ in refused]
        return ChunkResult(accepted, staged - accepted - len(refused), opted_out, blocked)

    def _take_out_blocked(self) -> list[tuple[str, int]]:
        """(client, seq) of what blocked clients sent, which is staged no more."""
        staged = self._engine.rows(f"SELECT DISTINCT client FROM {DATABASE}.staging")
        blocked = {"blocked": sorted(self._blocked_among(self._product_id, [client for (client,) in staged]))}
        if not blocked["blocked"]:
            return []
        theirs = "client IN {blocked:Array(String)}"
        rows = self._engine.rows(f"SELECT client, seq FROM {DATABASE}.staging WHERE {theirs}", blocked)
        self._engine.command(f"ALTER TABLE {DATABASE}.staging DELETE WHERE {theirs}", blocked)
        return [(client, seq) for client, seq in rows]

    def _opted_out(self) -> list[tuple[str, int, int]]:
        """Identities of staged records that are not stored yet and follow an opt-out (contract 09, Opt-out).

        Those of raw event files were accepted once, and an opt-in may lie in a later file: derivation judges them.
        """
        product = {"product": self._product_id}
        rows = self._engine.rows(
            f"""SELECT client, seq, used_ms, canonical, type = 'opt_out' FROM (
                SELECT client, seq, used_ms, canonical, type FROM {DATABASE}.staging
                WHERE type IN ('opt_out', 'opt_in')
                UNION ALL
                SELECT client, seq, used_ms, canonical, type FROM {DATABASE}.records
                WHERE product = {{product:UInt64}} AND type IN ('opt_out', 'opt_in')
                    AND client IN (SELECT client FROM {DATABASE}.staging))""",
            product,
        )
        opts: dict[str, list[OptRecord]] = by_client(rows)
        if not opts:
            return []
        staged = self._engine.rows(
            f"""SELECT DISTINCT client, seq, hash, used_ms FROM {DATABASE}.staging
            WHERE {_IS_NEW} AND type NOT IN ('opt_out', 'opt_in') AND client IN {{clients:Array(String)}}
                AND ({_IDENTITY}) NOT IN (
                    SELECT {_IDENTITY} FROM {DATABASE}.records WHERE product = {{product:UInt64}}
                        AND client IN {{clients:Array(String)}})""",
            {**product, "clients": sorted(opts)},
        )
        return sent_after_opt_out(staged, opts)

    @property
    def last_ingest_no(self) -> int:
        """The greatest ingest_no given so far: the mark once everything is derived."""
        return self._last_ingest_no
