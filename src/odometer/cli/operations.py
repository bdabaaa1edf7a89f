"""Commands on the data folder itself: serve, import, rebuild, doctor."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from odometer.app import analytics_of, clock_of, license_meeting, registry_of
from odometer.cli.doctor import examine
from odometer.collect.bulk_import import BulkImport, ImportSummary
from odometer.collect.import_rows import DAMAGED_FILE
from odometer.errors import StartError
from odometer.settings import Settings, read_settings
from odometer.store.analytics import Analytics
from odometer.store.derive import known_products
from odometer.store.deriver import read_mark, write_mark


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("serve")(serve)
    app.command("import")(import_files)
    app.command("rebuild")(rebuild)
    app.command("doctor")(doctor)


def serve() -> None:
    """Serve the API until interrupted; running requests are finished first.

    Example: ODOMETER_PORT=9000 odometer serve
    """
    # Importing the web framework takes a second that the other commands need not wait for.
    from odometer.serve import serve as serve_settings  # noqa: PLC0415

    serve_settings(read_settings())


def import_files(
    files: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="NDJSON (.gz, .zst), Parquet or raw event files.")
    ],
    product: Annotated[int, typer.Option(help="Product id.")],
    rejected: Annotated[Path, typer.Option(help="Where rejected lines go.")] = Path("rejected-lines.ndjson"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Import records; returns when reports see them. Importing a file again changes nothing.

    Example: odometer import history.ndjson.gz --product 1000001
    """
    settings = read_settings()
    require_product(settings, product)
    with analytics_of(settings) as analytics:
        summary = run_import(settings, analytics, product, files, rejected)
    _say_summary(summary, rejected, as_json=as_json)
    if summary.rejected[DAMAGED_FILE]:
        raise typer.Exit(1)


def _say_summary(summary: ImportSummary, rejected: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "accepted": summary.accepted,
                "duplicates": summary.duplicates,
                "rejected": dict(summary.rejected),
                "rejectedFile": str(rejected) if summary.rejected else None,
            }
        )
        return
    console = Console()
    console.print(f"{summary.lines:,} lines: {summary.accepted:,} accepted, {summary.duplicates:,} duplicates")
    for code, count in summary.rejected.most_common():
        console.print(f"  {count:,} rejected: {code}")
    if summary.rejected:
        console.print(f"Rejected lines and their reasons: {rejected}")


def run_import(
    settings: Settings, analytics: Analytics, product: int, files: list[Path], rejected: Path
) -> ImportSummary:
    """Import with a progress bar on the terminal."""
    total = sum(file.stat().st_size for file in files)
    with _progress() as bars:
        reading = bars.add_task("reading", total=total)
        deriving = bars.add_task("deriving", total=1.0, visible=False)

        def on_read(summary: ImportSummary, position: int) -> None:
            bars.update(reading, completed=position, description=f"reading, {summary.lines:,} rows")

        def on_derived(share: float) -> None:
            bars.update(deriving, completed=share, visible=True)

        with registry_of(settings) as registry:
            summary = BulkImport(
                analytics,
                product,
                received_ms=clock_of(settings).now_ms(),
                rejected_file=rejected,
                blocked_among=registry.blocked_clients.among,
                on_read=on_read,
                on_derived=on_derived,
            ).run(files)
    _meet_licenses(settings, analytics, product)
    return summary


def _meet_licenses(settings: Settings, analytics: Analytics, product_id: int) -> None:
    """License keys that were imported enter the registry, and client days follow it, as while a server runs."""
    with license_meeting(settings, analytics) as (registry, meeting):
        product = registry.products.get(product_id)
        if product is not None:
            decides = product.is_license_registry_decisive
            meeting.meet(product_id, collects=product.collect_license_keys, decides=decides)


def rebuild(
    product: Annotated[int | None, typer.Option(help="Product id; without it all products.")] = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Go on with what is left when records are lost; figures change.")
    ] = False,
) -> None:
    """Derive everything again from the records and the license key registry. Reports give the same figures afterwards.

    Example: odometer rebuild --product 1000001
    """
    settings = read_settings()
    if product is not None and accept_loss:
        raise typer.BadParameter("goes without --product: what is lost may be of any", param_hint="--accept-loss")
    if product is not None:
        require_product(settings, product)
    with (
        analytics_of(settings, damaged_too=accept_loss) as analytics,
        license_meeting(settings, analytics) as (registry, meeting),
        _progress() as bars,
    ):
        if accept_loss:
            _accept_loss(analytics)
        for product_id in [product] if product is not None else known_products(analytics.engine):
            task = bars.add_task(f"product {product_id}", total=1.0)

            def on_derived(share: float, task: object = task) -> None:
                bars.update(task, completed=share)  # type: ignore[arg-type]

            settings_of_product = registry.products.get(product_id)
            decides = settings_of_product is not None and settings_of_product.is_license_registry_decisive
            written = meeting.rewrite(product_id, decides=decides)
            analytics.derivation.derive_since(product_id, 0, on_derived)
            meeting.followed(product_id, written)
            if settings_of_product is not None and settings_of_product.collect_license_keys:
                meeting.collect(product_id, from_start=True)
            meeting.follow(product_id, decides=decides)
        write_mark(analytics.engine, read_mark(analytics.engine))


def _accept_loss(analytics: Analytics) -> None:
    for loss in analytics.losses:
        typer.echo(f"Accepted: {loss}", err=True)
    for part in analytics.accept_loss():
        typer.echo(f"Set aside: {part}", err=True)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> None:
    """Check engine, registry, disk, memory, clock and the data folder; say what is wrong and what to do.

    Ends with exit code 1 when something needs doing. Example: odometer doctor --json
    """
    findings = examine(read_settings())
    if as_json:
        print_json([finding.as_dict() for finding in findings])
    else:
        console = Console()
        for finding in findings:
            mark = "[green]ok[/]" if finding.is_fine else "[red]!![/]"
            console.print(f"{mark} {finding.subject}: {finding.text}")
            if finding.advice:
                console.print(f"   → {finding.advice}")
    if not all(finding.is_fine for finding in findings):
        raise typer.Exit(1)


def require_product(settings: Settings, product_id: int) -> None:
    """Raise `StartError` unless the product exists."""
    with registry_of(settings) as registry:
        if registry.products.get(product_id) is None:
            raise StartError(f"There is no product {product_id}; `odometer product list` shows all.")


def print_json(value: object) -> None:
    """One JSON document on standard output, for scripts."""
    typer.echo(json.dumps(value, indent=2))


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
