"""Taking a backup: what a snapshot holds is brought to a place, except for what an earlier backup brought there."""

import hashlib
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from odometer.backup.manifest import Kept, Manifest, manifest_keys, read_manifest
from odometer.backup.places import BackupPlace
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


def take_backup(
    snapshot: Snapshot,
    place: BackupPlace,
    *,
    taken_at: str,
    version: str,
    has_registry: bool,
    require_held: Callable[[], None] = lambda: None,
    progress: Progress = lambda _done, _all: None,
) -> Manifest:
    """Bring all that is not there yet, then the manifest: until then there is no backup.

    `has_registry`: the snapshot must hold one. `require_held` is called when all is copied, and raises unless the
    snapshot is whole even then. Raises `StartError`.
    """
    known = {kept.key: kept for key in manifest_keys(place) for kept in read_manifest(place, key).files}
    held = place.sizes()
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
        kept = known.get(key)
        if kept is None or held.get(key) != kept.size:
            kept = _put_part(place, key, path)
        parts[name][path.name] = kept
        progress(done + 1, len(waiting))
    registry = snapshot.folder / REGISTRY
    if has_registry and not registry.exists():
        require_held()
        raise StartError("The snapshot has no copy of the registry; does the server use another one than this command?")
    stamp = taken_at.replace("-", "").replace(":", "")
    manifest = Manifest(
        taken_at=taken_at,
        product_version=version,
        schema=snapshot.schema,
        creates={name: table.create for name, table in snapshot.tables.items()},
        parts=parts,
        registry=_put_file(place, f"registry/{stamp}.sqlite", registry) if has_registry else None,
        up_to=snapshot.ledger.up_to,
        months={month: (held.rows, held.check) for month, held in snapshot.ledger.months.items()},
        figures=snapshot.figures,
    )
    _require_whole(place, manifest)
    require_held()
    file = place.work_file()
    file.write_bytes(manifest.encode())
    place.put(manifest.key, file)
    return manifest


def keep_newest(place: BackupPlace, count: int) -> list[str]:
    """Remove all but so many backups, and what belongs to none that is left; the keys of those removed.

    Manifests go first: a backup without all of its files must not look like one.
    """
    keys = manifest_keys(place)
    removed = keys[:-count]
    for key in removed:
        place.delete(key)
    needed = {kept.key for key in keys[-count:] for kept in read_manifest(place, key).files}
    for key in place.sizes():
        if key.startswith(("parts/", "registry/")) and key not in needed:
            place.delete(key)
    return removed


def _content_of(part: Path) -> str:
    """Tells parts of one name apart: the engine's list of the hashes of a part's files, hashed."""
    return hashlib.sha256((part / "checksums.txt").read_bytes()).hexdigest()[:32]


def _put_part(place: BackupPlace, key: str, part: Path) -> Kept:
    file = place.work_file()
    with tarfile.open(file, "w") as archive:
        archive.add(part, arcname=part.name)
    return _put(place, key, file)


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


def sha256_of(file: Path) -> str:
    """The hash of a file of any size, hexadecimal."""
    with file.open("rb") as reading:
        return hashlib.file_digest(reading, "sha256").hexdigest()


def _require_whole(place: BackupPlace, manifest: Manifest) -> None:
    held = place.sizes()
    for kept in manifest.files:
        if held.get(kept.key) != kept.size:
            raise StartError(f"{kept.key} is not at its place: is another backup being made there? Try again.")
