"""Small files that are there whole or not at all, whatever happens while they are written."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Put the content under the name; when this returns it would survive a power cut. Readable by its owner only."""
    aside = path.with_name(f".{path.name}.aside")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    bring_to_disk(path.parent)


def bring_to_disk(path: Path) -> None:
    """Return when the file, or the names in the folder, would survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
