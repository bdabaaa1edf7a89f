"""Commands for backups: take one while a server runs, bring one back, look whether one is good."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from odometer.app import analytics_of, registry_of
from odometer.backup.manifest import Manifest, Unreadable, read_manifests
from odometer.backup.places import BackupPlace, WrongPlace, open_place, require_apart
from odometer.backup.restore import finish, put_in_place, restore_into
from odometer.backup.take import Taken, copy_registry, keep_newest, take_backup
from odometer.cli.operations import print_json
from odometer.clock import Clock
from odometer.control import HeldSnapshot, snapshot_of_server
from odometer.errors import StartError
from odometer.installation import RESTORING, places_of, registry_file, require_begun, require_usable
from odometer.look_over import DerivedRows
from odometer.settings import Settings, read_settings
from odometer.store.engine import FolderInUse
from odometer.store.snapshot import snapshot

_SOURCE: Final = typer.Argument(help="The folder, or s3://bucket/prefix.")
_DAMAGED: Final = (
    "Derived rows were damaged when it was taken: {faults} The records are whole: run `odometer rebuild` on the store "
    "(on a restored one, before it serves), then take another backup."
)
_LEFT: Final = "Nothing of that backup was used. Remove it when you do not need it: --keep leaves all files until then."
_AS_JSON: Final = typer.Option("--json", help="Print JSON.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    to: Annotated[str, typer.Argument(help="A folder, or s3://bucket/prefix with the usual AWS_ variables.")],
    keep: Annotated[int | None, typer.Option(min=1, help="Remove all but so many backups that lie there.")] = None,
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Compare hashes of what earlier backups brought and this one uses; by default in folders.",
        ),
    ] = None,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Back up both stores, of one moment, also while a server runs. What an earlier backup brought there is not copied.

    Example: odometer backup /mnt/backups --keep 14
    """
    settings = read_settings()
    with (
        _place("TO", to, [(place.variable, place.path) for place in places_of(settings)], to_write=True) as place,
        _snapshot(settings) as held,
        _bar("copying parts") as progress,
    ):
        # The wall clock names it, also where ODOMETER_TODAY stands still.
        taken = take_backup(
            held.snapshot,
            place,
            taken_at=Clock().now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            has_registry=registry_file(settings) is not None,
            check=check,
            require_held=held.require_held,
            progress=progress,
        )
        removed = keep_newest(place, keep) if keep is not None else []
    _tell(taken, to, removed, as_json=as_json)


def _tell(taken: Taken, to: str, removed: list[str], *, as_json: bool) -> None:
    """Print what was made; exit code 1 where what was backed up is damaged."""
    manifest = taken.manifest
    if as_json:
        print_json(
            {
                "backup": manifest.key,
                "records": manifest.records,
                "removed": removed,
                "rewritten": list(taken.rotted),
                "unreadable": [one._asdict() for one in taken.unreadable],
                "faults": list(manifest.faults),
            }
        )
    else:
        typer.echo(f"{manifest.records:,} records are in {to}, as {manifest.key}.")
        for key in removed:
            typer.echo(f"Removed {key}.")
    for one in taken.unreadable:
        if one.key not in removed:
            typer.echo(f"{one.reason} {_LEFT}", err=True)
    for key in taken.rotted:
        typer.echo(f"{key} was gone, or not what an earlier backup wrote: it is written anew.", err=True)
    if manifest.registry is None:
        typer.echo("The registry is in a database server: back it up there as well.", err=True)
    if manifest.faults:
        typer.echo(_DAMAGED.format(faults=" ".join(manifest.faults)), err=True)
        raise typer.Exit(1)


@contextlib.contextmanager
def _place(
    argument: str, address: str, data_folders: Iterable[tuple[str, Path]], *, to_write: bool = False
) -> Iterator[BackupPlace]:
    """The place that an argument names; wrong usage where it can be none."""
    with contextlib.ExitStack() as stack:
        try:
            require_apart(address, data_folders)
            place = stack.enter_context(open_place(address, to_write=to_write))
        except WrongPlace as wrong:
            raise typer.BadParameter(str(wrong), param_hint=argument) from wrong
        yield place


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
        with registry_of(settings) as accounts:
            faults = DerivedRows(analytics, accounts).look()
        taken = stack.enter_context(
            snapshot(
                analytics.engine,
                analytics.derivation,
                at_that_moment=lambda folder: copy_registry(registry, folder),
                faults=faults,
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
    only_look = verify or show
    with _place("SOURCE", source, [] if only_look else [("ODOMETER_DATA", settings.data.absolute())]) as place:
        manifests, unreadable = read_manifests(place)
        if show:
            _list(manifests, unreadable, as_json=as_json)
            return
        manifest = _chosen(source, manifests, unreadable, at)
        with _bar("taking in parts") as progress:
            if verify:
                with tempfile.TemporaryDirectory(prefix="odometer-verify-") as folder:
                    restore_into(place, manifest, Path(folder), progress)
            else:
                _restore(place, manifest, settings, progress)
    if as_json:
        faults = list(manifest.faults)
        print_json({"backup": manifest.key, "records": manifest.records, "restored": not verify, "faults": faults})
    elif not manifest.faults:
        done = "is good" if verify else f"is in {settings.data}"
        typer.echo(f"{manifest.key} {done}: {manifest.records:,} records, counts, checksums and figures as backed up.")
    else:
        done = "is as it was backed up" if verify else f"is in {settings.data} as it was backed up"
        typer.echo(f"{manifest.key} {done}: {manifest.records:,} records.")
    if manifest.faults:
        typer.echo(_DAMAGED.format(faults=" ".join(manifest.faults)), err=True)
        if verify:
            raise typer.Exit(1)


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


def _chosen(source: str, manifests: list[Manifest], unreadable: list[Unreadable], at: str | None) -> Manifest:
    by_key = {manifest.key: manifest for manifest in manifests}
    reasons = {one.key: one.reason for one in unreadable}
    if not by_key and not reasons:
        raise StartError(f"There is no complete backup in {source}.")
    newest = f"the newest that can be read is {manifests[-1].key}" if manifests else "there is no other"
    key = at or max([*by_key, *reasons])
    if key in reasons:
        hint = f"{newest}: name it with --at" if manifests else newest
        raise StartError(f"{reasons[key]} In {source} {hint}.")
    if key not in by_key:
        raise StartError(f"There is no backup {at} in {source}; {newest}.")
    return by_key[key]


def _list(manifests: list[Manifest], unreadable: list[Unreadable], *, as_json: bool) -> None:
    if as_json:
        found = [{"backup": one.key, "takenAt": one.taken_at, "records": one.records} for one in manifests]
        print_json([*found, *({"backup": one.key, "unreadable": one.reason} for one in unreadable)])
        return
    for one in manifests:
        damaged = ", of a store with damaged derived rows" if one.faults else ""
        typer.echo(f"{one.key}  {one.records:,} records{damaged}")
    for bad in unreadable:
        typer.echo(bad.reason, err=True)


def _data_folder(settings: Settings) -> Path:
    """Where to restore to. Raises `StartError` where settings name other places too."""
    data = settings.data.absolute()
    default = read_settings({"ODOMETER_DATA": str(data)})
    if (settings.analytics, settings.registry) != (default.analytics, default.registry):
        raise StartError(
            "A backup is restored to where ODOMETER_DATA alone puts it: unset ODOMETER_ANALYTICS and _REGISTRY."
        )
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = (
            f"ODOMETER_DATA: {data} can be no folder ({error.strerror}): name an empty one, or one that can be made."
        )
        raise StartError(message) from error
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
