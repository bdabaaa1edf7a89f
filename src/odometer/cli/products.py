"""Commands on products and their ingestion keys."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.settings import read_settings

_AS_JSON = typer.Option("--json", help="Print JSON.")
_PRODUCT_ID = typer.Argument(help="The product.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="Products, and the keys with which trackers send.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("key")(make_key)
    group.command("keys")(show_keys)
    group.command("revoke-key")(revoke_key)
    app.add_typer(group, name="product")


def add(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    product_id: Annotated[int | None, typer.Option("--id", help="Its id; without it a free one.")] = None,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Add a product.

    Example: odometer product add Facet --id 2376158762
    """
    with registry_of(read_settings()) as registry:
        product = registry.products.add(name, product_id)
    if as_json:
        print_json({"productId": product.product_id, "name": product.name})
        return
    typer.echo(f"Added {product.name} with product id {product.product_id}.")


def show(as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List products.

    Example: odometer product list --json
    """
    with registry_of(read_settings()) as registry:
        products = registry.products.list()
    if as_json:
        print_json(
            [
                {
                    "productId": product.product_id,
                    "name": product.name,
                    "daysUntilDeclaredLost": product.days_until_declared_lost,
                    "oldestDate": product.oldest_date.isoformat() if product.oldest_date else None,
                }
                for product in products
            ]
        )
        return
    table = Table("product id", "name", "lost after days", "oldest date")
    for product in products:
        oldest = str(product.oldest_date or "")
        table.add_row(str(product.product_id), product.name, str(product.days_until_declared_lost), oldest)
    Console().print(table)


def make_key(
    product_id: Annotated[int, _PRODUCT_ID],
    may_set_ip: Annotated[
        bool, typer.Option("--may-set-ip", help="For a relay: may pass on the addresses of its callers.")
    ] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Make an ingestion key: it can send usage of this product and read nothing. It is shown only now.

    Example: odometer product key 2376158762
    """
    with registry_of(read_settings()) as registry:
        key = registry.keys.add(product_id, may_set_ip=may_set_ip)
    if as_json:
        print_json({"productId": product_id, "key": key, "maySetIp": may_set_ip})
        return
    typer.echo(f"Ingestion key (shown only now): {key}")


def show_keys(product_id: Annotated[int, _PRODUCT_ID], as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List the ingestion keys in force, without their text.

    Example: odometer product keys 2376158762
    """
    with registry_of(read_settings()) as registry:
        keys = registry.keys.list(product_id)
    if as_json:
        print_json([{"keyId": key.key_id, "maySetIp": key.may_set_ip, "createdMs": key.created_ms} for key in keys])
        return
    table = Table("key id", "may set ip")
    for key in keys:
        table.add_row(str(key.key_id), "yes" if key.may_set_ip else "")
    Console().print(table)


def revoke_key(key_id: Annotated[int, typer.Argument(help="The id that `product keys` shows.")]) -> None:
    """Refuse an ingestion key from now on; a running server notices within seconds.

    Example: odometer product revoke-key 3
    """
    with registry_of(read_settings()) as registry:
        registry.keys.revoke(key_id)
    typer.echo(f"Revoked ingestion key {key_id}.")
