"""The manifest of a backup: what belongs to it, with sizes and hashes. Written last, it stands for the whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from odometer.backup.places import BackupPlace
from odometer.errors import StartError

_FORMAT: Final = 1
_PREFIX: Final = "backup-"


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

    @property
    def key(self) -> str:
        """Where it is kept itself."""
        return f"{_PREFIX}{self.taken_at.replace('-', '').replace(':', '')}.json"

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


def manifest_keys(place: BackupPlace) -> list[str]:
    """Keys of all complete backups, oldest first."""
    return sorted(key for key in place.sizes() if key.startswith(_PREFIX) and key.endswith(".json"))


def read_manifest(place: BackupPlace, key: str) -> Manifest:
    """The backup of this key. Raises `StartError` when it cannot be understood."""
    file = place.work_file()
    place.get(key, file)
    try:
        value = json.loads(file.read_bytes())
        if value.pop("format") != _FORMAT:
            raise StartError(f"{key} was made by a newer version of Odometer.")
        return _of_json(value)
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{key} is no manifest of a backup, or damaged.") from error
    finally:
        file.unlink()


def _of_json(value: dict[str, Any]) -> Manifest:
    parts = {table: {name: Kept(**kept) for name, kept in parts.items()} for table, parts in value["parts"].items()}
    registry = None if value["registry"] is None else Kept(**value["registry"])
    return Manifest(**{**value, "parts": parts, "registry": registry})
