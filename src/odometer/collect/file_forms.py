"""What a file is, told by its first bytes: a form that import takes, or what it looks like instead."""

import csv
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from odometer.collect.compression import DamagedDataError, gunzip, unzstd
from odometer.errors import Problem
from odometer.model.raw_events import RAW_EVENT_COLUMNS

Form = Literal["lines", "gzip", "zstd", "parquet", "raw"]

# So much of a file, and of what a compressed one holds, is looked at.
HEAD_BYTES: Final = 1 << 16
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
# Frames that hold no content begin with one of sixteen numbers; some writers put one first.
_SKIPPABLE: Final = b"\x2a\x4d\x18"
_TAKEN: Final = "NDJSON (one record a line; also gzip or zstd), Parquet and raw event files are taken"
_FOREIGN: Final = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"\x04\x22\x4d\x18", "LZ4 data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\0", "xz data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"<?xml", "XML"),
    (b"<", "XML or HTML"),
)
_WIDE: Final = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


class NotRecordsError(Problem):
    """A file that holds no records as import takes them; the message says what it looks like."""

    def __init__(self, file: object, looks_like: str, advice: str = _TAKEN) -> None:
        super().__init__("INVALID_FIELD", f"{file} looks like {looks_like}; {advice}.")


def form_of(file: object, head: bytes, stream: BinaryIO | None) -> Form:
    """The form of a file that begins with `head`, at most `HEAD_BYTES`; `stream` reads a zip from its beginning.

    A zip can only be told with its stream; without one it passes. Raises `NotRecordsError`. What is damaged passes too:
    whoever reads it says where.
    """
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        if stream is not None:
            _check_zip(file, stream)
        return "raw"
    if head.startswith(GZIP_MAGIC):
        _check_text(file, _beginning(gunzip([head])), "gzip data with ")
        return "gzip"
    if is_zstd(head):
        _check_text(file, _beginning(unzstd([head])), "zstd data with ")
        return "zstd"
    _check_text(file, head, "")
    return "lines"


def binary_form(head: bytes) -> str | None:
    """What data is that cannot be text at all; None of whatever can, also of what is no JSON."""
    if head.startswith(GZIP_MAGIC):
        return "gzip data"
    if is_zstd(head):
        return "zstd data"
    if head.startswith((b"PK\x03\x04", b"PAR1")):
        return "a zip" if head.startswith(b"PK") else "a Parquet file"
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    # One line that is an object shows what it is; a broken one beside it costs only itself.
    if any(line.startswith(b"{") and line[1:2] != b"\0" for line in map(bytes.lstrip, text.split(b"\n"))):
        return None
    found = _looks_like(head, text)[0] if text else _TEXT
    return None if found in _TEXTS else found


def is_zstd(head: bytes) -> bool:
    """Whether it begins with a Zstandard frame, or one of those that hold no content."""
    return head.startswith(_ZSTD_MAGIC) or (head[1:4] == _SKIPPABLE and head[:1] >= b"\x50" and head[:1] <= b"\x5f")


def _beginning(pieces: Iterator[bytes]) -> bytes:
    """What compressed data begins with; less where it is damaged, or cut."""
    found = b""
    try:
        for piece in pieces:
            found += piece
            if len(found) >= HEAD_BYTES:
                break
    except DamagedDataError:
        pass
    return found[:HEAD_BYTES]


def _check_text(file: object, head: bytes, within: str) -> None:
    """Refuse what cannot be lines of JSON objects. One odd line among others is no reason: it costs only itself."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    if not text or (text.startswith(b"{") and text[1:2] != b"\0"):
        return
    looks_like, advice = _looks_like(head, text)
    if any(line.lstrip().startswith(b"{") for line in text.split(b"\n")[1:]) and looks_like in _LINES:
        return
    raise NotRecordsError(file, within + looks_like, advice)


_CSV: Final = "CSV (text with separators)"
_TEXT: Final = "text that is no JSON"
_BINARY: Final = "binary data of no known form"
_LINES: Final = (_CSV, _TEXT)
_ARRAY: Final = "a JSON array"
_TEXTS: Final = (*_LINES, _ARRAY, "XML", "XML or HTML")


def _looks_like(head: bytes, text: bytes) -> tuple[str, str]:
    for magic, name in _WIDE:
        if head.startswith(magic):
            return f"{name} text", f"save it as UTF-8 ({_TAKEN})"
    for magic, name in _FOREIGN:
        if head.startswith(magic):
            return name, _TAKEN
    if head[257:262] == b"ustar":
        return "a tar archive", _TAKEN
    if text.startswith(b"["):
        return _ARRAY, "write one record a line, for example with `jq -c '.[]'`"
    if b"\0" in head:
        wide = head[:2].count(b"\0") == 1 and head[:200].count(b"\0") * 3 > len(head[:200])
        return ("UTF-16 text", f"save it as UTF-8 ({_TAKEN})") if wide else (_BINARY, _TAKEN)
    if _is_binary(head):
        return _BINARY, _TAKEN
    first = text.partition(b"\n")[0]
    return (_CSV if any(sign in first for sign in (b",", b";", b"\t")) else _TEXT), _TAKEN


def _is_binary(head: bytes) -> bool:
    """More control characters than text has, or not UTF-8 beyond a character that was cut at the end."""
    controls = sum(1 for byte in head[:4096] if byte < 32 and byte not in b"\t\n\r\f")
    try:
        head[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head[:4096]) - 3
    return controls * 20 > len(head[:4096])


def _check_zip(file: object, stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                raise NotRecordsError(file, "an Office document")
            if len(names) != 1:
                raise NotRecordsError(file, f"a zip of {len(names):,} files", f"unpack it; {_TAKEN}")
            with archive.open(names[0]) as entry:
                first = entry.readline(HEAD_BYTES).decode(errors="replace")
            if next(csv.reader([first]), None) != list(RAW_EVENT_COLUMNS):
                raise NotRecordsError(file, f"a zip of {names[0]}, which is no raw event file", f"unpack it; {_TAKEN}")
    except (zipfile.BadZipFile, zlib.error, csv.Error, EOFError, NotImplementedError):
        # Damage: whoever reads it says where.
        return
    finally:
        stream.seek(0)
