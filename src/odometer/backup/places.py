"""Where backups are kept: a folder, or a bucket of S3-compatible storage, behind the same few verbs.

What has been put is there whole or not at all.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
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
# No backup writes so long at one file.
_FORGOTTEN_S: Final = 24 * 3600


class BackupPlace(Protocol):
    """Keeps files by keys such as `parts/records/a.tar`. Failures are OSError or `StartError`."""

    # Whether looking through what is kept costs no more than reading a disk.
    is_near: bool

    def work_file(self) -> Path:
        """A new path for a file that is to be put."""

    def put(self, key: str, file: Path) -> None:
        """Keep the file under the key; it is gone from where it was."""

    def get(self, key: str, file: Path) -> None:
        """Write what is kept under the key to the path."""

    def read(self, key: str) -> bytes:
        """What is kept under the key, where it is small."""

    def sha256(self, key: str) -> str:
        """The hash of what is kept under the key, hexadecimal."""

    def sizes(self) -> dict[str, int]:
        """All keys, with the sizes in bytes."""

    def delete(self, key: str) -> None:
        """Keep it no longer."""


def _new_file(folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder)
    os.close(handle)
    return Path(name)


class WrongPlace(StartError):
    """What was named as a place for backups cannot be one."""


class FolderPlace:
    """A folder on this machine."""

    is_near = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._work: Path | None = None
        self._made: list[Path] = []

    def begin(self) -> None:
        """Make the folder where it is not there, and one of its own for unfinished files. Raises `WrongPlace`."""
        missing = [path for path in (self._folder, *self._folder.parents) if not path.exists()]
        try:
            for path in reversed(missing):
                path.mkdir(mode=0o700)
                self._made.append(path)
            aside = self._folder / _ASIDE
            aside.mkdir(exist_ok=True, mode=0o700)
            _remove_forgotten(aside)
            self._work = Path(tempfile.mkdtemp(dir=aside))
        except OSError as error:
            self.close()
            raise WrongPlace(
                f"{self._folder} is no place for backups, nothing can be written there "
                f"({error.strerror}): give a folder that you may write to, or s3://bucket/prefix."
            ) from error

    def work_file(self) -> Path:
        """See `BackupPlace`."""
        if self._work is None:
            raise RuntimeError("the place was opened for reading")
        return _new_file(self._work)

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

    def read(self, key: str) -> bytes:
        """See `BackupPlace`."""
        return (self._folder / key).read_bytes()

    def sha256(self, key: str) -> str:
        """See `BackupPlace`."""
        return sha256_of(self._folder / key)

    def sizes(self) -> dict[str, int]:
        """See `BackupPlace`."""
        # The folder may hold much else; what belongs to backups lies no deeper than parts do.
        found = {}
        for pattern in ("*", "*/*", "*/*/*"):
            for path in self._folder.glob(pattern):
                key = path.relative_to(self._folder)
                if key.parts[0] != _ASIDE and path.is_file():
                    found[key.as_posix()] = path.stat().st_size
        return found

    def delete(self, key: str) -> None:
        """See `BackupPlace`."""
        (self._folder / key).unlink(missing_ok=True)

    def close(self) -> None:
        """Remove what is unfinished, and what was made for nothing."""
        if self._work is None and not self._made:
            return
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
        for path in (self._folder / _ASIDE, *reversed(self._made)):
            # Another backup may be made there now, and a finished one stays.
            with contextlib.suppress(OSError):
                path.rmdir()


class BucketPlace:
    """A bucket of S3-compatible storage; address and credentials come from the usual AWS_ variables."""

    is_near = False

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

    def read(self, key: str) -> bytes:
        """See `BackupPlace`."""
        return bytes(obstore.get(self._store, key).bytes())

    def sha256(self, key: str) -> str:
        """See `BackupPlace`."""
        found = hashlib.sha256()
        for chunk in obstore.get(self._store, key).stream(min_chunk_size=_UPLOAD_PART):
            found.update(chunk)
        return found.hexdigest()

    def sizes(self) -> dict[str, int]:
        """See `BackupPlace`."""
        return {item["path"]: item["size"] for batch in obstore.list(self._store) for item in batch}

    def delete(self, key: str) -> None:
        """See `BackupPlace`."""
        obstore.delete(self._store, key)


def sha256_of(file: Path) -> str:
    """The hash of a file of any size, hexadecimal."""
    with file.open("rb") as reading:
        return hashlib.file_digest(reading, "sha256").hexdigest()


def _remove_forgotten(aside: Path) -> None:
    """Of backups that were killed; another one that is being made now is younger."""
    for path in aside.iterdir():
        if time.time() - path.stat().st_mtime > _FORGOTTEN_S:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def open_place(address: str, *, to_write: bool = False) -> Iterator[BackupPlace]:
    """The place at `s3://bucket/prefix` or in a folder, for the block; only `to_write` changes anything there.

    Raises `WrongPlace` where the address can be none, `StartError` when the storage does not answer.
    """
    try:
        if address.startswith("s3://"):
            with tempfile.TemporaryDirectory(prefix="odometer-backup-") as work:
                yield BucketPlace(address, Path(work))
            return
        folder = folder_of(address)
        if folder is None:
            raise WrongPlace(f"{address} is no place for backups: give a folder, or s3://bucket/prefix.")
        for path in (folder, *folder.parents):
            if path.exists() and not path.is_dir():
                raise WrongPlace(f"{path} is no folder: give one for backups, or s3://bucket/prefix.")
        place = FolderPlace(folder)
        if to_write:
            place.begin()
        try:
            yield place
        finally:
            place.close()
    except BaseError as error:
        reason = str(error).partition("\n")[0][:200]
        raise StartError(f"{address}: the storage refused ({reason}); check the address and AWS_*.") from error


def folder_of(address: str) -> Path | None:
    """The folder that an address names; None for others."""
    return Path(address).absolute() if address and "://" not in address else None


def require_apart(address: str, data_folders: Iterable[tuple[str, Path]]) -> None:
    """Raise `WrongPlace` when the folder at an address holds data that is backed up, or lies among it.

    `data_folders`: what names each, and where it is.
    """
    folder = folder_of(address)
    if folder is None:
        return
    place = folder.resolve()
    for name, path in data_folders:
        data = path.resolve()
        if place.is_relative_to(data):
            relation = "is" if place == data else "lies in"
        elif data.is_relative_to(place):
            relation = "holds"
        else:
            continue
        raise WrongPlace(
            f"{folder} {relation} {path} ({name}): keep backups apart from the data, best on another disk or machine."
        )
