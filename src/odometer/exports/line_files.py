"""Files of custom events and exceptions (chapter 08): one CSV in a zip, safe to open in a spreadsheet."""

import datetime as dt
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

from odometer.exports.delimited import harmless, zipped_csv
from odometer.exports.raw_files import Pause
from odometer.model.daily_file import Stream
from odometer.model.lines import LineType, file_cells, file_header
from odometer.store.answers.lines import LineReading

LINE_TYPES: Final[dict[Stream, LineType]] = {Stream.CUSTOM_EVENTS: "custom_event", Stream.EXCEPTIONS: "exception"}
_CHUNK: Final = 4_096


def line_writer(reading: LineReading, stream: Stream) -> Callable[[int, dt.date, Path, Pause], int]:
    """What writes the lines of a day of a product to a path, and tells how many they are."""
    line_type = LINE_TYPES[stream]

    def write(product_id: int, day: dt.date, path: Path, pause: Pause) -> int:
        written = 0
        lines = reading.of_day(product_id, line_type, day)
        with zipped_csv(path, f"{stream}_{day}.csv", file_header(line_type)) as file:
            while chunk := list(islice(lines, _CHUNK)):
                pause()
                file.write([harmless(cell) for cell in file_cells(line, line_type)] for line in chunk)
                written += len(chunk)
        return written

    return write
