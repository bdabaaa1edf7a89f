"""Where finished files are kept: a local folder, or object storage behind the same few verbs.

A file appears under its name only when it is complete: it is written aside, brought to the disk, and then renamed or
uploaded as a whole. Whatever a dead process left aside has no name that anybody could ask for.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from odometer.durable import bring_to_disk
from odometer.errors import Problem, StartError

if TYPE_CHECKING:
    from obstore import Attributes

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_ASIDE: Final = ".aside"
# An upload holds two such parts in memory.
_UPLOAD_PART: Final = 8 * 1024 * 1024
_MEDIA_TYPES: Final = {
    ".gz": "application/gzip",
    ".zip": "application/zip",
    ".parquet": "application/vnd.apache.parquet",
}


class FileKey(NamedTuple):
    """What identifies a file: the stream it belongs to (exports, a kind of daily files), its product, its name."""

    stream: str
    product_id: int
    name: str

    @property
    def path(self) -> str:
        """Where it lies below the root of a store. Raises ValueError for anything but plain names."""
        if not _NAME.fullmatch(self.stream) or not _NAME.fullmatch(self.name):
            raise ValueError("a file has a plain name")
        return f"{self.stream}/{self.product_id:d}/{self.name}"

    @property
    def media_type(self) -> str:
        """The Content-Type, by the ending of the name."""
        return _MEDIA_TYPES.get(Path(self.name).suffix, "application/octet-stream")


class FileStore(Protocol):
    """Keeps files. Everything may block; failures are OSError or `Problem` STORE_UNAVAILABLE."""

    def writing(self, key: FileKey) -> AbstractContextManager[Path]:
        """A path to write to; the file appears under its key at the end of the block, or not at all."""

    def delete(self, key: FileKey) -> None:
        """Take the file away; harmless when it is not there."""

    def local_path(self, key: FileKey) -> Path | None:
        """The complete file on this machine; None where there is none, and always where files lie elsewhere."""

    def own_link(self, key: FileKey, seconds: int) -> str | None:
        """An address that the storage itself answers; None where this server has to."""


class LocalFiles:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = _clean_aside(folder)

    @contextmanager
    def writing(self, key: FileKey) -> Iterator[Path]:
        """See `FileStore`."""
        target = self._folder / key.path
        with _aside(self._aside, key) as part:
            yield part
            bring_to_disk(part)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part.replace(target)
            bring_to_disk(target.parent)

    def delete(self, key: FileKey) -> None:
        """See `FileStore`."""
        (self._folder / key.path).unlink(missing_ok=True)

    def local_path(self, key: FileKey) -> Path | None:
        """See `FileStore`."""
        path = self._folder / key.path
        return path if path.is_file() else None

    def own_link(self, _key: FileKey, _seconds: int) -> str | None:
        """See `FileStore`."""
        return None


class S3Files:
    """A bucket of S3-compatible storage; address and credentials come from the usual AWS_ variables."""

    def __init__(self, url: str, work_folder: Path) -> None:
        """`s3://bucket/prefix`; files are put together in the work folder. Raises `StartError`."""
        try:
            self._store = S3Store.from_url(url)
        except BaseError as error:
            raise StartError(f"The file store {url} cannot be opened: check ODOMETER_FILES and AWS_*.") from error
        self._aside = _clean_aside(work_folder)

    @contextmanager
    def writing(self, key: FileKey) -> Iterator[Path]:
        """See `FileStore`. An upload that breaks off leaves nothing under the key."""
        attributes: Attributes = {
            "Content-Disposition": f'attachment; filename="{key.name}"',
            "Content-Type": key.media_type,
        }
        with _aside(self._aside, key) as part:
            yield part
            with _as_problem():
                obstore.put(
                    self._store, key.path, part, attributes=attributes, chunk_size=_UPLOAD_PART, max_concurrency=2
                )

    def delete(self, key: FileKey) -> None:
        """See `FileStore`."""
        with _as_problem():
            obstore.delete(self._store, key.path)

    def local_path(self, _key: FileKey) -> Path | None:
        """See `FileStore`."""
        return None

    def own_link(self, key: FileKey, seconds: int) -> str | None:
        """See `FileStore`: a presigned GET."""
        with _as_problem():
            return obstore.sign(self._store, "GET", key.path, timedelta(seconds=seconds))


def open_files(address: str, work_folder: Path) -> FileStore:
    """The store at `s3://bucket/prefix` or in a folder. Raises `StartError`."""
    if address.startswith("s3://"):
        return S3Files(address, work_folder)
    return LocalFiles(Path(address))


def _clean_aside(folder: Path) -> Path:
    """The folder for unfinished files, emptied of those that a dead process left."""
    aside = folder / _ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    return aside


@contextmanager
def _aside(folder: Path, key: FileKey) -> Iterator[Path]:
    """A new empty file; gone at the end unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=f"{key.product_id}-", dir=folder)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def _as_problem() -> Iterator[None]:
    try:
        yield
    except BaseError as error:
        raise Problem("STORE_UNAVAILABLE", "The file storage did not answer.", retry_after_s=5) from error
