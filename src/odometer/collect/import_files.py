"""Reading import files (contract 09, Bulk import) in constant memory: what a file is, is told by its first bytes."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from odometer.collect.compression import DamagedDataError, gunzip, unzstd
from odometer.collect.import_rows import (
    DAMAGED_FILE,
    MAX_LINE_BYTES,
    EncodedChunk,
    FileChunk,
    LineRejection,
    encode_chunk,
)
from odometer.collect.raw_files import read_raw_events
from odometer.errors import Problem

__all__ = ["EncodedChunk", "FileChunk", "LineRejection", "encode_chunk", "read_chunks"]

_BLOCK_BYTES: Final = 1 << 18
_CHUNK_BYTES: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_PARQUET_MAGIC: Final = b"PAR1"
_ZIP_MAGIC: Final = b"PK\x03\x04"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"


def read_chunks(files: Sequence[Path]) -> Iterator[FileChunk]:
    """The files in order, in chunks of about 1 MiB of text or some thousand rows.

    A file that is broken or ends too early keeps what stands before the damage: its last chunk carries a rejection
    `DAMAGED_FILE` that names the place, and the next file follows. Raises `Problem` before anything is read when a
    file cannot be opened.
    """
    for file in files:
        if not file.is_file():
            raise Problem("INVALID_FIELD", f"{file}: no such file.")
    return _all_chunks(files)


def _all_chunks(files: Sequence[Path]) -> Iterator[FileChunk]:
    offset = 0
    for file in files:
        yield from _file_chunks(file, offset)
        offset += file.stat().st_size


def _file_chunks(file: Path, offset: int) -> Iterator[FileChunk]:
    with file.open("rb") as stream:
        magic = stream.read(4)
        stream.seek(0)
        line = 1
        try:
            if magic == _PARQUET_MAGIC:
                from odometer.collect.parquet import read_batches  # noqa: PLC0415 - loading Arrow takes a while

                for payload, rows, position in read_batches(stream):
                    yield FileChunk(file, line, "arrow", payload, offset + position)
                    line += rows
                return
            if magic == _ZIP_MAGIC:
                for payload, rows in read_raw_events(stream):
                    yield FileChunk(file, line, "raw", payload, offset + stream.tell())
                    line += rows
                return
            for payload in _whole_lines(_decoder(magic)(_blocks(stream))):
                yield FileChunk(file, line, "lines", payload, offset + stream.tell())
                line += payload.count(b"\n")
        except DamagedDataError as error:
            message = f"{file}: {error} (after byte {stream.tell():,} of the file, line {line:,})."
            damage = LineRejection(line, DAMAGED_FILE, None, message, "")
            yield FileChunk(file, line, "lines", b"", offset + stream.tell(), (damage,))


def _decoder(magic: bytes) -> Callable[[Iterable[bytes]], Iterable[bytes]]:
    if magic.startswith(_GZIP_MAGIC):
        return gunzip
    return unzstd if magic == _ZSTD_MAGIC else iter


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK_BYTES):
        yield block


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of text that end with a line's end, except the last; what an over-long line has too much is dropped.

    Such a line stays longer than a line may be, so whoever reads the piece refuses it.
    """
    text = io.BytesIO()
    open_bytes = 0  # how much of the text belongs to a line whose end has not come yet
    try:
        for block in blocks:
            end = block.rfind(b"\n") + 1
            if end == 0 and open_bytes > MAX_LINE_BYTES:
                continue
            open_bytes = len(block) - end if end else open_bytes + len(block)
            text.write(block)
            if end and text.tell() >= _CHUNK_BYTES:
                whole = text.getvalue()
                cut = len(whole) - open_bytes
                yield whole[:cut]
                text = io.BytesIO()
                text.write(whole[cut:])
    except DamagedDataError:
        whole = text.getvalue()
        if cut := len(whole) - open_bytes:
            yield whole[:cut]
        raise
    if text.tell():
        yield text.getvalue()
