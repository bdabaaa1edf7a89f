"""A file that holds no records says what it looks like, by its first bytes, before anything is read (chapter 09)."""

import gzip
import io
import sqlite3
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from odometer.collect.file_forms import NotRecordsError
from odometer.collect.import_files import read_chunks

LINE = '{"clientId": "7F3C09A1", "type": "client_day", "day": "2031-05-13"}\n'
CSV = "clientId;type;day\n7F3C09A1;client_day;2031-05-13\n" * 50


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE t (x)")
        return database.serialize()


def _tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.ndjson"))
    return made.getvalue()


def _arrow() -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([("clientId", pa.string())])):
        pass
    return bytes(sink.getvalue())


FOREIGN = {
    "CSV": (CSV.encode(), "CSV"),
    "CSV in gzip": (gzip.compress(CSV.encode(), mtime=0), "gzip data with CSV"),
    "CSV in zstd": (zstandard.compress(CSV.encode()), "zstd data with CSV"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "a PNG image"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "UTF-16": (LINE.encode("utf-16"), "UTF-16 text"),
    "UTF-16 without mark": (LINE.encode("utf-16-le"), "UTF-16 text"),
    "UTF-16 big end first": (LINE.encode("utf-16-be"), "UTF-16 text"),
    "UTF-32": (LINE.encode("utf-32"), "UTF-32 text"),
    "JSON array": (b'[{"clientId": "7F3C09A1"}]', "a JSON array"),
    "JSON array of lines": (f"[\n{LINE}]".encode(), "a JSON array"),
    "SQLite": (_sqlite(), "an SQLite database"),
    "tar": (_tar(), "a tar archive"),
    "Arrow": (_arrow(), "an Arrow"),
    "bzip2": (b"BZh91AY&SY", "bzip2 data"),
    "xz": (b"\xfd7zXZ\0\0", "xz data"),
    "HTML": (b"<!doctype html>\n<html>", "XML or HTML"),
    "binary": (bytes(range(128, 256)) * 40, "binary data of no known form"),
    "binary with zeros": (b"RIFF\x10\0\0\0" + b"\x01\x02" * 500, "binary data of no known form"),
    "words": (b"hello world\nthis is no record\n", "text that is no JSON"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_foreign_file_says_what_it_looks_like(tmp_path: Path, name: str) -> None:
    content, looks_like = FOREIGN[name]
    file, good = tmp_path / "file", tmp_path / "good.ndjson"
    file.write_bytes(content)
    good.write_text(LINE)

    with pytest.raises(NotRecordsError) as refusal:
        read_chunks([good, file])

    assert refusal.value.message.startswith(f"{file} looks like {looks_like}")


@pytest.mark.parametrize(
    "content", [b"", b"\n \n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), b"{\n", b'{"a": "\xff\xfe"}\n']
)
def test_an_empty_file_or_one_odd_line_is_no_foreign_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)

    assert all(chunk.damage is None for chunk in read_chunks([file]))
