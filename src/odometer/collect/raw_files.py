"""Reading raw event files (chapter 08) in constant memory: the one CSV in a zip, in chunks of some thousand rows."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

import orjson

from odometer.collect.compression import DamagedDataError
from odometer.model.raw_events import RAW_EVENT_COLUMNS

_ROWS_PER_CHUNK: Final = 4_096


def read_raw_events(stream: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """(rows as a JSON array of arrays of cells, how many), the header first as one row that holds nothing."""
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise DamagedDataError("the zip does not hold one raw event file")
            with archive.open(names[0]) as entry, io.TextIOWrapper(entry, "utf-8", newline="") as text:
                rows = csv.reader(text, strict=True)
                if next(rows, None) != list(RAW_EVENT_COLUMNS):
                    raise DamagedDataError("the file in the zip has not the columns of raw event files")
                yield b"[]", 1
                while chunk := list(islice(rows, _ROWS_PER_CHUNK)):
                    yield orjson.dumps(chunk), len(chunk)
    except (zipfile.BadZipFile, zlib.error, csv.Error, EOFError, UnicodeDecodeError, NotImplementedError) as error:
        raise DamagedDataError(f"the raw event file cannot be read ({error})") from error
