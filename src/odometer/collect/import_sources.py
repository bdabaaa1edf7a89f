"""Where an import reads from: files, and standard input, which cannot be read from its beginning again."""

import contextlib
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from odometer.collect.file_forms import HEAD_BYTES, Form, form_of
from odometer.errors import Problem

STANDARD_INPUT: Final = Path("-")


@dataclass(frozen=True, slots=True)
class Source:
    """Something to import; `head` is what was read of standard input to tell its form."""

    path: Path
    form: Form
    head: bytes = b""

    @property
    def name(self) -> str:
        """As messages call it."""
        return "standard input" if self.path == STANDARD_INPUT else str(self.path)

    @property
    def size(self) -> int:
        """Bytes on disk; 0 of standard input."""
        return 0 if self.path == STANDARD_INPUT else self.path.stat().st_size

    @property
    def is_empty(self) -> bool:
        """Whether there is not one byte; what holds only white space, or is compressed, is seen when it is read."""
        return not self.size and not self.head

    @contextlib.contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes; Parquet and zip can be read from any place."""
        if self.path != STANDARD_INPUT:
            with self.path.open("rb") as file:
                yield file
            return
        stream = io.BufferedReader(_Rejoined(self.head))
        if self.form not in ("parquet", "raw"):
            yield stream
            return
        with tempfile.TemporaryFile() as whole:
            shutil.copyfileobj(stream, whole)
            whole.seek(0)
            yield whole


def sources(files: Sequence[Path]) -> list[Source]:
    """The files with their forms. Raises `Problem` when one cannot be opened or is no file of records."""
    if files.count(STANDARD_INPUT) > 1:
        raise Problem("INVALID_FIELD", "Standard input (-) can be read once only.")
    return [_standard_input() if file == STANDARD_INPUT else _source(file) for file in files]


def _source(file: Path) -> Source:
    if not file.is_file():
        raise Problem("INVALID_FIELD", f"{file}: no such file.")
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        return Source(file, form_of(file, head, stream))


def _standard_input() -> Source:
    head = b""
    while len(head) < HEAD_BYTES and (more := _read_some(HEAD_BYTES - len(head))):
        head += more
    return Source(STANDARD_INPUT, form_of("standard input", head, None), head)


def _read_some(most: int) -> bytes:
    """What there is of standard input, without waiting for more than that."""
    return cast("io.BufferedReader", sys.stdin.buffer).read1(most)


class _Rejoined(io.RawIOBase):
    """What was read of standard input already, then the rest."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever takes bytes
        some = self._head[: len(buffer)]
        self._head = self._head[len(some) :]
        some = some or _read_some(len(buffer))
        buffer[: len(some)] = some
        return len(some)
