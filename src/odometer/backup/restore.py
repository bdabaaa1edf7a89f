"""Restoring: from a backup to a new data folder, which appears only when everything in it has been found right."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from odometer.accounts import open_registry
from odometer.backup.manifest import Kept, Manifest
from odometer.backup.places import BackupPlace, sha256_of
from odometer.backup.take import REGISTRY
from odometer.clock import Clock
from odometer.durable import bring_to_disk, write_durably
from odometer.errors import Problem, StartError
from odometer.installation import STORE_NOTE
from odometer.model.daily_file import Stream
from odometer.store.analytics import SCHEMA_VERSION
from odometer.store.engine import Engine
from odometer.store.records import Ledger, MonthSum
from odometer.store.snapshot import attach, begin_store, by_age, figures, table_folder

_ANALYTICS: Final = "analytics"
# In the folder beside: says that everything there was found right, and of which backup it is.
_WHOLE: Final = "whole"
_EMPTIED: Final = ".restored"
Progress = Callable[[int, int], None]


def restore_into(
    place: BackupPlace, manifest: Manifest, folder: Path, progress: Progress = lambda _done, _all: None
) -> None:
    """Make both stores of a backup in an empty folder, and compare them with it. Raises `StartError` naming the fault.

    The folder is not one to work with yet: see `put_in_place`.
    """
    if manifest.schema > SCHEMA_VERSION:
        raise StartError(f"The backup was made by Odometer {manifest.product_version}, which is newer than this one.")
    months = {month: MonthSum(rows, check) for month, (rows, check) in manifest.months.items()}
    engine = begin_store(folder / _ANALYTICS, manifest.creates, manifest.up_to, months)
    try:
        count, done = sum(len(parts) for parts in manifest.parts.values()), 0
        for table, parts in manifest.parts.items():
            waiting = table_folder(engine, table)
            for name in sorted(parts, key=by_age):
                _unpack(place, parts[name], waiting)
                attach(engine, table, name)
                done += 1
                progress(done, count)
        _compare(engine, manifest, folder / STORE_NOTE)
    except Problem as problem:
        raise StartError(f"The backup cannot be opened: {problem.__cause__ or problem}") from problem
    finally:
        engine.close()
    if manifest.registry is not None:
        _fetch(place, manifest.registry, folder / REGISTRY)
        _prepare_registry(folder / REGISTRY)
    # The engine does not bring to the disk what it takes in.
    os.sync()


def _fetch(place: BackupPlace, kept: Kept, file: Path) -> None:
    file.touch(mode=0o600)
    try:
        place.get(kept.key, file)
    except FileNotFoundError as error:
        raise StartError(f"The backup is not whole: {kept.key} is missing.") from error
    if file.stat().st_size != kept.size or sha256_of(file) != kept.sha256:
        raise StartError(f"The backup is damaged: {kept.key} is not what was written.")


def _unpack(place: BackupPlace, kept: Kept, folder: Path) -> None:
    file = folder / ".part.tar"
    _fetch(place, kept, file)
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    file.unlink()


def _compare(engine: Engine, manifest: Manifest, note: Path) -> None:
    losses = Ledger(engine, note).check()
    if losses:
        raise StartError(f"The backup is not what was backed up: {' '.join(losses)}")
    found = figures(engine)
    for what in sorted(manifest.figures.keys() | found.keys()):
        then, now = manifest.figures.get(what), found.get(what)
        if then != now:
            raise StartError(f"The backup answers differently: product {what} was {then}, and is {now}.")


def _prepare_registry(file: Path) -> None:
    """Files to download are in no backup: those that were finished are made again."""
    registry = open_registry(f"sqlite:///{file}", Clock())
    try:
        for product in registry.products.list():
            jobs = registry.export_jobs
            jobs.make_again(jobs.with_files(product.product_id), ())
            for stream in Stream:
                for daily in registry.daily_files.of(product.product_id, stream):
                    registry.daily_files.remove(daily)
        registry.ping()
    finally:
        registry.close()


def put_in_place(aside: Path, data: Path, key: str) -> None:
    """Let the restored folder be the data folder. Whenever this breaks off, `finish` does the rest."""
    write_durably(aside / _WHOLE, key.encode())
    finish(aside, data)


def finish(aside: Path, data: Path) -> str | None:
    """Put in place what was restored as a whole by a process that died; the key of that backup, None without one.

    Nothing opens the stores while the folder is there: it goes last, and at once.
    """
    try:
        key = (aside / _WHOLE).read_text()
    except FileNotFoundError:
        return None
    for name in (_ANALYTICS, STORE_NOTE, REGISTRY):
        if (aside / name).exists():
            (aside / name).rename(data / name)
    bring_to_disk(data)
    # Empty by now but for the marker; where this process dies too, what is left bothers nobody.
    emptied = data / _EMPTIED
    shutil.rmtree(emptied, ignore_errors=True)
    aside.rename(emptied)
    shutil.rmtree(emptied)
    return key
