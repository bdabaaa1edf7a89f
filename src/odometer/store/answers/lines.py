"""Reading custom events and exceptions line by line (chapter 08): the last ones, and all of a day as a stream."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from odometer.model.lines import LINE_PROPERTIES, Line, LineType
from odometer.store.engine import Columns, Engine
from odometer.store.gate import Gate
from odometer.store.tables import LINE

# The last lines are looked for in so many days up to today, then in more: partitions of other months are not read.
_LOOKS_DAYS: Final = (2, 31, 366)
# A day is sorted by the engine and handed over in blocks: a server does so on disk where it is large, the embedded one
# in memory.
_STREAMED_DAY: Final[Mapping[str, Any]] = {
    "max_block_size": 8_192,
    "max_bytes_before_external_sort": 128 * 1024 * 1024,
    "max_threads": 1,
}
_ORDER: Final = ("used_ms", "client", "seq", "hash")
_COLUMNS: Final = ", ".join(
    ("used_ms", "client", "category", "name", "data", *(prop.column for prop in LINE_PROPERTIES))
)
# Days never merge with each other.
_FINAL: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1"


class LineReading:
    """Lines of one store. Blocking; call it from worker threads."""

    def __init__(self, engine: Engine, gate: Gate, timeout_s: float) -> None:
        self._engine = engine
        self._gate = gate
        self._timeout_s = timeout_s

    def last(self, product_id: int, line_type: LineType, count: int, today: dt.date) -> list[Line]:
        """The last lines by (used time, client, seq), newest first."""
        with self._gate.reading():
            keys = self._last_keys(product_id, line_type, count, today)
            if not keys:
                return []
            return list(_lines([self._of_keys(product_id, line_type, keys)]))

    def _last_keys(self, product_id: int, line_type: LineType, count: int, today: dt.date) -> list[tuple[Any, ...]]:
        newest_first = ", ".join(f"{name} DESC" for name in _ORDER)
        found: list[tuple[Any, ...]] = []
        for since in (*(today - dt.timedelta(days=days) for days in _LOOKS_DAYS), dt.date(1970, 1, 1)):
            found = self._engine.rows(
                f"""SELECT client, seq, hash, day FROM {LINE} FINAL
                WHERE product = {{product:UInt64}} AND type = {{type:String}} AND day >= {{since:Date}}
                ORDER BY {newest_first} LIMIT {count:d} {_FINAL}""",
                {"product": product_id, "type": line_type, "since": since},
                timeout_s=self._timeout_s,
            )
            if len(found) == count:
                break
        return found

    def _of_keys(self, product_id: int, line_type: LineType, keys: list[tuple[Any, ...]]) -> Columns:
        """The wide columns, of these lines only."""
        newest_first = ", ".join(f"{name} DESC" for name in _ORDER)
        params = {
            "product": product_id,
            "type": line_type,
            "keys": [key[:3] for key in keys],
            "clients": sorted({key[0] for key in keys}),
            "days": sorted({key[3] for key in keys}),
        }
        return self._engine.columns(
            f"""SELECT {_COLUMNS} FROM {LINE} FINAL
            WHERE product = {{product:UInt64}} AND client IN {{clients:Array(String)}} AND day IN {{days:Array(Date)}}
                AND type = {{type:String}} AND (client, seq, hash) IN {{keys:Array(Tuple(String, UInt64, UInt128))}}
            ORDER BY {newest_first} {_FINAL}""",
            params,
            timeout_s=self._timeout_s,
        )

    def of_day(self, product_id: int, line_type: LineType, day: dt.date) -> Iterator[Line]:
        """All lines of a day by (used time, client, seq), from one view."""
        stream = self._engine.stream(
            f"""SELECT {_COLUMNS} FROM {LINE} FINAL
            WHERE product = {{product:UInt64}} AND type = {{type:String}} AND day = {{day:Date}}
            ORDER BY {", ".join(_ORDER)}""",
            {"product": product_id, "type": line_type, "day": day},
            _STREAMED_DAY,
        )
        with self._gate.reading():
            first = next(stream, None)
        try:
            yield from _lines(chain([] if first is None else [first], stream))
        finally:
            stream.close()

    def content_by_day(self, product_id: int, line_type: LineType, days: tuple[dt.date, dt.date]) -> dict[dt.date, str]:
        """What stands for the content of each day that has lines; equal texts mean equal lines."""
        # The hash of a null would be null, whatever stands beside it.
        values = (f"ifNull(toString({prop.column}), '')" for prop in LINE_PROPERTIES)
        columns = ", ".join((*_ORDER, "category", "name", "data_hash", *values))
        with self._gate.reading():
            rows = self._engine.rows(
                f"""SELECT day, count(), sum(sipHash64({columns})) FROM {LINE} FINAL
                WHERE product = {{product:UInt64}} AND type = {{type:String}}
                    AND day BETWEEN {{first:Date}} AND {{last:Date}} GROUP BY day {_FINAL}""",
                {"product": product_id, "type": line_type, "first": days[0], "last": days[1]},
            )
        return {day: f"{count}/{content}" for day, count, content in rows}


def _lines(blocks: Iterable[Columns]) -> Iterator[Line]:
    names = [prop.name for prop in LINE_PROPERTIES]
    for block in blocks:
        for used_ms, client, category, name, data, *values in zip(*block, strict=True):
            yield Line(used_ms, client, dict(zip(names, values, strict=True)), category, name, data)
