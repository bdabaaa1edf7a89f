"""Commands for backups: take one while a server runs, bring one back, look whether one is good."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from odometer import __version__
from odometer.app import analytics_of
from odometer.backup.manifest import Manifest, manifest_keys, read_manifest
from odometer.backup.places import BackupPlace, open_place
from odometer.backup.restore import finish, put_in_place, restore_into
from odometer.backup.take import copy_registry, keep_newest, take_backup
from odometer.cli.operations import print_json
from odometer.clock import Clock
from odometer.control import HeldSnapshot, snapshot_of_server
from odometer.errors import StartError
from odometer.installation import RESTORING, registry_file, require_begun, require_usable
from odometer.settings import Settings, read_settings
from odometer.store.engine import FolderInUse
from odometer.store.snapshot import snapshot

_SOURCE: Final = typer.Argument(help="The folder, or s3://bucket/prefix.")
_AS_JSON: Final = typer.Option("--json", help="Print JSON.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    to: Annotated[str, typer.Argument(help="A folder, or s3://bucket/prefix with the usual AWS_ variables.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all but so many backups that lie there.")] = None,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Back up both stores, of one moment, also while a server runs. What an earlier backup brought there is not copied.

    Example: odometer backup /mnt/backups --keep 14
    """
    settings = read_settings()
    with open_place(to) as place, _snapshot(settings) as held, _bar("copying parts") as progress:
        # The wall clock names it, also where ODOMETER_TODAY stands still.
        has_registry = registry_file(settings) is not None
        stamp = Clock().now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        manifest = take_backup(
            held.snapshot,
            place,
            taken_at=stamp,
            version=__version__,
            has_registry=has_registry,
            require_held=held.require_held,
            progress=progress,
        )
        removed = keep_newest(place, keep) if keep is not None else []
    if as_json:
        print_json({"backup": manifest.key, "records": manifest.records, "removed": removed})
        return
    typer.echo(f"{manifest.records:,} records are in {to}, as {manifest.key}.")
    for key in removed:
        typer.echo(f"Removed {key}.")
    if manifest.registry is None:
        typer.echo("The registry is in a database server: back it up there as well.", err=True)


@contextlib.contextmanager
def _snapshot(settings: Settings) -> Iterator[HeldSnapshot]:
    """Of the running server, or where none runs of the stores themselves."""
    require_usable(settings)
    require_begun(settings)
    registry = registry_file(settings)
    with contextlib.ExitStack() as stack:
        try:
            analytics = stack.enter_context(analytics_of(settings))
        except FolderInUse:
            yield stack.enter_context(snapshot_of_server(settings.data.absolute()))
            return
        taken = stack.enter_context(
            snapshot(
                analytics.engine,
                analytics.derivation,
                at_that_moment=lambda folder: copy_registry(registry, folder),
            )
        )
        yield HeldSnapshot(taken, lambda: None)


def restore(
    source: Annotated[str, _SOURCE],
    at: Annotated[
        str | None, typer.Option(help="Which backup, as `odometer restore --list` names it; the newest.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only look whether it is good; the data folder is not touched.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="Only list the backups.")] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Bring a backup back into an empty data folder, or see whether it is good; both compare it with the original.

    Example: odometer restore /mnt/backups --verify
    """
    settings = read_settings()
    with open_place(source) as place:
        keys = manifest_keys(place)
        if show:
            _list(place, keys, as_json=as_json)
            return
        manifest = read_manifest(place, _chosen(source, keys, at))
        with _bar("taking in parts") as progress:
            if verify:
                with tempfile.TemporaryDirectory(prefix="odometer-verify-") as folder:
                    restore_into(place, manifest, Path(folder), progress)
            else:
                _restore(place, manifest, settings, progress)
    if as_json:
        print_json({"backup": manifest.key, "records": manifest.records, "restored": not verify})
    else:
        done = "is good" if verify else f"is in {settings.data}"
        typer.echo(f"{manifest.key} {done}: {manifest.records:,} records, counts, checksums and figures as backed up.")


def _restore(place: BackupPlace, manifest: Manifest, settings: Settings, progress: Callable[[int, int], None]) -> None:
    data = _data_folder(settings)
    aside = data / RESTORING
    finished = finish(aside, data)
    if finished == manifest.key:
        return
    if finished is not None:
        raise StartError(
            f"A restore of {finished} into {data} had broken off; it is complete now. To restore {manifest.key}, "
            "name an empty folder."
        )
    _require_empty(data)
    # Of a restore that broke off before it had everything.
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    restore_into(place, manifest, aside, progress)
    put_in_place(aside, data, manifest.key)


def _chosen(source: str, keys: list[str], at: str | None) -> str:
    if not keys:
        raise StartError(f"There is no complete backup in {source}.")
    if at is None:
        return keys[-1]
    if at not in keys:
        raise StartError(f"There is no backup {at} in {source}; the newest is {keys[-1]}.")
    return at


def _list(place: BackupPlace, keys: list[str], *, as_json: bool) -> None:
    manifests: list[Manifest] = [read_manifest(place, key) for key in keys]
    if as_json:
        print_json([{"backup": one.key, "takenAt": one.taken_at, "records": one.records} for one in manifests])
        return
    for one in manifests:
        typer.echo(f"{one.key}  {one.records:,} records")


def _data_folder(settings: Settings) -> Path:
    """Where to restore to. Raises `StartError` where settings name other places too."""
    data = settings.data.absolute()
    default = read_settings({"ODOMETER_DATA": str(data)})
    if (settings.analytics, settings.registry) != (default.analytics, default.registry):
        raise StartError(
            "A backup is restored to where ODOMETER_DATA alone puts it: unset ODOMETER_ANALYTICS and _REGISTRY."
        )
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return data


def _require_empty(data: Path) -> None:
    held = sorted(path.name for path in data.iterdir() if path.name != RESTORING)
    if held:
        raise StartError(f"{data} (ODOMETER_DATA) is not empty, it holds {held[0]}: restore into an empty folder.")


@contextlib.contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True)
    ) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
