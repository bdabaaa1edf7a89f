"""Files that commands write: there when they are complete, and never in the place of another file unasked."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import typer

from odometer.durable import bring_to_disk
from odometer.errors import StartError

OVERWRITE: Final = typer.Option("--overwrite", help="Replace the file if there is one.")


def check_place(path: Path, *, overwrite: bool) -> None:
    """Raise `StartError` where no file can be written, or another one is in its place."""
    if not path.absolute().parent.is_dir():
        raise StartError(f"There is no folder {path.parent} to write {path.name} into.")
    if path.exists() and not path.is_file():
        raise StartError(f"{path} is not a file; name another place with --output.")
    if path.exists() and not overwrite:
        raise StartError(f"{path} exists already; replace it with --overwrite, or name another file with --output.")


@contextlib.contextmanager
def new_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Where to write what will be `path`: aside, for the eyes of this user only; it gets its name when the block ends.

    Raises `StartError` as `check_place` does, also when a file has come meanwhile.
    """
    check_place(path, overwrite=overwrite)
    with tempfile.TemporaryDirectory(prefix=".odometer-", dir=path.absolute().parent) as aside:
        part = Path(aside) / path.name
        yield part
        bring_to_disk(part)
        check_place(path, overwrite=overwrite)
        part.replace(path)
    bring_to_disk(path.absolute().parent)
