"""The folders that settings name: are they there, may they be written, who else may read them, is there space."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from odometer.errors import StartError
from odometer.settings import Settings

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MIB: Final = 1024 * 1024
# With less the engine cannot even be opened: it writes some files of its own at every start.
_LEAST_TO_START_MIB: Final = 16
_NAMED: Final = 3
# Remembers which analytics store belongs to this installation.
STORE_NOTE: Final = "store.json"
# Where a backup is put together before it is the data folder's content.
RESTORING: Final = ".restoring"


class Place(NamedTuple):
    """A path and the setting that a person would change to move it."""

    variable: str
    path: Path
    is_folder: bool = True


class TooOpen(NamedTuple):
    """A path that others than its owner may use, and the rights it should have."""

    path: Path
    mode: int

    @property
    def command(self) -> str:
        """What to run."""
        return f"chmod {self.mode:o} {self.path}"


def places_of(settings: Settings) -> list[Place]:
    """Where this installation keeps what on this machine."""
    data = settings.data.absolute()
    found = [Place("ODOMETER_DATA", data)]
    analytics = urlsplit(settings.analytics)
    if analytics.scheme == "chdb":
        found.append(_place("ODOMETER_ANALYTICS", Path(analytics.path), data))
    registry = registry_file(settings)
    if registry is not None:
        found.append(_place("ODOMETER_REGISTRY", registry, data, is_folder=False))
    if "://" not in settings.files:
        found.append(_place("ODOMETER_FILES", Path(settings.files).absolute(), data))
    return found


def registry_file(settings: Settings) -> Path | None:
    """The registry's file; None when it is in a database server or in memory."""
    scheme, _, rest = settings.registry.partition(":///")
    return Path(rest.partition("?")[0]).absolute() if scheme == "sqlite" and rest not in ("", ":memory:") else None


def store_note(settings: Settings) -> Path:
    """The file that remembers which analytics store belongs to this installation."""
    return settings.data.absolute() / STORE_NOTE


def _place(variable: str, path: Path, data: Path, *, is_folder: bool = True) -> Place:
    return Place("ODOMETER_DATA" if path.is_relative_to(data) else variable, path, is_folder)


def require_usable(settings: Settings) -> None:
    """Raise `StartError` naming the setting when a place is of the wrong kind, or cannot be written."""
    for place in places_of(settings):
        existing = place.path
        while not os.path.lexists(existing) and existing != existing.parent:
            existing = existing.parent
        wants_folder = place.is_folder or existing != place.path
        if existing.is_dir() is not wants_folder:
            kind, wanted = ("a file", "a folder") if wants_folder else ("a folder", "a file")
            raise StartError(f"{place.variable}: {existing} is {kind}, and {wanted} is expected at {place.path}.")
        if not os.access(existing, os.R_OK | os.W_OK | (os.X_OK if wants_folder else 0)):
            who = f"user id {os.geteuid()}"
            reason = f"{who} has no permission, or the file system is read-only"
            raise StartError(f"{place.variable}: {existing} cannot be read and written: {reason}.")
    if (settings.data / RESTORING).exists():
        raise StartError(f"ODOMETER_DATA: a restore into {settings.data} is going on or broke off: run it again.")


def is_begun(settings: Settings) -> bool:
    """Whether anything was ever stored in this installation; a registry in a database server counts as that."""
    registry = registry_file(settings)
    return registry is None or registry.exists()


def require_begun(settings: Settings) -> None:
    """Raise `StartError` where there is no installation, so that a mistyped setting does not begin another one."""
    if is_begun(settings):
        return
    where = registry_file(settings) or settings.data
    data = settings.data.absolute()
    variable = "ODOMETER_DATA" if where.is_relative_to(data) else "ODOMETER_REGISTRY"
    raise StartError(f"There is no Odometer data in {where.parent} ({variable}). {_what_to_do(data)}")


def _what_to_do(data: Path) -> str:
    others = sorted({str(found) for folder in (data.parent, Path.cwd()) for found in _installations(folder)})
    if others:
        return f"There is some in {', '.join(others[:_NAMED])}."
    return "`odometer user add` and `odometer product add` begin a new installation."


def _installations(folder: Path) -> Iterator[Path]:
    try:
        yield from (inside for inside in folder.iterdir() if (inside / "registry.sqlite").exists())
    except OSError:
        return


def too_open(settings: Settings) -> list[TooOpen]:
    """What others than the owner may use: folders, the registry with its side files, and secrets."""
    data = settings.data.absolute()
    # A folder for files that lies elsewhere may be shared on purpose.
    mine = [place for place in places_of(settings) if place.is_folder and place.variable != "ODOMETER_FILES"]
    wanted = [(place.path, 0o700) for place in mine]
    registry = registry_file(settings)
    if registry is not None:
        wanted += [(registry.with_name(registry.name + ending), 0o600) for ending in ("", "-wal", "-shm")]
    wanted.append((data / "demo-token", 0o600))
    found = []
    for path, mode in dict(wanted).items():
        try:
            present = path.stat().st_mode
        except FileNotFoundError:
            continue
        if present & _OTHERS:
            found.append(TooOpen(path, mode))
    return found


def tighten(settings: Settings) -> list[TooOpen]:
    """Take from others what they may use; what was changed. What belongs to another user stays as it is."""
    changed = []
    for one in too_open(settings):
        try:
            one.path.chmod(one.mode)
        except PermissionError:
            continue
        changed.append(one)
    return changed


def free_mib(settings: Settings) -> list[tuple[Place, int]]:
    """The space left, in MiB, where each folder lies; one of each disk."""
    by_disk: dict[int, tuple[Place, int]] = {}
    for place in places_of(settings):
        existing = place.path
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        by_disk.setdefault(existing.stat().st_dev, (place, shutil.disk_usage(existing).free // _MIB))
    return list(by_disk.values())


def low_disks(settings: Settings) -> list[str]:
    """A sentence for each disk with less space left than `ODOMETER_MIN_FREE_MIB`."""
    least = settings.min_free_mib
    return [
        f"{place.variable}: {free:,} MiB are free where {place.path} lies, fewer than the {least:,} of "
        "ODOMETER_MIN_FREE_MIB: free some space."
        for place, free in free_mib(settings)
        if free < least
    ]


def require_space(settings: Settings) -> None:
    """Raise `StartError` when a disk is full, before half opened stores fail with words of their own."""
    for place, free in free_mib(settings):
        if free < _LEAST_TO_START_MIB:
            raise StartError(
                f"{place.variable}: the disk is full: {free:,} MiB are free where {place.path} lies. Free some space "
                "and start again, or name another place."
            )
