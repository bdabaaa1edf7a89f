"""Reading import files (chapter 09, Bulk import) in constant memory: what a file is, is told by its first bytes."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from odometer.collect.compression import DamagedDataError, gunzip, unzstd
from odometer.collect.import_rows import (
    MAX_LINE_BYTES,
    EncodedChunk,
    FileChunk,
    LineRejection,
    encode_chunk,
)
from odometer.collect.import_sources import Source, sources
from odometer.collect.raw_files import read_raw_events

__all__ = ["EncodedChunk", "FileChunk", "LineRejection", "chunks_of", "encode_chunk", "read_chunks"]

_BLOCK_BYTES: Final = 1 << 18
_CHUNK_BYTES: Final = 1 << 20
_DECODERS: Final[dict[str, Callable[[Iterable[bytes]], Iterable[bytes]]]] = {
    "lines": iter,
    "gzip": gunzip,
    "zstd": unzstd,
}


def read_chunks(files: Sequence[Path]) -> Iterator[FileChunk]:
    """The files in order, in chunks of about 1 MiB of text or some thousand rows.

    A file that is broken or ends too early keeps what stands before the damage: its last chunk tells `damage` with the
    place, and the next file follows. Raises `Problem` before anything is read when a file cannot be opened or is
    something else.
    """
    return chunks_of(sources(files))


def chunks_of(found: Sequence[Source]) -> Iterator[FileChunk]:
    """As `read_chunks`, of sources that were looked at already."""
    offset = 0
    for source in found:
        yield from _file_chunks(source, offset)
        offset += source.size


def _file_chunks(source: Source, offset: int) -> Iterator[FileChunk]:
    file = source.path
    with source.opened() as stream:
        line, blocks = 1, _Blocks(stream)
        try:
            if source.form == "parquet":
                from odometer.collect.parquet import read_batches  # noqa: PLC0415 - loading Arrow takes a while

                for payload, rows, position in read_batches(stream):
                    yield FileChunk(file, line, "arrow", payload, offset + position)
                    line += rows
                return
            if source.form == "raw":
                for payload, rows in read_raw_events(stream):
                    yield FileChunk(file, line, "raw", payload, offset + stream.tell())
                    line += rows
                return
            for payload in _whole_lines(_DECODERS[source.form](blocks)):
                yield FileChunk(file, line, "lines", payload, offset + blocks.position)
                line += payload.count(b"\n")
        except DamagedDataError as error:
            place = f"after byte {blocks.position:,} of the file, " if blocks.position else ""
            damage = f"{source.name}: {error} ({place}line {line:,})."
            yield FileChunk(file, line, "lines", b"", offset + source.size, damage)


class _Blocks:
    """The bytes of a stream, and how many were read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position = 0

    def __iter__(self) -> Iterator[bytes]:
        while block := self._stream.read(_BLOCK_BYTES):
            self.position += len(block)
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
