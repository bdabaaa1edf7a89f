"""Commands on products and their ingestion keys."""

from typing import Annotated, Any

import typer

from odometer.accounts.product_settings import settings_of
from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.cli.tables import day_of, print_table
from odometer.model.moments import to_text
from odometer.model.properties import CUSTOM_SLOTS
from odometer.settings import read_settings

_AS_JSON = typer.Option("--json", help="Print JSON.")
_PRODUCT_ID = typer.Argument(help="The product.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="Products, and the keys with which trackers send.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("set")(change)
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
    with registry_of(read_settings(), may_begin=True) as registry:
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
    rows = [
        (
            str(product.product_id),
            product.name,
            str(product.days_until_declared_lost),
            str(product.oldest_date or ""),
        )
        for product in products
    ]
    print_table(("product id", "name", "lost after days", "oldest date"), rows)


def change(
    product_id: Annotated[int, _PRODUCT_ID],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME=VALUE; for custom properties C01=LABEL and C01.type=1, 2 or 3. An empty VALUE sets one back."
        ),
    ] = None,
) -> None:
    """Change settings of a product and print all of them as JSON; without NAME=VALUE only print.

    Example: odometer product set 2376158762 daysUntilDeclaredLost=30 C04="Sales channel" C04.type=1
    """
    changes = _changes(settings or [])
    with registry_of(read_settings()) as registry:
        product = registry.products.require(product_id)
        if changes:
            product = registry.products.change(product_id, changes, actor="command line")
    print_json(settings_of(product))


def _changes(pairs: list[str]) -> dict[str, Any]:
    """`NAME=VALUE` words as the members that the API takes."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE.")
        slot, _, member = name.partition(".")
        if slot in CUSTOM_SLOTS and member in ("", "label", "type"):
            customs = found.setdefault("customProperties", {})
            is_reset = not member and not text
            said = {member or "label": _value(text) if member == "type" else text}
            customs[slot] = None if is_reset else {**(customs.get(slot) or {}), **said}
        elif name == "rawExportFormats" and text:
            found[name] = text.split(",")
        else:
            found[name] = _value(text)
    return found


def _value(text: str) -> int | bool | str | None:
    """Whole numbers and truths as what they are, the rest as text; nothing is null."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text or None


def make_key(
    product_id: Annotated[int, _PRODUCT_ID],
    name: Annotated[str, typer.Option(help="What the key is for, such as the application that carries it.")] = "",
    may_set_ip: Annotated[
        bool, typer.Option("--may-set-ip", help="For a relay: may pass on the addresses of its callers.")
    ] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Make an ingestion key: it can send usage of this product and read nothing. It is shown only now.

    Example: odometer product key 2376158762 --name "Facet for Windows"
    """
    with registry_of(read_settings()) as registry:
        key = registry.keys.add(product_id, name=name, may_set_ip=may_set_ip)
    if as_json:
        shown = {"productId": product_id, "keyId": key.key_id, "name": name, "key": key.text, "maySetIp": may_set_ip}
        print_json(shown)
        return
    typer.echo(f"Ingestion key {key.key_id} (shown only now): {key.text}")


def show_keys(product_id: Annotated[int, _PRODUCT_ID], as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List the ingestion keys in force: what they are for, how they begin, when they were used last.

    Example: odometer product keys 2376158762
    """
    with registry_of(read_settings()) as registry:
        keys = registry.keys.list(product_id)
    if as_json:
        print_json(
            [
                {
                    "keyId": key.key_id,
                    "name": key.name,
                    "prefix": key.prefix,
                    "maySetIp": key.may_set_ip,
                    "createdMs": key.created_ms,
                    "createdAt": to_text(key.created_ms),
                    "lastUsedAt": None if key.last_used_ms is None else to_text(key.last_used_ms),
                }
                for key in keys
            ]
        )
        return
    rows = [
        (
            str(key.key_id),
            key.name,
            key.prefix,
            "yes" if key.may_set_ip else "",
            day_of(key.created_ms),
            day_of(key.last_used_ms),
        )
        for key in keys
    ]
    print_table(("key id", "name", "begins", "may set ip", "created", "last used"), rows)


def revoke_key(key_id: Annotated[int, typer.Argument(help="The id that `product keys` shows.")]) -> None:
    """Refuse an ingestion key from now on; a running server notices within seconds.

    Example: odometer product revoke-key 3
    """
    with registry_of(read_settings()) as registry:
        registry.keys.revoke(key_id)
    typer.echo(f"Revoked ingestion key {key_id}.")
