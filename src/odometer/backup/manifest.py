"""The manifest of a backup: what belongs to it, with sizes and hashes. Written last, it stands for the whole."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from odometer.backup.places import BackupPlace
from odometer.errors import StartError

_FORMAT: Final = 1
_STAMP: Final = r"\d{8}T\d{6}(\.\d+)?Z"
_MANIFEST: Final = re.compile(rf"backup-{_STAMP}\.json")
# What backups bring beside manifests. A folder may hold others' files too, which are nobody's to remove.
_BROUGHT: Final = re.compile(rf"parts/\w+/[^/]+-[0-9a-f]{{32}}\.tar|registry/{_STAMP}\.sqlite")


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a backup: where it is kept, its size in bytes, and the SHA-256 of its content."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Attributes:
        taken_at: when the snapshot was taken, UTC.
        product_version: of the Odometer that took it.
        schema: the version of the analytics tables.
        creates: the statements that make these, by table.
        parts: their parts, by table and name.
        registry: the registry; None where that is in a database server.
        up_to: the greatest ingest_no in it.
        months: how many records there are of each month, and their checksum.
        figures: what some questions answer.
        faults: sentences that say which derived rows were damaged when it was taken.

    """

    taken_at: str
    product_version: str
    schema: int
    creates: Mapping[str, str]
    parts: Mapping[str, Mapping[str, Kept]]
    registry: Kept | None
    up_to: int
    months: Mapping[str, Sequence[int]]
    figures: Mapping[str, str]
    faults: Sequence[str] = ()

    @property
    def key(self) -> str:
        """Where it is kept itself."""
        return f"backup-{self.taken_at.replace('-', '').replace(':', '')}.json"

    @property
    def files(self) -> list[Kept]:
        """All that belongs to it."""
        parts = [kept for table in self.parts.values() for kept in table.values()]
        return parts if self.registry is None else [*parts, self.registry]

    @property
    def records(self) -> int:
        """How many records are in it."""
        return sum(rows for rows, _ in self.months.values())

    def encode(self) -> bytes:
        """The content of its file."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, sort_keys=True).encode()


class Unreadable(NamedTuple):
    """A manifest that says nothing: what belongs to its backup is not known."""

    key: str
    reason: str


def manifest_keys(place: BackupPlace) -> list[str]:
    """Keys of all backups whose manifests are there, oldest first."""
    return sorted(key for key in place.sizes() if _MANIFEST.fullmatch(key))


def is_brought(key: str) -> bool:
    """Whether a backup brought what is kept under the key, going by its name."""
    return _BROUGHT.fullmatch(key) is not None


def read_manifests(place: BackupPlace) -> tuple[list[Manifest], list[Unreadable]]:
    """All complete backups, oldest first, and what looks like one but cannot be read."""
    read, unreadable = [], []
    for key in manifest_keys(place):
        try:
            read.append(read_manifest(place, key))
        except StartError as error:
            unreadable.append(Unreadable(key, str(error)))
    return read, unreadable


def read_manifest(place: BackupPlace, key: str) -> Manifest:
    """The backup of this key. Raises `StartError` when it cannot be understood."""
    try:
        value = json.loads(place.read(key))
        made_by = value.pop("format")
        if made_by == _FORMAT:
            manifest = _of_json(value)
            if manifest.key == key:
                return manifest
    except OSError as error:
        raise StartError(f"{key} cannot be read ({error.strerror or error}).") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StartError(f"{key} is no manifest of a backup, or damaged.") from error
    if isinstance(made_by, int) and made_by > _FORMAT:
        raise StartError(f"{key} was made by a newer version of Odometer.")
    raise StartError(f"{key} is no manifest of a backup, or damaged.")


def _of_json(value: dict[str, Any]) -> Manifest:
    parts = {table: {name: _kept(kept) for name, kept in parts.items()} for table, parts in value["parts"].items()}
    registry = None if value["registry"] is None else _kept(value["registry"])
    months = {str(month): (int(rows), int(check)) for month, (rows, check) in value["months"].items()}
    creates, figures = (_texts(value[name]) for name in ("creates", "figures"))
    return Manifest(
        taken_at=str(value["taken_at"]),
        product_version=str(value["product_version"]),
        schema=int(value["schema"]),
        creates=creates,
        parts=parts,
        registry=registry,
        up_to=int(value["up_to"]),
        months=months,
        figures=figures,
        faults=tuple(str(fault) for fault in value.get("faults", ())),
    )


def _texts(value: dict[str, Any]) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()}


def _kept(value: dict[str, Any]) -> Kept:
    return Kept(str(value["key"]), int(value["size"]), str(value["sha256"]))
