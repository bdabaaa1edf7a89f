"""Client lists as files: JSON lines, CSV and Parquet, each written chunk by chunk."""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from odometer.exports.delimited import harmless, zipped_csv
from odometer.model.clients import ClientRow, Value
from odometer.model.properties import Property
from odometer.selection.client_list import CLIENT_ID, ClientChoice, as_json, as_object

WriteClients = Callable[[Sequence[ClientRow]], None]
_GZIP_LEVEL: Final = 4


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One format: the ending of its files, and how one is opened for writing; complete at the end of the block."""

    ending: str
    open: Callable[[Path, ClientChoice], AbstractContextManager[WriteClients]]


@contextmanager
def _json_lines(path: Path, choice: ClientChoice) -> Iterator[WriteClients]:
    """One object a line, the same as in pages."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as file:

        def write(rows: Sequence[ClientRow]) -> None:
            file.write(b"".join(orjson.dumps(as_object(row, choice)) + b"\n" for row in rows))

        yield write


@contextmanager
def _csv(path: Path, choice: ClientChoice) -> Iterator[WriteClients]:
    """One row a client; with daily data one for each active day, or one with an empty date."""
    header = [CLIENT_ID, *(column.name for column in choice.columns)]
    if choice.daily is not None:
        header += ["date", *(f"dailyData.{c.name}" if c.name in header else c.name for c in choice.daily.columns)]
    with zipped_csv(path, "clientPropertyList.csv", header) as file:

        def write(rows: Sequence[ClientRow]) -> None:
            file.write(cells for row in rows for cells in _lines(row, choice))

        yield write


def _lines(row: ClientRow, choice: ClientChoice) -> Iterator[list[str]]:
    of_client = [
        harmless(row.client),
        *(_cell(c.prop, value) for c, value in zip(choice.columns, row.values, strict=True)),
    ]
    if choice.daily is None:
        yield of_client
        return
    columns = choice.daily.columns
    if not row.days:
        yield [*of_client, "", *("" for _ in columns)]
    for day, values in row.days:
        yield [*of_client, str(day), *(_cell(c.prop, value) for c, value in zip(columns, values, strict=True))]


def _cell(prop: Property, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return orjson.dumps(as_json(prop, value)).decode()
    return str(value)


def _parquet(path: Path, choice: ClientChoice) -> AbstractContextManager[WriteClients]:
    """One row a client; null is null, dates are dates, lists are lists of structs."""
    from odometer.exports.client_parquet import open_parquet  # noqa: PLC0415 - loading Arrow takes a while

    return open_parquet(path, choice)


CLIENT_FILES: Final[dict[str, ClientFile]] = {
    "jsonl": ClientFile(".jsonl.gz", _json_lines),
    "csv": ClientFile(".csv.zip", _csv),
    "parquet": ClientFile(".parquet", _parquet),
}
