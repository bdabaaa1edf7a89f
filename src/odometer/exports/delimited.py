"""CSV files in a zip of one entry (chapter 08): UTF-8, RFC 4180, the same bytes for the same rows."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

# The earliest moment that a zip can name: files do not depend on when they were made.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_LEVEL: Final = 5
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


class _PlainLineEnds:
    """Takes each line as the writer ends it, and ends it with a line feed alone."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(f"{line[:-2]}\n")


class CsvWriter:
    """Writes rows of cells."""

    def __init__(self, file: IO[str], header: Sequence[str]) -> None:
        # The writer quotes what could be taken for its own line end, and so both signs of it; then lines end plainly.
        self._writer = csv.writer(_PlainLineEnds(file), lineterminator="\r\n")
        self._writer.writerow(header)

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Append rows."""
        self._writer.writerows(rows)


@contextmanager
def zipped_csv(path: Path, inner_name: str, header: Sequence[str]) -> Iterator[CsvWriter]:
    """A zip at `path` that holds one CSV; complete at the end of the block."""
    entry = zipfile.ZipInfo(inner_name, date_time=_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive,
        archive.open(entry, "w", force_zip64=True) as binary,
        io.TextIOWrapper(binary, encoding="utf-8", newline="") as text,
    ):
        yield CsvWriter(text, header)


def _is_risky(cell: str) -> bool:
    return cell.startswith(_RISKY) and not _NUMBER.fullmatch(cell)


def harmless(cell: str) -> str:
    """The text as a cell that no spreadsheet runs as a formula: with an apostrophe before it where one might."""
    return f"'{cell}" if _is_risky(cell) else cell


def escaped(cell: str) -> str:
    """As `harmless`, in a form of which `unescaped` gives back every text, those with apostrophes included."""
    return f"'{cell}" if _is_risky(cell.lstrip("'")) else cell


def unescaped(cell: str) -> str:
    """The text of which `escaped` made this cell."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell.lstrip("'")) else cell
