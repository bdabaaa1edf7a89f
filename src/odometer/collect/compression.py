"""Decompression in bounded steps: whoever reads can stop before a small input has become a large one."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

import zstandard

_OUTPUT_STEP: Final = 1 << 20
# Zstandard offers no limit for one step's output; little input keeps even the worst ratio within 128 MiB.
_ZSTD_INPUT_STEP: Final = 4096
# What stands behind the end of a member is copied for every member, so little of it may be at hand.
_GZIP_INPUT_STEP: Final = 4096
_GZIP: Final = 31


class DamagedDataError(Exception):
    """Compressed data that is broken or ends too early; what was read before stands."""


def gunzip(blocks: Iterable[bytes], *, most_members: int | None = None) -> Iterator[bytes]:
    """The content of gzip data (any number of members, zero padding allowed) in pieces of at most 1 MiB.

    A member may be 20 bytes that hold nothing, so a sender who is not trusted is given `most_members`.
    """
    member = None
    members = 0
    try:
        for step in _steps(blocks, _GZIP_INPUT_STEP):
            block = step
            while block:
                if member is None:
                    block = block.lstrip(b"\0")
                    if not block:
                        break
                    members += 1
                    if most_members is not None and members > most_members:
                        raise DamagedDataError(f"the gzip data has more than {most_members:,} members")
                    member = zlib.decompressobj(_GZIP)
                piece = member.decompress(block, _OUTPUT_STEP)
                block = member.unused_data if member.eof else member.unconsumed_tail
                member = None if member.eof else member
                if piece:
                    yield piece
        while member is not None and (piece := member.decompress(b"", _OUTPUT_STEP)):
            yield piece
            member = None if member.eof else member
    except zlib.error as error:
        raise DamagedDataError("the gzip data is broken") from error
    if member is not None:
        raise DamagedDataError("the gzip data ends in the middle")


def _steps(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        for start in range(0, len(block), size):
            yield block[start : start + size]


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
