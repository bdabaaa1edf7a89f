"""A chunk of an import file becomes rows: runs in worker processes, so everything here can be pickled."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from odometer.collect.identity import read_client_id, read_machine_id
from odometer.collect.line_json import parse_line
from odometer.collect.raw_rows import BEYOND, MARK, to_raw_row
from odometer.collect.records import Sender, to_row
from odometer.errors import Problem
from odometer.model.raw_events import RAW_EVENT_COLUMNS

MAX_LINE_BYTES: Final = 4 << 20
_SHOWN_OF_A_LONG_LINE: Final = 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# Not a code of the API: it appears in the summary of an import only.
DAMAGED_FILE: Final = "DAMAGED_FILE"


@dataclass(frozen=True, slots=True)
class LineRejection:
    """A line (of Parquet: a row, counted from 1) that was not taken; `raw` is its text."""

    line: int
    code: str
    field: str | None
    message: str
    raw: str

    def as_dict(self) -> dict[str, Any]:
        """What the file of rejected lines holds."""
        return {name: getattr(self, name) for name in ("line", "code", "field", "message", "raw")}


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A part of an import file.

    Attributes:
        file: where it comes from.
        first_line: number of its first line or row, counted from 1.
        form: `lines` = NDJSON text, `arrow` = rows as an Arrow stream, `raw` = rows of a raw event file as JSON.
        payload: whole lines, the stream, or an array of arrays of cells.
        position: bytes of all files read when this chunk ends, as they lie on disk.
        rejected: what the reader itself had to refuse.

    """

    file: Path
    first_line: int
    form: Literal["lines", "arrow", "raw"]
    payload: bytes
    position: int
    rejected: tuple[LineRejection, ...] = ()


@dataclass(slots=True)
class EncodedChunk:
    """`rows` is NDJSON of `count` record rows, in the order of the lines."""

    rows: bytes = b""
    count: int = 0
    rejected: list[LineRejection] = field(default_factory=list)


def encode_chunk(chunk: FileChunk, received_ms: int) -> EncodedChunk:
    """The rows of a chunk by the rules of an import that started at `received_ms`."""
    encoder = _Encoder(received_ms)
    rejected = list(chunk.rejected)
    encoded: list[bytes] = []
    for number, item in _items(chunk):
        try:
            encoded.append(encoder.encode(item))
        except Problem as problem:
            rejected.append(LineRejection(number, problem.code, problem.field, problem.message, _raw(item)))
    return EncodedChunk(b"".join(encoded), len(encoded), rejected)


def _items(chunk: FileChunk) -> Iterator[tuple[int, bytes | dict[str, Any]]]:
    """Lines, or rows of members, with their numbers; empty lines are counted but hold nothing."""
    if chunk.form == "arrow":
        # Only here: most imports never need Arrow, and loading it takes a worker longer than a chunk.
        from odometer.collect.parquet import rows_of  # noqa: PLC0415

        yield from enumerate(rows_of(chunk.payload), chunk.first_line)
        return
    if chunk.form == "raw":
        for number, cells in enumerate(orjson.loads(chunk.payload), chunk.first_line):
            # What stands beyond the columns, and what is missing, is seen by whoever reads the row.
            yield number, {name or BEYOND: cell for name, cell in zip_longest(RAW_EVENT_COLUMNS, cells)}
        return
    for number, line in enumerate(chunk.payload.split(b"\n"), chunk.first_line):
        text = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
        if text and not text.isspace():
            yield number, text


class _Encoder:
    """Encodes the records of one chunk; remembers the senders, since files keep a client's records together."""

    def __init__(self, received_ms: int) -> None:
        self._received_ms = received_ms
        self._senders: dict[tuple[str, str | None], Sender] = {}

    def encode(self, item: bytes | dict[str, Any]) -> bytes:
        """The row of one line or of one row of members, as a line of JSON."""
        if isinstance(item, dict) and MARK in item:
            row = to_raw_row(item, self._received_ms)
        else:
            record = self._parsed(item)
            row = to_row(record, self._sender(record))
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)

    @staticmethod
    def _parsed(item: bytes | dict[str, Any]) -> dict[str, Any]:
        if isinstance(item, dict):
            from odometer.collect.parquet import to_record  # noqa: PLC0415 - see _items

            return to_record(item)
        if len(item) > MAX_LINE_BYTES:
            raise Problem("INVALID_FIELD", f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
        record = parse_line(item)
        if not isinstance(record, dict):
            raise Problem("INVALID_FIELD", "A line must be a JSON object.")
        return record

    def _sender(self, record: dict[str, Any]) -> Sender:
        client = record.get("clientId")
        machine = record.get("machineId")
        if type(client) is str and (machine is None or type(machine) is str):
            known = self._senders.get((client, machine))
            if known is not None:
                return known
        sender = Sender(read_client_id(record), read_machine_id(record), 0, self._received_ms, None)
        self._senders[sender.client_id, machine] = sender
        return sender


def _raw(item: bytes | dict[str, Any]) -> str:
    if isinstance(item, dict):
        return orjson.dumps(item, default=str).decode()
    shown = item if len(item) <= MAX_LINE_BYTES else item[:_SHOWN_OF_A_LONG_LINE]
    return shown.decode(errors="backslashreplace")
