"""Raw event files (chapter 08): every record of a day as accepted, as CSV in a zip or as Parquet, byte-true."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from odometer.exports.delimited import zipped_csv
from odometer.exports.low_priority_process import WriteBlocks, write_in_low_priority_process
from odometer.model import strict_json
from odometer.model.moments import to_text
from odometer.model.properties import BY_NAME
from odometer.model.raw_events import COUNTED_TYPES, RAW_EVENT_COLUMNS, SET_TYPES
from odometer.model.records import SUMMED_TYPES
from odometer.store.engine import Columns
from odometer.store.records import RAW_COLUMNS, RawReading

# Called between blocks; may raise to stop the writing.
Pause = Callable[[], None]
_MILLI: Final = Decimal("0.001")


def write_raw_csv(reading: RawReading, product_id: int, day: dt.date, path: Path, pause: Pause) -> int:
    """Write the records of a day as CSV; how many they are."""
    return _write(partial(_write_csv, path, f"rawEvents_{day}.csv"), reading, product_id, day, pause)


def write_raw_parquet(reading: RawReading, product_id: int, day: dt.date, path: Path, pause: Pause) -> int:
    """Write the records of a day as Parquet, in the types of their columns; how many they are."""
    from odometer.exports.raw_parquet import write_blocks  # noqa: PLC0415 - loading Arrow takes a while

    return _write(partial(write_blocks, path), reading, product_id, day, pause)


def _write(write: WriteBlocks, reading: RawReading, product_id: int, day: dt.date, pause: Pause) -> int:
    with closing(reading.of_day(product_id, day)) as blocks:
        return write_in_low_priority_process(write, _pausing(blocks, pause))


def _pausing(blocks: Iterator[Columns], pause: Pause) -> Iterator[Columns]:
    for block in blocks:
        pause()
        yield block


def _write_csv(path: Path, name: str, blocks: Iterator[Columns]) -> int:
    written = 0
    with zipped_csv(path, name, RAW_EVENT_COLUMNS) as file:
        for block in blocks:
            rows = list(zip(*(map(_cell, column) for column in columns_of(block)), strict=True))
            file.write(rows)
            written += len(rows)
    return written


def json_records(blocks: Iterable[Columns]) -> Iterator[bytes]:
    """Records as JSON objects with the members of raw event files, those that are empty left out."""
    for block in blocks:
        for values in zip(*columns_of(block), strict=True):
            named = zip(RAW_EVENT_COLUMNS, values, strict=True)
            yield orjson.dumps({name: _member(name, value) for name, value in named if value is not None})


def _member(name: str, value: object) -> object:
    # What is JSON already stays as it is, and fractions stay exact.
    if name == "data" or isinstance(value, Decimal):
        return orjson.Fragment(_cell(value))
    return to_text(value) if isinstance(value, Moment) else value


class Moment(int):
    """Milliseconds since 1970."""

    __slots__ = ()


def columns_of(block: Columns) -> list[Sequence[Any]]:
    """The columns of a file from those of the store; None = nothing was sent."""
    of = dict(zip(RAW_COLUMNS, block, strict=True))
    types = of["type"]
    summed = [kind in SUMMED_TYPES for kind in types]
    found: dict[str, Sequence[Any]] = {
        "receivedAt": [Moment(ms) for ms in of["received_ms"]],
        "at": [None if is_sum else Moment(ms) for ms, is_sum in zip(of["at_ms"], summed, strict=True)],
        "atUsed": [Moment(ms) for ms in of["used_ms"]],
        "day": [day if is_sum else None for day, is_sum in zip(of["day"], summed, strict=True)],
        "seq": [seq or None for seq in of["seq"]],
        "type": types,
        "count": [count if kind in COUNTED_TYPES else None for count, kind in zip(of["count"], types, strict=True)],
        "value": of["value"],
        "sessions": [n if kind == "client_day" else None for n, kind in zip(of["sessions"], types, strict=True)],
        "runtimeSeconds": [None if ms < 0 else ms * _MILLI for ms in of["runtime_ms"]],
        "data": [_data(*told) for told in zip(types, of["set"], of["data"], of["canonical"], strict=True)],
    }
    for name, column in _TEXTS.items():
        found[name] = [text or None for text in of[column]]
    return [found[name] for name in RAW_EVENT_COLUMNS]


_TEXTS: Final = {
    "clientId": "client",
    "machineId": "machine",
    "sessionId": "session",
    "category": "category",
    "name": "name",
    "text": "text",
    "geography.continent": "continent",
    "geography.country": "country",
    "geography.usState": "us_state",
}


def _data(kind: str, given: dict[str, str], data: str, canonical: str) -> str | None:
    """What only the record's own type knows, as JSON."""
    if kind not in SET_TYPES:
        return data or None
    if not given and kind == "client_day":
        return None
    # A record without seq is known by what it said, before values were put into their one spelling.
    said = strict_json.parse(canonical.encode())["set"] if canonical else given
    return orjson.dumps({name: _typed(name, value) for name, value in said.items()}).decode()


def _typed(name: str, value: str) -> object:
    if value == "":
        return None
    kind = BY_NAME[name].data_type
    if kind == "number":
        return orjson.Fragment(value)
    return value == "1" if kind == "boolean" else value


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Moment):
        return to_text(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)
