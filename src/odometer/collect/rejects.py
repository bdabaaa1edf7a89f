"""The file of rejected lines: written aside, there when the import ends; no other file is ever lost by it."""

import datetime as dt
import os
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import IO, Any, Final

import orjson

from odometer.errors import Problem

DEFAULT_NAME: Final = Path("rejected-lines.ndjson")
_FIELD: Final = "--rejected"
# Longer than any entry's beginning that tells what it is.
_FIRST_LINE_BYTES: Final = 1 << 26


def choose_file(wanted: Path | None, inputs: Sequence[Path]) -> Path:
    """Where rejected lines will go. Raises `Problem` when that is no place for them; nothing is changed here.

    Without a wish it is `rejected-lines.ndjson`, or `rejected-lines-2.ndjson` where that is one of the inputs or not
    a file of rejected lines, here or, where nothing can be written here, among temporary files.
    """
    if wanted is None:
        folder = Path() if os.access(Path(), os.W_OK) else Path(tempfile.gettempdir())
        return next(one for one in _names(folder / DEFAULT_NAME) if _fault(one, inputs) is None)
    fault = _fault(wanted, inputs)
    if fault is not None:
        raise Problem("INVALID_FIELD", f"{wanted} {fault}; name another file.", field=_FIELD)
    return wanted


def _names(path: Path) -> Iterator[Path]:
    """The path, then with a number, without end."""
    yield path
    yield from (path.with_stem(f"{path.stem}-{number}") for number in count(2))


def _fault(path: Path, inputs: Sequence[Path]) -> str | None:
    """Why rejected lines cannot go there."""
    if not path.absolute().parent.is_dir():
        return "lies in a folder that does not exist"
    if not os.access(path.absolute().parent, os.W_OK):
        return "lies in a folder that cannot be written"
    if not path.exists():
        return "is a link to nothing" if path.is_symlink() else None
    if not path.is_file():
        return "is not a file"
    if any(one.exists() and path.samefile(one) for one in inputs):
        return "is one of the files to import"
    return None if _is_ours(path) else "exists and is no file of rejected lines"


def _is_ours(path: Path) -> bool:
    """Whether an import wrote it: its first line tells."""
    with path.open("rb") as file:
        first = file.readline(_FIRST_LINE_BYTES)
    try:
        entry = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    # Of a line there is its text; of a record that the store refused its number.
    return isinstance(entry, dict) and "code" in entry and ("raw" in entry or "seq" in entry) and "type" not in entry


class RejectsFile:
    """Collects rejected lines with their reason, one JSON object a line; made only when there is one.

    One of an earlier import is kept under another name first: it would look as if this one had rejects.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` comes from `choose_file`; without one nothing is written."""
        self.path = path
        self.earlier: Path | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "RejectsFile":
        if self.path is not None and self.path.exists():
            written = dt.datetime.fromtimestamp(self.path.stat().st_mtime, dt.UTC)
            dated = self.path.with_stem(f"{self.path.stem}-{written:%Y%m%dT%H%M%SZ}")
            self.earlier = next(one for one in _names(dated) if not one.exists())
            self.path.rename(self.earlier)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None or self.path is None:
            return
        self._file.close()
        # Somebody may have made one meanwhile.
        self.path = next(one for one in _names(self.path) if not one.exists())
        Path(self._file.name).rename(self.path)

    @property
    def is_written(self) -> bool:
        """Whether there were any."""
        return self._file is not None

    def write(self, entry: dict[str, Any]) -> None:
        """Add a line."""
        if self.path is None:
            return
        if self._file is None:
            folder = self.path.absolute().parent
            self._file = tempfile.NamedTemporaryFile(prefix=f".{self.path.name}-", dir=folder, delete=False)  # noqa: SIM115
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
