"""Import files of every form give the same rows, and damage costs only what it hits (chapter 09, Bulk import)."""

import datetime as dt
import gzip
import json
import pickle
import random
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from odometer.collect.import_files import EncodedChunk, encode_chunk, read_chunks
from odometer.collect.import_rows import MAX_LINE_BYTES
from odometer.errors import Problem
from tests.unit.collect.senders import CLIENT, RECEIVED_MS, client_day, event_day, live

RECORDS = [
    client_day(sessions=1, runtimeSeconds=420, set={"prodVersion": "3.1", "C04": None}),
    event_day(category="Canvas", count=6, value=2.5),
    {"clientId": CLIENT, "machineId": "m-1", **live("event", value=0.25)},
]
# What some writers of Zstandard put first: a frame that holds nothing.
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\0\0\0\x01\x02\x03\x04"
TEXT = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in RECORDS)


def read(*files: Path) -> list[EncodedChunk]:
    chunks = [pickle.loads(pickle.dumps(chunk)) for chunk in read_chunks(files)]  # noqa: S301 - our own bytes
    return [encode_chunk(chunk, RECEIVED_MS) for chunk in chunks]


def rows(encoded: list[EncodedChunk]) -> list[dict[str, Any]]:
    found = [json.loads(line) for chunk in encoded for line in chunk.rows.splitlines()]
    assert len(found) == sum(chunk.count for chunk in encoded)
    return found


def rejections(encoded: list[EncodedChunk]) -> list[tuple[int, str, str | None]]:
    return [(item.line, item.code, item.field) for chunk in encoded for item in chunk.rejected]


def damages(*files: Path) -> list[str]:
    return [chunk.damage for chunk in read_chunks(files) if chunk.damage]


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    file = tmp_path / "plain.ndjson"
    file.write_bytes(TEXT)
    return file


@pytest.mark.parametrize(
    "content",
    [
        TEXT.rstrip(b"\n"),
        TEXT.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:50]) + gzip.compress(TEXT[50:]),
        zstandard.compress(TEXT),
        zstandard.compress(TEXT[:50]) + zstandard.compress(TEXT[50:]),
        SKIPPABLE + zstandard.compress(TEXT[:50]) + SKIPPABLE + zstandard.compress(TEXT[50:]) + SKIPPABLE,
        gzip.compress(b"\xef\xbb\xbf" + TEXT),
        b"no record\n" + TEXT,
    ],
    ids=[
        *("no last newline", "crlf", "byte order mark", "gzip", "gzip members", "zstd", "zstd frames"),
        *("zstd with frames to skip", "byte order mark in gzip", "odd first line"),
    ],
)
def test_every_form_of_text_gives_the_same_rows(plain: Path, tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)

    assert rows(read(other)) == rows(read(plain))
    assert len(rows(read(plain))) == 3


def test_positions_run_over_all_files(plain: Path) -> None:
    size = plain.stat().st_size

    assert [chunk.position for chunk in read_chunks([plain, plain])] == [size, 2 * size]


def test_a_missing_file_is_told_before_anything_is_read(plain: Path, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="missing: no such file"):
        read_chunks([plain, tmp_path / "missing"])


def test_a_bad_line_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "bad"
    too_long = b'{"text": "' + b"a" * (3 * MAX_LINE_BYTES) + b'"}'
    bad = [b"\xff\xfe", b"", b"[1]", b'{"clientId": "x"}', too_long, b'{"clientId": "7F3C09A1", "type": "client_day"}']
    file.write_bytes(TEXT + b"\n".join(bad) + b"\n" + TEXT)

    encoded = read(file)

    assert len(rows(encoded)) == 6
    assert rejections(encoded) == [
        (4, "MALFORMED_JSON", None),
        (6, "INVALID_FIELD", None),
        (7, "INVALID_FIELD", "clientId"),
        (8, "INVALID_FIELD", None),
        (9, "MISSING_FIELD", "day"),
    ]
    raws = [item.as_dict()["raw"] for chunk in encoded for item in chunk.rejected]
    assert (raws[0], raws[1], len(raws[3])) == ("\\xff\\xfe", "[1]", 1024)


def test_a_refusal_names_the_member_that_was_meant(tmp_path: Path) -> None:
    """And the members of what is refused are not told as ignored."""
    file = tmp_path / "bad"
    records: list[dict[str, Any]] = [{**client_day(), "days": "2031-05-13"}, {**client_day(), "zzz": 1}]
    for record in records:
        del record["day"]
    file.write_bytes(b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in records))

    (chunk,) = read(file)

    assert [one.message for one in chunk.rejected] == ["day is required. Is days meant to be it?", "day is required."]
    assert chunk.ignored == []


