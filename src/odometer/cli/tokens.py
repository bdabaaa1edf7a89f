"""Commands on API tokens: add, list, revoke."""

from typing import Annotated

import typer

from odometer.accounts.tokens import DEFAULT_DAYS, MAX_DAYS, TokenEntry
from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.cli.tables import day_of, print_table
from odometer.model.moments import to_text
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
    days: Annotated[int, typer.Option(min=1, max=MAX_DAYS, help="It ends after so many days.")] = DEFAULT_DAYS,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Make an API token. It is shown only now, and ends after a year unless you say otherwise.

    Example: odometer token add nightly --user ada@example.com --product 2376158762 --read-only
    """
    with registry_of(read_settings()) as registry:
        token = registry.tokens.add(name, user, products=product or None, is_read_only=read_only, days=days)
        email = user.strip().lower()
        made = next(one for one in registry.tokens.list() if (one.name, one.email) == (name, email))
    expires = _moment(made.expires_ms)
    if as_json:
        print_json({"name": name, "user": user, "token": token, "expiresAt": expires})
        return
    typer.echo(f"API token (shown only now): {token}")
    typer.echo(f"It ends at {expires}.")


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_text(at_ms)


def show(as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List the tokens that are not revoked: how they begin, when they end and were used last.

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
                    "prefix": token.prefix,
                    "products": None if token.products is None else sorted(token.products),
                    "readOnly": token.is_read_only,
                    "createdAt": _moment(token.created_ms),
                    "expiresAt": _moment(token.expires_ms),
                    "lastUsedAt": _moment(token.last_used_ms),
                }
                for token in tokens
            ]
        )
        return
    rows = [
        (token.name, token.email, token.prefix, _limits(token), day_of(token.expires_ms), day_of(token.last_used_ms))
        for token in tokens
    ]
    print_table(("name", "user", "begins", "limited to", "ends", "last used"), rows)


def _limits(token: TokenEntry) -> str:
    """What the token may do less than its user, a line each."""
    products = [] if token.products is None else sorted(map(str, token.products)) or ["no product"]
    return "\n".join(["reading"] * token.is_read_only + products)


def revoke(name: Annotated[str, _NAME], user: Annotated[str, _USER]) -> None:
    """Refuse a token from now on.

    Example: odometer token revoke nightly --user ada@example.com
    """
    with registry_of(read_settings()) as registry:
        registry.tokens.revoke(name, user)
    typer.echo(f"Revoked the token {name} of {user}.")
