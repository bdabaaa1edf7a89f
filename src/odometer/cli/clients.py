"""Commands on single clients: erase and export, while no server has the data folder open, and unblock."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from odometer.app import analytics_of, clock_of, erasing_of, questions_of, registry_of
from odometer.cli.operations import print_json
from odometer.cli.output import OVERWRITE, new_file
from odometer.collect.identity import checked_client_id
from odometer.errors import Problem
from odometer.privacy.clean_up import CleanUp
from odometer.privacy.client_data import client_data
from odometer.privacy.erase import Receipt, parse_clients
from odometer.settings import read_settings

_AS_JSON: Final = typer.Option("--json", help="Print JSON.")
_PRODUCT: Final = typer.Option("--product", help="Product id.")
_CLIENTS: Final = typer.Argument(metavar="CLIENT_ID...", help="Client ids, at most 1,000.")
_ACTOR: Final = "command line"
_LOOK_S: Final = 1.0
_MOST_FAILURES: Final = 60


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="Single clients of a product: erase, export, unblock.", no_args_is_help=True)
    group.command("erase")(erase)
    group.command("export")(export)
    group.command("unblock")(unblock)
    app.add_typer(group, name="client")


def erase(
    clients: Annotated[list[str], _CLIENTS],
    product: Annotated[int, _PRODUCT],
    block: Annotated[bool, typer.Option("--block", help="Refuse whatever they send from now on.")] = False,
    wait: Annotated[
        bool, typer.Option(help="Return when the disk is clean too; else the next server cleans up.")
    ] = True,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Remove all that is known of clients, as if they had never been there, and print a receipt.

    Example: odometer client erase 7F3C09A1BB42D6E8 --product 2376158762 --block
    """
    settings = read_settings()
    wanted = parse_clients(clients)
    with registry_of(settings) as registry:
        registry.products.require(product)
        with analytics_of(settings) as analytics:
            erasing = erasing_of(settings, registry, analytics)
            receipt = erasing.erase(product, wanted, block=block, actor=_ACTOR)
            try:
                if wait:
                    _clean_up(CleanUp(erasing.complete, registry.erasures, analytics.eraser))
            finally:
                # What was erased is erased, whatever becomes of the disk.
                _say(replace(receipt, erasure=registry.erasures.get(receipt.erasure.receipt_id)), as_json=as_json)


def _clean_up(clean_up: CleanUp) -> None:
    with Console(stderr=True).status("cleaning up the disk, about a minute"):
        failures = 0
        while not clean_up.is_done():
            try:
                clean_up(threading.Event())
            except Problem:
                # The engine may be busy with the same data by itself.
                failures += 1
                if failures == _MOST_FAILURES:
                    raise
            time.sleep(_LOOK_S)


def _say(receipt: Receipt, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt.as_json())
        return
    erasure = receipt.erasure
    typer.echo(
        f"Receipt {erasure.receipt_id}: {erasure.clients:,} clients with {erasure.records:,} records are erased."
    )
    for held in receipt.removed.clients:
        typer.echo(f"  {held.client}: {held.records:,} records, {held.active_days:,} active days")
    for client in receipt.unknown:
        typer.echo(f"  {client}: nothing was stored")
    removed = receipt.removed
    typer.echo(f"{len(removed.files):,} daily files were removed, {removed.exports:,} client lists are exported again.")
    if receipt.blocked:
        typer.echo(f"{len(receipt.blocked):,} clients are blocked: what they send is refused.")
    typer.echo("The disk is clean." if erasure.cleaned_ms else "The next server cleans up the disk.")


def export(
    client: Annotated[str, typer.Argument(help="A client id.")],
    product: Annotated[int, _PRODUCT],
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("client.json"),
    overwrite: Annotated[bool, OVERWRITE] = False,
) -> None:
    """Write all that is held of one client into a JSON file.

    Example: odometer client export 7F3C09A1BB42D6E8 --product 2376158762 --output client.json
    """
    settings = read_settings()
    clock = clock_of(settings)
    wanted = checked_client_id(client, "clientId")
    with registry_of(settings) as registry:
        registry.products.require(product)
    with analytics_of(settings) as analytics:
        questions = questions_of(settings, analytics)
        pieces = client_data(questions, product, wanted, now_ms=clock.now_ms(), today=clock.today())
        if pieces is None:
            raise Problem("NOT_FOUND", "There is nothing stored of this client.")
        # For the eyes of who asked only.
        with new_file(output, overwrite=overwrite) as part:
            part.touch(mode=0o600)
            with part.open("wb") as file:
                file.writelines(pieces)
    typer.echo(f"All that is held of the client is in {output}.")


def unblock(
    clients: Annotated[list[str], _CLIENTS],
    product: Annotated[int, _PRODUCT],
) -> None:
    """Take records of these clients again. Works while a server runs.

    Example: odometer client unblock 7F3C09A1BB42D6E8 --product 2376158762
    """
    wanted = parse_clients(clients)
    with registry_of(read_settings()) as registry:
        registry.products.require(product)
        count = registry.blocked_clients.unblock(product, wanted, actor=_ACTOR)
    typer.echo(f"{count:,} clients are unblocked.")
