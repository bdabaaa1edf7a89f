"""Reading the records of a day as they were accepted (chapter 08, Raw event files)."""

import datetime as dt
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Final

from odometer.store.engine import Columns, Engine, Params
from odometer.store.records.sorted_scan import records_in_order
from odometer.store.tables import DUPLICATE, RECORDS

RAW_COLUMNS: Final = (
    *("received_ms", "at_ms", "used_ms", "day", "client", "machine", "session", "seq", "type", "category", "name"),
    *("count", "value", "text", "sessions", "runtime_ms", "continent", "country", "us_state", "set", "data"),
    "canonical",
)
_IDENTITY: Final = "client, seq, hash"
_OF_CLIENT: Final[Params] = {"max_threads": 1, "max_block_size": 8_192}


class RawReading:
    """The records of one store, each once. Blocking; call it from worker threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of_day(self, product_id: int, day: dt.date) -> Generator[Columns, None, None]:
        """Blocks of `RAW_COLUMNS` of all records of a day by (used time, client, seq), in constant memory."""
        stream = records_in_order(
            self._engine, RAW_COLUMNS, _select("day = {day:Date}"), {"product": product_id, "day": day}
        )
        with closing(stream):
            yield from stream

    def of_client(self, product_id: int, client: str) -> Iterator[Columns]:
        """The same of all records of a client, which are sorted in memory."""
        stream = self._engine.stream(
            f"""SELECT {", ".join(RAW_COLUMNS)} FROM ({_select("client = {client:String}")})
            ORDER BY used_ms, client, seq, hash""",
            {"product": product_id, "client": client},
            _OF_CLIENT,
        )
        with closing(stream):
            yield from stream

    def content_by_day(self, product_id: int, days: tuple[dt.date, dt.date]) -> dict[dt.date, str]:
        """What stands for the content of each day that has records; it changes whenever they do."""
        rows = self._engine.rows(
            f"""SELECT day, count(), max(ingest_no) FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND day BETWEEN {{first:Date}} AND {{last:Date}} GROUP BY day""",
            {"product": product_id, "first": days[0], "last": days[1]},
        )
        return {day: f"{count}/{ingest_no}" for day, count, ingest_no in rows}


def _select(condition: str) -> str:
    """Of records that are stored more than once the first received is there (chapter 09), if the condition holds.

    It is looked for among all: another one may lie on another day.
    """
    columns = ", ".join(dict.fromkeys((*RAW_COLUMNS, "hash")))
    twice = f"SELECT {_IDENTITY} FROM {DUPLICATE} WHERE product = {{product:UInt64}}"
    return f"""SELECT {columns} FROM {RECORDS}
        WHERE product = {{product:UInt64}} AND {condition} AND ({_IDENTITY}) NOT IN ({twice})
        UNION ALL
        SELECT {columns} FROM (
            SELECT * FROM {RECORDS}
            WHERE product = {{product:UInt64}} AND ({_IDENTITY}) IN ({twice})
            ORDER BY {_IDENTITY}, received_ms, batch_id, ingest_no LIMIT 1 BY {_IDENTITY}
        ) WHERE {condition}"""
