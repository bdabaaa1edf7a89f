"""The body of a live batch (chapter 09): JSON or NDJSON, gzip or not, to rows and refusals of single records."""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from odometer.clock import DAY_MS
from odometer.collect import known_members, members, timestamps
from odometer.collect.compression import DamagedDataError, gunzip
from odometer.collect.file_forms import BYTE_ORDER_MARK, HEAD_BYTES, binary_form
from odometer.collect.identity import read_client_id, read_machine_id, seq_if_readable
from odometer.collect.known_members import IgnoredMembers
from odometer.collect.line_json import parse_line
from odometer.collect.records import Sender, to_row
from odometer.errors import Problem, invalid
from odometer.model import strict_json
from odometer.model.records import RecordRow

Geography = tuple[str, str, str]

_MIB: Final = 1 << 20
_CLOCK_TOLERANCE_MS: Final = 5 * 60_000
_MAX_BATCH_ID: Final = 128
# Whole batches of records have a few hundred thousand; the bound keeps what is built from a small body small.
MAX_VALUES: Final = 1_000_000
# A line is one record, and no record has more.
_MAX_VALUES_OF_A_LINE: Final = 20_000
# A sender compresses a batch in one piece, a relay some pieces together.
_MAX_GZIP_MEMBERS: Final = 1_000
# Reading so much takes some milliseconds, in which nothing else can run in this process.
_SMALL_BYTES: Final = 64 << 10
_SMALL_LINES: Final = 500
_SMALL_VALUES: Final = 10_000
# So many names of unknown members an answer tells.
_MOST_IGNORED: Final = 20
_NDJSON: Final = "application/x-ndjson"
_JSON: Final = "application/json"


