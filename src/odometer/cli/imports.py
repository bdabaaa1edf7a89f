"""The command that imports files of records."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from odometer.app import analytics_of, clock_of, license_registry_sync, registry_of
from odometer.cli.import_words import as_json, lines_of
from odometer.cli.operations import print_json, progress_bars, require_product
from odometer.collect.bulk_import import BulkImport, ImportOptions
from odometer.collect.file_forms import NotRecordsError
from odometer.collect.import_sources import STANDARD_INPUT, Source, sources
from odometer.collect.import_summary import ImportSummary
from odometer.collect.interrupts import InterruptedWorkError, Interrupts
from odometer.collect.rejects import choose_file
from odometer.settings import Settings, read_settings
from odometer.store.analytics import Analytics

_DAMAGED: Final = 1
_WRONG_FILE: Final = 2


def import_files(
    *,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="NDJSON (.gz, .zst), Parquet or raw event files; - is standard input."),
    ],
    product: Annotated[int, typer.Option(help="Product id.")],
    rejected: Annotated[
        Path | None, typer.Option(help="Where rejected lines go; without it rejected-lines.ndjson in this folder.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be stored; store nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse records with members that nothing reads.")] = False,
    print_as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import records; returns when reports see them. Importing a file again changes nothing.

    Exit code 1: a file is damaged; 2: a file is something else, there is no record or none could be taken; 130: Ctrl+C.

    Example: odometer import history.ndjson.gz --product 1000001
    """
    settings = read_settings()
    require_product(settings, product)
    found = _sources(files)
    rejects = None if dry_run and rejected is None else choose_file(rejected, files)
    options = ImportOptions(clock_of(settings).now_ms(), rejects, is_dry_run=dry_run, is_strict=strict)
    with analytics_of(settings) as analytics:
        summary = run_import(settings, analytics, product, found, options)
    if print_as_json:
        print_json(as_json(summary, dry_run=dry_run))
    else:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for line in lines_of(summary, dry_run=dry_run):
            console.print(line)
    if summary.interrupted:
        raise typer.Exit(summary.interrupted)
    if not summary.records:
        typer.echo(f"odometer: {_names(found)}: there is no record in it.", err=True)
    if summary.damaged:
        raise typer.Exit(_DAMAGED)
    if summary.stopped or summary.has_taken_nothing:
        raise typer.Exit(_WRONG_FILE)


def _sources(files: list[Path]) -> list[Source]:
    """What is to be read; ends the command where nothing of it can be records."""
    for file in files:
        if file != STANDARD_INPUT and not file.is_file():
            why = "is a folder; name the files in it" if file.is_dir() else "is no file"
            raise typer.BadParameter(f"{file} {why}.", param_hint="FILE...")
    try:
        found = sources(files)
    except NotRecordsError as problem:
        typer.echo(f"odometer: {problem.message} Nothing was changed.", err=True)
        raise typer.Exit(_WRONG_FILE) from problem
    if all(source.is_empty for source in found):
        typer.echo(f"odometer: {_names(found)}: there is no record in it. Nothing was changed.", err=True)
        raise typer.Exit(_WRONG_FILE)
    return found


def _names(found: list[Source]) -> str:
    return ", ".join(source.name for source in found)


def run_import(
    settings: Settings, analytics: Analytics, product: int, found: list[Source], options: ImportOptions
) -> ImportSummary:
    """Import with a progress bar on the terminal."""
    # How long standard input is, nobody knows.
    total = sum(source.size for source in found) if all(source.size for source in found) else None
    with progress_bars() as bars:
        reading = bars.add_task("reading", total=total)
        deriving = bars.add_task("deriving", total=1.0, visible=False)

        def on_read(so_far: ImportSummary, position: int) -> None:
            bars.update(reading, completed=position, description=f"reading, {so_far.records:,} records")

        def on_derived(share: float) -> None:
            bars.update(deriving, completed=share, visible=True)

        with registry_of(settings) as registry:
            summary = BulkImport(
                analytics,
                product,
                options,
                blocked_among=registry.blocked_clients.among,
                on_read=on_read,
                on_derived=on_derived,
            ).run(found)
    if not options.is_dry_run and not summary.interrupted:
        try:
            with Interrupts().open():
                _meet_licenses(settings, analytics, product)
        except InterruptedWorkError as interrupt:
            summary.interrupted = interrupt.exit_code
    return summary


def _meet_licenses(settings: Settings, analytics: Analytics, product_id: int) -> None:
    """License keys that were imported enter the registry, and client days follow it, as while a server runs."""
    with license_registry_sync(settings, analytics) as (registry, sync):
        product = registry.products.get(product_id)
        if product is not None:
            decides = product.is_license_registry_decisive
            sync.run(product_id, collects=product.collect_license_keys, decides=decides)
