"""Raw event files as import reads them (chapter 08): what is refused and says why, what is damaged, true cells."""

import csv
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest

from odometer.collect.file_forms import NotRecordsError
from odometer.collect.import_files import EncodedChunk, FileChunk, encode_chunk, read_chunks
from odometer.exports.delimited import zipped_csv
from odometer.model.raw_events import RAW_EVENT_COLUMNS

NOW_MS = 1_940_000_000_000
HEARTBEAT = {
    "receivedAt": "2031-06-01T10:00:00.000Z",
    "at": "2031-06-03T09:00:00.000Z",
    "atUsed": "2031-06-01T09:00:00.000Z",
    "clientId": "client-01",
    "seq": "7",
    "type": "heartbeat",
}


def file_of(path: Path, *rows: dict[str, str]) -> Path:
    with zipped_csv(path, "rawEvents.csv", RAW_EVENT_COLUMNS) as file:
        file.write([row.get(name, "") for name in RAW_EVENT_COLUMNS] for row in rows)
    return path


def zip_of(path: Path, content: bytes, *names: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("raw.csv",):
            archive.writestr(name, content)
    return path


def encoded(path: Path) -> list[EncodedChunk]:
    return [encode_chunk(chunk, NOW_MS) for chunk in read_chunks([path])]


def rows_of(path: Path) -> list[dict[str, Any]]:
    chunks = encoded(path)
    assert [one for chunk in chunks for one in chunk.rejected] == []
    return [orjson.loads(line) for chunk in chunks for line in chunk.rows.splitlines()]


def refusal(tmp_path: Path, **changes: str) -> tuple[int, str, str | None]:
    found = [one for chunk in encoded(file_of(tmp_path / "raw.zip", HEARTBEAT | changes)) for one in chunk.rejected]
    (one,) = found
    return one.line, one.code, one.field


def test_received_and_used_time_are_kept_also_where_a_clock_was_ahead(tmp_path: Path) -> None:
    (row,) = rows_of(file_of(tmp_path / "raw.zip", HEARTBEAT))
    assert (row["seq"], row["day"]) == (7, "2031-06-01")
    assert row["received_ms"] - row["used_ms"] == 3_600_000
    assert row["at_ms"] - row["used_ms"] == 48 * 3_600_000


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"receivedAt": ""}, "MISSING_FIELD", "receivedAt"),
        ({"receivedAt": "2035-01-01T00:00:00Z"}, "INVALID_FIELD", "receivedAt"),
        ({"atUsed": "2031-06-01T10:00:00.001Z"}, "INVALID_FIELD", "atUsed"),
        ({"atUsed": "yesterday"}, "INVALID_FIELD", "atUsed"),
        ({"atUsed": "1999-12-31T00:00:00Z"}, "INVALID_FIELD", "at"),
        ({"clientId": "../x"}, "INVALID_FIELD", "clientId"),
        ({"type": "=cmd"}, "INVALID_FIELD", "type"),
        ({"seq": "7.5"}, "INVALID_FIELD", "seq"),
        ({"seq": "1e9"}, "INVALID_FIELD", "seq"),
        ({"seq": "\u0667"}, "INVALID_FIELD", "seq"),
        ({"type": "properties", "data": "["}, "MALFORMED_JSON", None),
        ({"type": "properties", "data": "[]"}, "INVALID_FIELD", "data"),
        ({"type": "properties", "data": '{"ram": "much"}'}, "INVALID_FIELD", "set.ram"),
        ({"type": "properties", "data": '{"nothing": 1}'}, "UNKNOWN_PROPERTY", "set.nothing"),
        ({"type": "custom_event", "name": "x", "data": '[["a"]]'}, "INVALID_FIELD", "data[0]"),
        ({"type": "exception", "data": '{"className": "E"}'}, "MISSING_FIELD", "methodName"),
        ({"type": "exception", "data": '{"clientId": "client-02"}'}, "MISSING_FIELD", "className"),
        ({"geography.country": "x" * 300}, "INVALID_FIELD", "geography.country"),
    ],
)
def test_a_bad_row_is_refused_with_its_column(
    tmp_path: Path, changes: dict[str, str], code: str, field: str | None
) -> None:
    assert refusal(tmp_path, **changes) == (2, code, field)


@pytest.mark.parametrize("cells", [["a"], ["x"] * (len(RAW_EVENT_COLUMNS) + 1)])
def test_a_row_with_too_few_or_too_many_cells_is_refused(tmp_path: Path, cells: list[str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([RAW_EVENT_COLUMNS, cells])
    (one,) = [
        one for chunk in encoded(zip_of(tmp_path / "raw.zip", text.getvalue().encode())) for one in chunk.rejected
    ]
    assert (one.line, one.code) == (2, "INVALID_FIELD")


HEADER = ",".join(RAW_EVENT_COLUMNS).encode() + b"\n"


def damages(path: Path) -> list[str]:
    return [chunk.damage for chunk in read_chunks([path]) if chunk.damage]


@pytest.mark.parametrize(
    ("content", "names", "looks_like"),
    [
        (b"clientId,type\n", (), "a zip of raw.csv, which is no raw event file"),
        (b"", (), "a zip of raw.csv, which is no raw event file"),
        (HEADER, ("a.csv", "b.csv"), "a zip of 2 files"),
        (HEADER, ("[Content_Types].xml", "b"), "an Office document"),
    ],
)
def test_another_zip_is_refused_before_anything_is_read(
    tmp_path: Path, content: bytes, names: tuple[str, ...], looks_like: str
) -> None:
    with pytest.raises(NotRecordsError, match=re.escape(f"raw.zip looks like {looks_like}")):
        read_chunks([zip_of(tmp_path / "raw.zip", content, *names)])


@pytest.mark.parametrize("content", [b'"never closed\n' + b"x" * 1_000_000, b"\xff\xfe\n"])
def test_a_damaged_raw_event_file_says_so(tmp_path: Path, content: bytes) -> None:
    assert len(damages(zip_of(tmp_path / "raw.zip", HEADER + content))) == 1


def test_a_file_that_ends_early_keeps_nothing_that_it_does_not_have(tmp_path: Path) -> None:
    path = file_of(tmp_path / "raw.zip", *(HEARTBEAT | {"seq": str(n)} for n in range(1, 9000)))
    path.write_bytes(path.read_bytes()[:-400])
    assert len(damages(path)) == 1


def test_every_sign_of_a_cell_survives(tmp_path: Path) -> None:
    text = 'a\rb\r\nc\n"d",;\'=1+1\t\u2028\x01é'
    event = HEARTBEAT | {"type": "event", "name": "n", "text": text}
    (row,) = rows_of(file_of(tmp_path / "raw.zip", event))
    assert row["text"] == text
    with zipfile.ZipFile(tmp_path / "raw.zip") as archive:
        content = archive.read("rawEvents.csv")
    # Lines end with a line feed alone; the signs of the cell stand within quotes.
    assert content.startswith(HEADER)
    assert b'"a\rb\r\nc\n""d""' in content


def test_a_chunk_knows_its_lines(tmp_path: Path) -> None:
    path = file_of(tmp_path / "raw.zip", *(HEARTBEAT | {"seq": str(n)} for n in range(1, 5001)))
    chunks = list(read_chunks([path]))
    assert [(chunk.form, chunk.first_line) for chunk in chunks] == [("raw", 1), ("raw", 2), ("raw", 4098)]
    assert isinstance(chunks[0], FileChunk)