def large_text() -> tuple[bytes, int]:
    clients = random.Random(5)
    records = [client_day(clientId=f"{clients.getrandbits(64):016X}", sessions=n) for n in range(30_000)]
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records), len(records)


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_truncated_file_keeps_what_stands_before_the_cut(plain: Path, tmp_path: Path, compress: Any) -> None:
    text, count = large_text()
    compressed = compress(text)
    file = tmp_path / "cut"
    file.write_bytes(compressed[: len(compressed) * 3 // 4])

    encoded = read(file, plain)

    kept = rows(encoded)
    whole = [row["sessions"] for row in kept[:-3]]
    [damage] = damages(file, plain)
    assert whole == list(range(len(whole)))
    assert count // 2 < len(whole) < count
    assert f"ends in the middle (after byte {file.stat().st_size:,} of the file, line {len(whole) + 1:,})" in damage
    assert rejections(encoded) == []
    assert len(kept) == len(whole) + 3


def test_long_files_come_in_several_chunks_with_right_numbers(tmp_path: Path) -> None:
    text, count = large_text()
    file = tmp_path / "long"
    file.write_bytes(text + b"oops")

    encoded = read(file)

    assert len(encoded) > 1
    assert [row["sessions"] for row in rows(encoded)] == list(range(count))
    assert rejections(encoded) == [(count + 1, "MALFORMED_JSON", None)]


SETS = [
    pa.array([[("prodVersion", "3.1"), ("C04", None), ("ram", "8192")]], pa.map_(pa.string(), pa.string())),
    pa.array(['{"prodVersion": "3.1", "C04": null, "ram": 8192}']),
    pa.array([[{"k": "prodVersion", "v": "3.1"}, {"k": "C04", "v": None}, {"k": "ram", "v": "8192"}]]),
    pa.array([{"prodVersion": "3.1", "C04": "", "ram": 8192, "vm": None}]),
]


@pytest.mark.parametrize("column", SETS, ids=["map", "json", "list", "struct"])
@pytest.mark.parametrize("day", [dt.date(2031, 5, 13), "2031-05-13", dt.datetime(2031, 5, 13)])  # noqa: DTZ001
def test_parquet_gives_the_rows_of_json(tmp_path: Path, column: pa.Array, day: object) -> None:
    file = tmp_path / "rows.parquet"
    table = pa.table(
        {
            "clientId": [CLIENT],
            "type": ["client_day"],
            "day": [day],
            "runtimeSeconds": [420.5],
            "sessions": [2.0],
            "set": column,
            "ignored": [b"x"],
        }
    )
    pq.write_table(table, file)
    plain = tmp_path / "plain"
    members = {"sessions": 2, "runtimeSeconds": 420.5, "set": {"prodVersion": "3.1", "C04": None, "ram": 8192}}
    plain.write_bytes(orjson.dumps(client_day(**members)))

    assert rows(read(file)) == rows(read(plain))


@pytest.mark.parametrize(
    "data",
    [
        pa.array(['[["k", "1"], ["k", "2"]]']),
        pa.array([[["k", "1"], ["k", "2"]]]),
        pa.array([[("k", "1"), ("k", "2")]], pa.map_(pa.string(), pa.string())),
    ],
    ids=["json", "lists", "map"],
)
@pytest.mark.parametrize("at", [dt.datetime(2031, 5, 13, 1, 2, 3, 4567, dt.UTC), "2031-05-13T01:02:03.0045Z"])
def test_parquet_keeps_pairs_and_moments(tmp_path: Path, data: pa.Array, at: object) -> None:
    file = tmp_path / "rows.parquet"
    columns = {"clientId": [CLIENT], "type": ["custom_event"], "at": [at], "name": ["Buy"], "data": data}
    pq.write_table(pa.table(columns), file)

    [row] = rows(read(file))

    assert json.loads(row["data"]) == [["k", "1"], ["k", "2"]]
    assert row["at_ms"] % 86_400_000 == 3_723_004


def test_parquet_rejects_single_rows_and_reports_damage(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    count = 10_000
    table = pa.table(
        {
            "clientId": [CLIENT] * count,
            "type": ["event_day"] * count,
            "day": ["2031-05-13"] * count,
            "name": [f"e{n}" for n in range(count)],
            "value": [float("nan") if n == 9000 else 0.5 for n in range(count)],
        }
    )
    pq.write_table(table, file)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(file.read_bytes()[:-100])

    encoded = read(file, cut)

    assert sum(chunk.count for chunk in encoded) == count - 1
    assert rejections(encoded) == [(9001, "INVALID_FIELD", "value")]
    assert len(damages(file, cut)) == 1
