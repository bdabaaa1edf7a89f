"""Where backups are kept: a folder, or a bucket of S3-compatible storage, behind the same few verbs.

What has been put is there whole or not at all.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from odometer.durable import bring_to_disk
from odometer.errors import StartError

_ASIDE: Final = ".aside"
_UPLOAD_PART: Final = 8 * 1024 * 1024


class BackupPlace(Protocol):
    """Keeps files by keys such as `parts/records/a.tar`. Failures are OSError or `StartError`."""

    def work_file(self) -> Path:
        """A new path for a file that is to be put."""

    def put(self, key: str, file: Path) -> None:
        """Keep the file under the key; it is gone from where it was."""

    def get(self, key: str, file: Path) -> None:
        """Write what is kept under the key to the path."""

    def sizes(self) -> dict[str, int]:
        """All keys, with the sizes in bytes."""

    def delete(self, key: str) -> None:
        """Keep it no longer."""


def _new_file(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    return Path(name)


class FolderPlace:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def work_file(self) -> Path:
        """See `BackupPlace`."""
        aside = self._folder / _ASIDE
        aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _new_file(aside)

    def put(self, key: str, file: Path) -> None:
        """See `BackupPlace`."""
        target = self._folder / key
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        bring_to_disk(file)
        file.replace(target)
        bring_to_disk(target.parent)

    def get(self, key: str, file: Path) -> None:
        """See `BackupPlace`."""
        shutil.copyfile(self._folder / key, file)

    def sizes(self) -> dict[str, int]:
        """See `BackupPlace`."""
        found = {}
        for path in self._folder.rglob("*"):
            key = path.relative_to(self._folder)
            if key.parts[0] != _ASIDE and path.is_file():
                found[key.as_posix()] = path.stat().st_size
        return found

    def delete(self, key: str) -> None:
        """See `BackupPlace`."""
        (self._folder / key).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove what is unfinished."""
        shutil.rmtree(self._folder / _ASIDE, ignore_errors=True)


class BucketPlace:
    """A bucket of S3-compatible storage; address and credentials come from the usual AWS_ variables."""

    def __init__(self, url: str, work: Path) -> None:
        self._store = S3Store.from_url(url)
        self._work = work

    def work_file(self) -> Path:
        """See `BackupPlace`."""
        return _new_file(self._work)

    def put(self, key: str, file: Path) -> None:
        """See `BackupPlace`. An upload that breaks off leaves nothing under the key."""
        obstore.put(self._store, key, file, chunk_size=_UPLOAD_PART, max_concurrency=2)
        file.unlink()

    def get(self, key: str, file: Path) -> None:
        """See `BackupPlace`."""
        with file.open("wb") as target:
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=_UPLOAD_PART):
                target.write(chunk)

    def sizes(self) -> dict[str, int]:
        """See `BackupPlace`."""
        return {item["path"]: item["size"] for batch in obstore.list(self._store) for item in batch}

    def delete(self, key: str) -> None:
        """See `BackupPlace`."""
        obstore.delete(self._store, key)


@contextmanager
def open_place(address: str) -> Iterator[BackupPlace]:
    """The place at `s3://bucket/prefix` or in a folder, for the block. Raises `StartError` when it does not answer."""
    try:
        if address.startswith("s3://"):
            with tempfile.TemporaryDirectory(prefix="odometer-backup-") as work:
                yield BucketPlace(address, Path(work))
            return
        if "://" in address:
            raise StartError(f"{address} is no place for backups: give a folder, or s3://bucket/prefix.")
        place = FolderPlace(Path(address).absolute())
        try:
            yield place
        finally:
            place.close()
    except BaseError as error:
        reason = str(error).partition("\n")[0][:200]
        raise StartError(f"{address}: the storage refused ({reason}); check the address and AWS_*.") from error
