"""A file of one stream and day (chapter 08)."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Stream(StrEnum):
    """Of what there are daily files; the value begins their names."""

    CUSTOM_EVENTS = "customEvents"
    EXCEPTIONS = "exceptions"
    RAW_EVENTS = "rawEvents"


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFile:
    """A complete file.

    Attributes:
        stream: what it holds.
        product_id: of one product.
        day: the UTC day of its rows.
        name: what callers ask for.
        rows: how many, without the header.
        file_size: bytes.
        sha256: of the file, hexadecimal.
        state: stands for the content of the day when the file was made; another one makes it anew.

    """

    stream: Stream
    product_id: int
    day: dt.date
    name: str
    rows: int
    file_size: int
    sha256: str
    state: str
