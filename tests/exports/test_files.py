"""The file store: a file is there whole or not at all, in a folder and in a real S3 server alike."""

from pathlib import Path

import httpx2
import pytest

from odometer.exports.files import FileKey, FileStore, LocalFiles, S3Files

KEY = FileKey("exports", 7, "clients.jsonl.gz")
CONTENT = b"line\n" * 4_000_000  # more than one part of an upload


@pytest.fixture
def local(tmp_path: Path) -> LocalFiles:
    return LocalFiles(tmp_path / "files")


def write_half(files: FileStore) -> None:
    """A writer that fails in the middle."""
    with files.writing(KEY) as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError


def test_a_file_appears_when_it_is_complete(local: LocalFiles) -> None:
    with local.writing(KEY) as path:
        path.write_bytes(CONTENT[:1000])
        assert local.local_path(KEY) is None
        path.write_bytes(CONTENT)

    found = local.local_path(KEY)
    assert found is not None
    assert found.read_bytes() == CONTENT
    local.delete(KEY)
    local.delete(KEY)
    assert local.local_path(KEY) is None


def test_a_failed_write_leaves_the_old_file(local: LocalFiles, tmp_path: Path) -> None:
    with local.writing(KEY) as path:
        path.write_bytes(b"old")

    with pytest.raises(ZeroDivisionError):
        write_half(local)

    found = local.local_path(KEY)
    assert found is not None
    assert found.read_bytes() == b"old"
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == [found]


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    half = tmp_path / ".aside" / "7-half"
    half.parent.mkdir()
    half.write_bytes(b"half")

    LocalFiles(tmp_path)

    assert not half.exists()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "/etc/passwd", ".aside", "a\0b", "a\nb", "ü", "x" * 300]
)
def test_only_plain_names_are_looked_for(local: LocalFiles, name: str) -> None:
    for key in (FileKey("exports", 7, name), FileKey(name, 7, "file")):
        with pytest.raises(ValueError, match="plain"):
            local.local_path(key)


def test_object_storage_keeps_files_and_answers_its_own_links(s3: FileStore, tmp_path: Path) -> None:
    with s3.writing(KEY) as path:
        path.write_bytes(CONTENT)
    link = s3.own_link(KEY, 60)
    assert isinstance(s3, S3Files)
    assert link is not None
    assert "X-Amz-Expires=60" in link

    whole = httpx2.get(link)
    part = httpx2.get(link, headers={"Range": "bytes=5-9"})

    assert whole.content == CONTENT
    assert whole.headers["Content-Disposition"] == f'attachment; filename="{KEY.name}"'
    assert whole.headers["Content-Type"] == "application/gzip"
    assert (part.status_code, part.content) == (206, CONTENT[5:10])
    assert s3.local_path(KEY) is None
    assert list((tmp_path / "work/.aside").iterdir()) == []
    s3.delete(KEY)
    s3.delete(KEY)
    assert httpx2.get(link).status_code == 404


def test_a_failed_write_leaves_nothing_in_object_storage(s3: FileStore) -> None:
    with pytest.raises(ZeroDivisionError):
        write_half(s3)

    link = s3.own_link(KEY, 60)
    assert link is not None
    assert httpx2.get(link).status_code == 404
