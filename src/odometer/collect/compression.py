"""Decompression in bounded steps: whoever reads can stop before a small input has become a large one."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import zstandard

_OUTPUT_STEP: Final = 1 << 20
# Zstandard offers no limit for one step's output; little input keeps even the worst ratio within 128 MiB.
_ZSTD_INPUT_STEP: Final = 4096
_GZIP: Final = 31


class DamagedDataError(Exception):
    """Compressed data that is broken or ends too early; what was read before stands."""


def gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of gzip data (any number of members, zero padding allowed) in pieces of at most 1 MiB."""
    member = None
    try:
        for read in blocks:
            block = read
            while block:
                if member is None:
                    block = block.lstrip(b"\0")
                    member = zlib.decompressobj(_GZIP) if block else None
                    continue
                yield member.decompress(block, _OUTPUT_STEP)
                block = member.unused_data if member.eof else member.unconsumed_tail
                member = None if member.eof else member
        while member is not None and (piece := member.decompress(b"", _OUTPUT_STEP)):
            yield piece
            member = None if member.eof else member
    except zlib.error as error:
        raise DamagedDataError("the gzip data is broken") from error
    if member is not None:
        raise DamagedDataError("the gzip data ends in the middle")


def unzstd(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The content of Zstandard data (any number of frames)."""
    decompressor = zstandard.ZstdDecompressor()
    frame = None
    try:
        for block in blocks:
            for start in range(0, len(block), _ZSTD_INPUT_STEP):
                step = block[start : start + _ZSTD_INPUT_STEP]
                while step:
                    frame = frame or decompressor.decompressobj()
                    yield frame.decompress(step)
                    step = frame.unused_data if frame.eof else b""
                    frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise DamagedDataError("the Zstandard data is broken") from error
    if frame is not None:
        raise DamagedDataError("the Zstandard data ends in the middle")
