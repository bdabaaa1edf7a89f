"""The command that imports files of records, and what it says of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from odometer.app import analytics_of, clock_of, license_meeting, registry_of
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import records; returns when reports see them. Importing a file again changes nothing.

    Exit code 1: a file is damaged; 2: a file is something else, nothing of it could be taken; 130: Ctrl+C.

    Example: odometer import history.ndjson.gz --product 1000001
    """
    settings = read_settings()
    require_product(settings, product)
    for file in files:
        if file != STANDARD_INPUT and not file.is_file():
            raise typer.BadParameter(f"{file} is no file.", param_hint="FILE...")
    try:
        found = sources(files)
    except NotRecordsError as problem:
        typer.echo(f"odometer: {problem.message} Nothing was changed.", err=True)
        raise typer.Exit(_WRONG_FILE) from problem
    rejects = None if dry_run and rejected is None else choose_file(rejected, files)
    options = ImportOptions(clock_of(settings).now_ms(), rejects, is_dry_run=dry_run, is_strict=strict)
    with analytics_of(settings) as analytics:
        summary = run_import(settings, analytics, product, found, options)
    if as_json:
        print_json(_as_json(summary, dry_run=dry_run))
    else:
        _say(summary, dry_run=dry_run)
    if summary.interrupted:
        raise typer.Exit(summary.interrupted)
    if summary.damaged:
        raise typer.Exit(_DAMAGED)
    if summary.stopped or summary.holds_no_records:
        raise typer.Exit(_WRONG_FILE)


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
    with license_meeting(settings, analytics) as (registry, meeting):
        product = registry.products.get(product_id)
        if product is not None:
            decides = product.is_license_registry_decisive
            meeting.meet(product_id, collects=product.collect_license_keys, decides=decides)


def _as_json(summary: ImportSummary, *, dry_run: bool) -> dict[str, Any]:
    """Members beside the four first ones only where there is something to tell."""
    told: dict[str, Any] = {
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "rejected": dict(summary.rejected),
        "rejectedFile": None if summary.rejected_file is None else str(summary.rejected_file),
    }
    more = {
        "dryRun": dry_run,
        "conflicts": summary.conflicts,
        "faults": [fault.as_dict() for fault in summary.faults.values()],
        "ignored": {name: member.as_dict() for name, member in summary.ignored.items()},
        "damaged": summary.damaged,
        "stopped": summary.stopped,
        "interrupted": bool(summary.interrupted),
        "earlierRejectedFile": summary.earlier_rejected_file and str(summary.earlier_rejected_file),
    }
    return told | {name: value for name, value in more.items() if value}


def _say(summary: ImportSummary, *, dry_run: bool) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    accepted = "would be stored" if dry_run else "accepted"
    console.print(f"{summary.records:,} records: {summary.accepted:,} {accepted}, {summary.duplicates:,} duplicates")
    if summary.conflicts:
        console.print(f"  {summary.conflicts:,} of the duplicates carry other content under a used seq")
    for fault in sorted(summary.faults.values(), key=lambda one: -one.count):
        where = f" (first: {fault.first})" if fault.first else ""
        member = f" in {fault.field}" if fault.field else ""
        console.print(f"  {fault.count:,} rejected: {fault.code}{member}{where}: {fault.message}")
    for name, member_ in sorted(summary.ignored.items(), key=lambda one: -one[1].records):
        meant = f", the nearest is {member_.nearest}" if member_.nearest else ""
        console.print(f"  {name} was ignored in {member_.records:,} records{meant} (first: {member_.first})")
    for line in _endings(summary):
        console.print(line)
    if dry_run:
        console.print("Nothing was stored.")
    elif summary.interrupted:
        console.print("What was accepted is kept; the next command derives it, and then reports show it.")


def _endings(summary: ImportSummary) -> Iterator[str]:
    """How it went on and ended, and where more stands."""
    for damage in summary.damaged:
        yield f"Damaged: {damage} What stands before it was read."
    if summary.stopped:
        yield f"Stopped: {summary.stopped}. What came before is kept."
    if summary.rejected_file:
        yield f"Rejected lines and their reasons: {summary.rejected_file}"
    if summary.earlier_rejected_file:
        yield f"Rejected lines of an earlier import are kept in {summary.earlier_rejected_file}"
    if summary.interrupted:
        yield "Interrupted. Run the import again for the rest: what is stored is recognised."
