"""Commands on the server and its data folder: serve, rebuild, doctor, openapi."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from odometer.app import analytics_of, license_registry_sync, registry_of
from odometer.cli.doctor import examine
from odometer.errors import StartError
from odometer.settings import Settings, read_settings
from odometer.store.analytics import Analytics
from odometer.store.derive import known_products, read_mark, write_mark


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("serve")(serve)
    app.command("rebuild")(rebuild)
    app.command("doctor")(doctor)
    app.command("openapi")(openapi)


def serve() -> None:
    """Serve the API until interrupted; running requests are finished first.

    Example: ODOMETER_PORT=9000 odometer serve
    """
    # Importing the web framework takes a second that the other commands need not wait for.
    from odometer.serve import serve as serve_settings  # noqa: PLC0415

    serve_settings(read_settings())


def openapi(
    postman: Annotated[bool, typer.Option("--postman", help="Print a Postman collection instead.")] = False,
) -> None:
    """Print the API description (OpenAPI 3.1) of this version; it needs no data folder.

    Example: odometer openapi > openapi.json
    """
    # As for `serve`.
    from odometer.description import server_description  # noqa: PLC0415
    from odometer.http.postman import postman_collection  # noqa: PLC0415

    document = server_description()
    print_json(postman_collection(document) if postman else document)


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
        license_registry_sync(settings, analytics) as (registry, sync),
        progress_bars() as bars,
    ):
        if accept_loss:
            _accept_loss(analytics)
        for product_id in [product] if product is not None else known_products(analytics.engine):
            task = bars.add_task(f"product {product_id}", total=1.0)

            def on_derived(share: float, task: object = task) -> None:
                bars.update(task, completed=share)  # type: ignore[arg-type]

            settings_of_product = registry.products.get(product_id)
            decides = settings_of_product is not None and settings_of_product.is_license_registry_decisive
            written = sync.rewrite(product_id, decides=decides)
            analytics.derivation.derive_since(product_id, 0, on_derived)
            sync.applied(product_id, written)
            if settings_of_product is not None and settings_of_product.collect_license_keys:
                sync.collect(product_id, from_start=True)
            sync.apply(product_id, decides=decides)
        write_mark(analytics.engine, read_mark(analytics.engine))
        if product is None:
            analytics.settle_derived()


def _accept_loss(analytics: Analytics) -> None:
    losses = analytics.losses
    accepted = analytics.accept_loss()
    for loss in dict.fromkeys((*losses, *accepted.records)):
        typer.echo(f"Accepted: {loss}", err=True)
    for part in accepted.parts:
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


def progress_bars() -> Progress:
    """Bars on standard error, for work of known size."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