def no_geography(_address: str) -> Geography:
    """The lookup without a database: nothing found."""
    return ("", "", "")


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """What the request and the settings say about a body.

    Attributes:
        content_type: as sent; missing means JSON.
        content_encoding: as sent; gzip or nothing.
        address: the caller's address, for `locate` only.
        locate: address to continent, country, US state; `""` where nothing is found.
        may_set_ip: the key belongs to a relay, whose NDJSON lines may carry `ip`.
        max_age_days: older records are refused.
        max_bytes: of the body as sent.
        max_decompressed_bytes: of the body after decompression.
        max_records: records, or lines.

    """

    content_type: str | None = None
    content_encoding: str | None = None
    address: str = ""
    locate: Callable[[str], Geography] = no_geography
    may_set_ip: bool = False
    max_age_days: int = 400
    max_bytes: int = 8 * _MIB
    max_decompressed_bytes: int = 64 * _MIB
    max_records: int = 5000


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that broke a rule. Should `key` be stored already, it is a duplicate and not a refusal (chapter 09)."""

    index: int
    client: str | None
    seq: int | None
    code: str
    field: str | None
    message: str

    @property
    def key(self) -> tuple[str, int] | None:
        """(client, seq) when both could be read."""
        return None if self.client is None or self.seq is None else (self.client, self.seq)

    def as_dict(self) -> dict[str, Any]:
        """The entry of `rejected` in the answer."""
        names = ("index", "seq", "code", "field", "message")
        return {name: getattr(self, name) for name in names}


@dataclass(slots=True)
class ParsedBatch:
    """What a body holds; `rows[i]` was record or line number `positions[i]`; `sender` is the client of an envelope.

    `ignored` are members that nothing reads, of the envelope and of `rows`; `corrected` counts the envelopes (1) or
    lines whose clock was put right.
    """

    batch_id: str = ""
    sender: str = ""
    rows: list[RecordRow] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    ignored: IgnoredMembers = field(default_factory=lambda: IgnoredMembers(_MOST_IGNORED))
    corrected: int = 0

    def add(self, index: int, row: RecordRow) -> None:
        """Keep a row."""
        self.rows.append(row)
        self.positions.append(index)

    def refuse(self, index: int, client: str | None, record: object, problem: Problem) -> None:
        """Keep a refusal."""
        seq = seq_if_readable(record)
        self.refused.append(Refused(index, client, seq, problem.code, problem.field, problem.message))


def parse_batch(body: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
    """The records of a request body.

    Raises `Problem` for the body as a whole: MALFORMED_JSON, MISSING_FIELD or INVALID_FIELD of the envelope,
    BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE.
    """
    media_type = (options.content_type or _JSON).partition(";")[0].strip().lower()
    if media_type not in (_JSON, _NDJSON):
        raise Problem("UNSUPPORTED_MEDIA_TYPE", f"A batch is sent as {_JSON} or {_NDJSON}.")
    content = _decoded(body, options).removeprefix(BYTE_ORDER_MARK)
    _check_is_text(content)
    if media_type == _NDJSON:
        return _parse_lines(content, options, received_ms)
    return _parse_envelope(content, options, received_ms)


def is_small(body: bytes, options: ParseOptions) -> bool:
    """Whether reading the body takes so little that it may be done in the process that serves."""
    if len(body) > _SMALL_BYTES:
        return False
    size = lines = values = 0
    try:
        for piece in _pieces(body, options):
            size += len(piece)
            lines += piece.count(b"\n")
            values += strict_json.value_bound(piece)
            if size > _SMALL_BYTES or lines > _SMALL_LINES or values > _SMALL_VALUES:
                return False
    except DamagedDataError:
        return True
    return True


def _decoded(body: bytes, options: ParseOptions) -> bytes:
    """The content of a body; how large it is and how many values it may hold is told piece by piece."""
    _check_size(len(body), options.max_bytes)
    pieces: list[bytes] = []
    size = values = 0
    try:
        for piece in _pieces(body, options):
            size += len(piece)
            values += strict_json.value_bound(piece)
            _check_size(size, options.max_decompressed_bytes)
            if values > MAX_VALUES:
                raise Problem("BODY_TOO_LARGE", f"A batch has at most {MAX_VALUES:,} values; send it in parts.")
            pieces.append(piece)
    except DamagedDataError as error:
        raise Problem("MALFORMED_JSON", f"The body cannot be decompressed: {error}.") from error
    return b"".join(pieces)


def _pieces(body: bytes, options: ParseOptions) -> Iterable[bytes]:
    encoding = (options.content_encoding or "identity").strip().lower()
    if encoding == "identity":
        return [body]
    if encoding not in ("gzip", "x-gzip"):
        raise Problem("UNSUPPORTED_MEDIA_TYPE", "The only content encoding taken here is gzip.")
    return gunzip([body], most_members=_MAX_GZIP_MEMBERS)


def _check_is_text(content: bytes) -> None:
    """Refuse binary data as a whole: read as lines it would cost the sender all its records."""
    found = binary_form(content[:HEAD_BYTES])
    if found is not None:
        hint = " Send Content-Encoding: gzip with it." if found == "gzip data" else ""
        raise Problem("MALFORMED_JSON", f"The body looks like {found}, not like JSON.{hint}")


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise Problem("BODY_TOO_LARGE", f"A batch has at most {limit:,} bytes.")


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise Problem("BODY_TOO_LARGE", f"A batch has at most {limit:,} records.")


def _parse_envelope(content: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
    envelope = strict_json.decode(content)
    # One record's broken text must not cost its batch: texts are checked record by record.
    is_suspect = strict_json.may_hold_half_pairs(content)
    if not isinstance(envelope, dict):
        raise Problem("INVALID_FIELD", "A batch is a JSON object with clientId and records.")
    records = envelope.get("records")
    if records is None:
        raise members.missing("records")
    if not isinstance(records, list):
        raise invalid("records", "records must be a list.")
    _check_count(len(records), options.max_records)
    if is_suspect:
        strict_json.check_text({name: value for name, value in envelope.items() if name != "records"})
    batch = ParsedBatch(members.optional_text(envelope, "batchId", 0, _MAX_BATCH_ID))
    client = batch.sender = read_client_id(envelope)
    sender = _sender(envelope, client, options, received_ms, options.locate(options.address))
    batch.corrected = int(sender.shift_ms != 0)
    batch.ignored.add(envelope.keys() - known_members.ENVELOPE)
    for index, record in enumerate(records):
        try:
            if is_suspect:
                strict_json.check_text(record)
            batch.add(index, to_row(_object(record), sender))
            batch.ignored.note(record, known_members.IN_ENVELOPE)
        except Problem as problem:
            batch.refuse(index, client, record, problem)
    return batch


def _parse_lines(content: bytes, options: ParseOptions, received_ms: int) -> ParsedBatch:
    """Empty lines are no records, yet they keep their place in the numbering and count towards the limit."""
    _check_count(content.count(b"\n") + (not content.endswith(b"\n") and content != b""), options.max_records)
    batch = ParsedBatch()
    known = known_members.ON_LINE_WITH_IP if options.may_set_ip else known_members.ON_LINE
    locate = lru_cache(maxsize=options.max_records)(options.locate)
    for index, line in enumerate(content.split(b"\n")):
        if not line.strip():
            continue
        client = None
        record = None
        try:
            if strict_json.value_bound(line) > _MAX_VALUES_OF_A_LINE:
                raise Problem("INVALID_FIELD", f"A record has at most {_MAX_VALUES_OF_A_LINE:,} values.")
            record = _object(parse_line(line))
            client = read_client_id(record)
            sender = _sender(record, client, options, received_ms, locate(_address(record, options)))
            batch.add(index, to_row(record, sender))
            batch.ignored.note(record, known)
            batch.corrected += sender.shift_ms != 0
        except Problem as problem:
            batch.refuse(index, client, record, problem)
    return batch


def _object(record: object) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise Problem("INVALID_FIELD", "A record must be a JSON object.")
    return record


def _sender(
    holder: dict[str, Any], client: str, options: ParseOptions, received_ms: int, geography: Geography
) -> Sender:
    """The sender that an envelope or line describes, with the shift of a clock that runs ahead or is years behind."""
    sent_at = holder.get("sentAt")
    ahead_ms = 0 if sent_at is None else timestamps.parse_moment(sent_at, "sentAt") - received_ms
    # Less far behind is no fault of a clock: relays hold batches for days.
    is_wrong = ahead_ms > _CLOCK_TOLERANCE_MS or -ahead_ms > options.max_age_days * DAY_MS
    shift_ms = -ahead_ms if is_wrong else 0
    return Sender(client, read_machine_id(holder), shift_ms, received_ms, options.max_age_days, geography)


def _address(record: dict[str, Any], options: ParseOptions) -> str:
    """The address to look up: the caller's, or the one a trusted relay names."""
    given = record.get("ip") if options.may_set_ip else None
    if given is None:
        return options.address
    try:
        return str(ipaddress.ip_address(members.checked_text(given, "ip", 1, 64)))
    except ValueError as error:
        raise invalid("ip", "ip must be an IPv4 or IPv6 address.") from error
