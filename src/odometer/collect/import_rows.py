"""A chunk of an import file becomes rows: runs in worker processes, so everything here can be pickled."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from odometer.collect import known_members
from odometer.collect.file_forms import BYTE_ORDER_MARK
from odometer.collect.identity import read_client_id, read_machine_id
from odometer.collect.line_json import parse_line
from odometer.collect.raw_rows import BEYOND, MARK, to_raw_row
from odometer.collect.records import Sender, to_row
from odometer.errors import Problem, invalid
from odometer.model.raw_events import RAW_EVENT_COLUMNS

MAX_LINE_BYTES: Final = 4 << 20
_SHOWN_OF_A_LONG_LINE: Final = 1024
_MOST_NAMES: Final = 100
# So many unknown members of a refused record are looked at for the one that was meant.
_MOST_HINTS: Final = 3
# What an entry of a file of rejected lines has, and no record.
_REFUSED_BY_STORE: Final = {"code", "message", "clientId", "seq"}
_REJECTED: Final = {"file", "line", "code", "message", "raw"}
_RAW_COLUMNS: Final = frozenset(RAW_EVENT_COLUMNS)


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
        damage: why the file could not be read on from here.

    """

    file: Path
    first_line: int
    form: Literal["lines", "arrow", "raw"]
    payload: bytes
    position: int
    damage: str | None = None


@dataclass(slots=True)
class Ignored:
    """A member that no record of its kind has: in how many records it stood, and what was probably meant."""

    name: str
    records: int
    nearest: str
    line: int


@dataclass(slots=True)
class EncodedChunk:
    """`rows` is NDJSON of `count` record rows, in the order of the lines."""

    rows: bytes = b""
    count: int = 0
    rejected: list[LineRejection] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)


def encode_chunk(chunk: FileChunk, received_ms: int, *, strict: bool = False) -> EncodedChunk:
    """The rows of a chunk by the rules of an import that started at `received_ms`.

    `strict` refuses records with members that nothing reads.
    """
    encoder = _Encoder(received_ms, strict=strict)
    rejected: list[LineRejection] = []
    encoded: list[bytes] = []
    for number, item in _items(chunk):
        try:
            encoded.append(encoder.encode(item, number))
        except Problem as problem:
            message = problem.message + encoder.hint(problem)
            rejected.append(LineRejection(number, problem.code, problem.field, message, _raw(item)))
    return EncodedChunk(b"".join(encoded), len(encoded), rejected, list(encoder.ignored.values()))


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
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        if text and not text.isspace():
            yield number, text


class _Encoder:
    """Encodes the records of one chunk; remembers the senders, since files keep a client's records together."""

    def __init__(self, received_ms: int, *, strict: bool) -> None:
        self._received_ms = received_ms
        self._strict = strict
        self._senders: dict[tuple[str, str | None], Sender] = {}
        self.ignored: dict[str, Ignored] = {}
        # Of the record at hand.
        self._kind = ""
        self._unknown: Collection[str] = ()

    def encode(self, item: bytes | dict[str, Any], number: int) -> bytes:
        """The row of one line or of one row of members, as a line of JSON."""
        self._unknown = ()
        if isinstance(item, dict) and MARK in item:
            self._meet("raw event", item.keys() - _RAW_COLUMNS - {BEYOND})
            row = to_raw_row(item, self._received_ms)
        else:
            record = self._parsed(item)
            kind = str(record.get("type"))
            self._meet(kind, record.keys() - known_members.ON_LINE.get(kind, record.keys()))
            row = to_row(record, self._sender(record))
        # Only now: of a record that is refused nothing is stored, whatever its members are called.
        self._note(number)
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)

    def hint(self, problem: Problem) -> str:
        """More on a refusal of the record at hand: the member that was probably meant to be the missing one."""
        if problem.code != "MISSING_FIELD":
            return ""
        names = (name[: known_members.MAX_NAME] for name in sorted(self._unknown)[:_MOST_HINTS])
        meant = next((name for name in names if known_members.nearest(name, self._kind) == problem.field), None)
        return f" Is {meant} meant to be it?" if meant else ""

    def _meet(self, kind: str, unknown: Collection[str]) -> None:
        """Remember what nothing reads, or refuse the record for it."""
        self._kind, self._unknown = kind, unknown
        if unknown and self._strict:
            name = min(unknown)
            raise invalid(name[: known_members.MAX_NAME], known_members.advice(name, kind))

    def _note(self, number: int) -> None:
        """Count what nothing reads."""
        for given in self._unknown:
            name = given[: known_members.MAX_NAME]
            if name in self.ignored:
                self.ignored[name].records += 1
            elif len(self.ignored) < _MOST_NAMES:
                self.ignored[name] = Ignored(name, 1, known_members.nearest(name, self._kind), number)

    @staticmethod
    def _parsed(item: bytes | dict[str, Any]) -> dict[str, Any]:
        if isinstance(item, dict):
            from odometer.collect.parquet import to_record  # noqa: PLC0415 - see _items

            return to_record(item)
        record = _object(item)
        # A file of rejected lines: each holds the line that it is about, perhaps mended.
        if record.keys() == _REFUSED_BY_STORE:
            raise Problem(
                "INVALID_FIELD", "This entry tells of a client who had opted out or is blocked; nothing to mend."
            )
        if "type" not in record and record.keys() >= _REJECTED and type(record["raw"]) is str:
            return _object(record["raw"].encode())
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


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise Problem("INVALID_FIELD", f"The line is longer than {MAX_LINE_BYTES:,} bytes.")
    record = parse_line(line)
    if not isinstance(record, dict):
        raise Problem("INVALID_FIELD", "A line must be a JSON object.")
    return record


def _raw(item: bytes | dict[str, Any]) -> str:
    if isinstance(item, dict):
        return orjson.dumps(item, default=str).decode()
    shown = item if len(item) <= MAX_LINE_BYTES else item[:_SHOWN_OF_A_LONG_LINE]
    return shown.decode(errors="backslashreplace")
