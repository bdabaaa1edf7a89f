"""Appending imported records in large chunks: staged, freed of what is stored already, then made durable."""

import time
from dataclasses import dataclass
from typing import Final

from odometer.store.engine import DATABASE, Engine
from odometer.store.tables import RECORDS

_COLUMNS: Final = ", ".join(RECORDS.column_names)
_IDENTITY: Final = "client, seq, hash"


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """Records of a chunk that are new, and those that were known (in the store, or earlier in the chunk)."""

    accepted: int
    duplicates: int


class BulkAppend:
    """Appends the chunks of one import; the caller derives afterwards what came after `ingest_no_before`."""

    def __init__(self, engine: Engine, product_id: int, received_ms: int) -> None:
        self._engine = engine
        self._product_id = product_id
        self._received_ms = received_ms
        self._last_ingest_no = int(engine.rows(f"SELECT max(ingest_no) FROM {DATABASE}.records")[0][0])
        self.ingest_no_before = self._last_ingest_no
        engine.command(f"TRUNCATE TABLE {DATABASE}.staging")

    def append(self, lines: bytes) -> ChunkResult:
        """Store one chunk (JSON lines of `RecordRow`), durable on return. Repeating it adds nothing."""
        self._engine.insert_json("staging", lines)
        self._last_ingest_no = max(time.time_ns(), self._last_ingest_no + 1)
        constants = {
            "product": self._product_id,
            "received": self._received_ms,
            "ingest_no": self._last_ingest_no,
        }
        given = {"product": "{product:UInt64}", "received_ms": "{received:Int64}", "ingest_no": "{ingest_no:UInt64}"}
        columns = ", ".join(f"{given[name]} AS {name}" if name in given else name for name in RECORDS.column_names)
        staged, distinct = self._engine.rows(f"SELECT count(), uniqExact({_IDENTITY}) FROM {DATABASE}.staging")[0]
        # Telling duplicates apart costs more than finding that there are none.
        once = f"ORDER BY {_IDENTITY} LIMIT 1 BY {_IDENTITY}" if distinct < staged else ""
        self._engine.command(
            f"""INSERT INTO {DATABASE}.records ({_COLUMNS})
            SELECT {columns} FROM (SELECT * FROM {DATABASE}.staging {once}) WHERE ({_IDENTITY}) NOT IN (
                SELECT {_IDENTITY} FROM {DATABASE}.records
                WHERE product = {{product:UInt64}} AND ({_IDENTITY}) IN (SELECT {_IDENTITY} FROM {DATABASE}.staging)
            )""",
            constants,
        )
        accepted = self._engine.rows(
            f"SELECT count() FROM {DATABASE}.records WHERE ingest_no = {{ingest_no:UInt64}}",
            {"ingest_no": self._last_ingest_no},
        )[0][0]
        self._engine.command(f"TRUNCATE TABLE {DATABASE}.staging")
        return ChunkResult(accepted, staged - accepted)

    @property
    def last_ingest_no(self) -> int:
        """The greatest ingest_no given so far: the mark once everything is derived."""
        return self._last_ingest_no
