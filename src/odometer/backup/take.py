"""Taking a backup: what a snapshot holds is brought to a place, except for what an earlier backup brought there."""

import hashlib
import sqlite3
import tarfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from odometer import __version__
from odometer.backup.manifest import Kept, Manifest, Unreadable, is_brought, read_manifests
from odometer.backup.places import BackupPlace, sha256_of
from odometer.errors import StartError
from odometer.store.snapshot import Snapshot

REGISTRY: Final = "registry.sqlite"
_FROZEN_BY_ENGINE: Final = "frozen_metadata.txt"
_CHUNK: Final = 1024 * 1024

Progress = Callable[[int, int], None]


def copy_registry(registry: Path | None, folder: Path) -> None:
    """A copy of a SQLite registry as of now, whoever uses it meanwhile."""
    if registry is None:
        return
    target = folder / REGISTRY
    target.touch(mode=0o600)
    with closing(sqlite3.connect(registry)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        # It is one file by itself, whatever mode the original is in.
        copy.execute("PRAGMA journal_mode=DELETE")


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was made.

    Attributes:
        manifest: of it.
        unreadable: manifests of earlier backups that say nothing; what only they brought was brought again.
        rotted: keys of files of earlier backups that were gone or not what was written, and are written anew.

    """

    manifest: Manifest
    unreadable: Sequence[Unreadable]
    rotted: Sequence[str]


def take_backup(
    snapshot: Snapshot,
    place: BackupPlace,
    *,
    taken_at: str,
    has_registry: bool,
    check: bool | None = None,
    require_held: Callable[[], None] = lambda: None,
    progress: Progress = lambda _done, _all: None,
) -> Taken:
    """Bring all that is not there yet, then the manifest: until then there is no backup.

    `has_registry`: the snapshot must hold one. `check`: whether hashes of what earlier backups brought are compared;
    by default where the place is near. `require_held` is called when all is copied, and raises unless the snapshot is
    whole even then. Raises `StartError`.
    """
    shelf = _Shelf(place, check=place.is_near if check is None else check)
    parts: dict[str, dict[str, Kept]] = {name: {} for name in snapshot.tables}
    waiting = [
        (name, path)
        for name, table in snapshot.tables.items()
        if table.folder is not None
        for path in sorted(Path(table.folder).iterdir())
        if path.name != _FROZEN_BY_ENGINE
    ]
    for done, (name, path) in enumerate(waiting):
        key = f"parts/{name}/{path.name}-{_content_of(path)}.tar"
        parts[name][path.name] = shelf.reusable(key) or _put_part(place, key, path)
        progress(done + 1, len(waiting))
    registry = snapshot.folder / REGISTRY
    if has_registry and not registry.exists():
        require_held()
        raise StartError("The snapshot has no copy of the registry; does the server use another one than this command?")
    stamp = taken_at.replace("-", "").replace(":", "")
    manifest = Manifest(
        taken_at=taken_at,
        product_version=__version__,
        schema=snapshot.schema,
        creates={name: table.create for name, table in snapshot.tables.items()},
        parts=parts,
        registry=_put_file(place, f"registry/{stamp}.sqlite", registry) if has_registry else None,
        up_to=snapshot.ledger.up_to,
        months={month: (held.rows, held.check) for month, held in snapshot.ledger.months.items()},
        figures=snapshot.figures,
        faults=snapshot.faults,
    )
    _require_whole(place, manifest)
    require_held()
    file = place.work_file()
    file.write_bytes(manifest.encode())
    place.put(manifest.key, file)
    return Taken(manifest, shelf.unreadable, shelf.rotted)


class _Shelf:
    """What earlier backups brought to a place, and whether it can be used again."""

    def __init__(self, place: BackupPlace, *, check: bool) -> None:
        manifests, self.unreadable = read_manifests(place)
        self._place = place
        self._check = check
        self._known = {kept.key: kept for manifest in manifests for kept in manifest.files}
        self._held = place.sizes()
        self.rotted: list[str] = []

    def reusable(self, key: str) -> Kept | None:
        """The file under the key, if it is there as it was written."""
        kept = self._known.get(key)
        if kept is None:
            return None
        if self._held.get(key) == kept.size and (not self._check or self._has_hash(kept)):
            return kept
        self.rotted.append(key)
        return None

    def _has_hash(self, kept: Kept) -> bool:
        try:
            return self._place.sha256(kept.key) == kept.sha256
        except OSError:
            return False


def keep_newest(place: BackupPlace, count: int) -> list[str]:
    """Remove all but so many readable backups, and what belongs to none that is left; the keys of those removed.

    Manifests go first: a backup without all of its files must not look like one. While one that cannot be read is left,
    files stay, because some may be its own.
    """
    manifests, unreadable = read_manifests(place)
    kept = manifests[-count:]
    every = sorted([*(manifest.key for manifest in manifests), *(one.key for one in unreadable)])
    removed = [key for key in every if len(kept) == count and key < kept[0].key]
    for key in removed:
        place.delete(key)
    if any(one.key not in removed for one in unreadable):
        return removed
    needed = {file.key for manifest in kept for file in manifest.files}
    for key in place.sizes():
        if is_brought(key) and key not in needed:
            place.delete(key)
    return removed


def _content_of(part: Path) -> str:
    """Tells parts of one name apart: the engine's list of the hashes of a part's files, hashed."""
    return hashlib.sha256((part / "checksums.txt").read_bytes()).hexdigest()[:32]


def _put_part(place: BackupPlace, key: str, part: Path) -> Kept:
    file = place.work_file()
    with tarfile.open(file, "w") as archive:
        archive.add(part, arcname=part.name, filter=_without_origin)
    return _put(place, key, file)


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """One content has one hash: a part that is written anew is as good for the older backups that name it."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _put_file(place: BackupPlace, key: str, source: Path) -> Kept:
    file = place.work_file()
    with source.open("rb") as reading, file.open("wb") as writing:
        while chunk := reading.read(_CHUNK):
            writing.write(chunk)
    return _put(place, key, file)


def _put(place: BackupPlace, key: str, file: Path) -> Kept:
    kept = Kept(key, file.stat().st_size, sha256_of(file))
    place.put(key, file)
    return kept


def _require_whole(place: BackupPlace, manifest: Manifest) -> None:
    held = place.sizes()
    for kept in manifest.files:
        if held.get(kept.key) != kept.size:
            raise StartError(f"{kept.key} is not at its place: is another backup being made there? Try again.")
