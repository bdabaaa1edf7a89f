"""Commands on API tokens: add, list, revoke."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.settings import read_settings

_AS_JSON = typer.Option("--json", help="Print JSON.")
_NAME = typer.Argument(help="The token's name, one of a kind per user.")
_USER = typer.Option("--user", help="Email of the user it acts as.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="Long-lived tokens for scripts.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("revoke")(revoke)
    app.add_typer(group, name="token")


def add(
    name: Annotated[str, _NAME],
    user: Annotated[str, _USER],
    product: Annotated[list[int] | None, typer.Option(help="Only this product; may be repeated.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="May read and change nothing.")] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Make an API token. It is shown only now.

    Example: odometer token add nightly --user ada@example.com --product 2376158762 --read-only
    """
    with registry_of(read_settings()) as registry:
        token = registry.tokens.add(name, user, products=product or None, is_read_only=read_only)
    if as_json:
        print_json({"name": name, "user": user, "token": token})
        return
    typer.echo(f"API token (shown only now): {token}")


def show(as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List the tokens in force, without their text.

    Example: odometer token list
    """
    with registry_of(read_settings()) as registry:
        tokens = registry.tokens.list()
    if as_json:
        print_json(
            [
                {
                    "name": token.name,
                    "user": token.email,
                    "products": None if token.products is None else sorted(token.products),
                    "readOnly": token.is_read_only,
                }
                for token in tokens
            ]
        )
        return
    table = Table("name", "user", "products", "read only")
    for token in tokens:
        products = "all" if token.products is None else ", ".join(str(product) for product in sorted(token.products))
        table.add_row(token.name, token.email, products, "yes" if token.is_read_only else "")
    Console().print(table)


def revoke(name: Annotated[str, _NAME], user: Annotated[str, _USER]) -> None:
    """Refuse a token from now on.

    Example: odometer token revoke nightly --user ada@example.com
    """
    with registry_of(read_settings()) as registry:
        registry.tokens.revoke(name, user)
    typer.echo(f"Revoked the token {name} of {user}.")
