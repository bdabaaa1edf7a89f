"""Commands on users: add, list, grant, password."""

import secrets
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from odometer.accounts.permission import parse_permissions
from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.settings import read_settings

_FROM_STDIN = typer.Option("--password-stdin", help="Read the password from standard input.")
_AS_JSON = typer.Option("--json", help="Print JSON.")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="People who may log in, and what they may do.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("grant")(grant)
    group.command("password")(password)
    app.add_typer(group, name="user")


def add(
    email: Annotated[str, typer.Argument(help="The user name for login.")],
    admin: Annotated[bool, typer.Option("--admin", help="May do everything with every product.")] = False,
    name: Annotated[str | None, typer.Option(help="The name to show.")] = None,
    password_stdin: Annotated[bool, _FROM_STDIN] = False,
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Add a user. Asks for a password; an empty answer makes one and shows it once.

    Example: odometer user add ada@example.com --admin
    """
    chosen, made = _choose_password(password_stdin)
    with registry_of(read_settings(), may_begin=True) as registry:
        user = registry.users.add(email, chosen, is_admin=admin, display_name=name)
    if as_json:
        print_json({"userId": user.user_id, "email": user.email, "isAdmin": admin, "password": made})
        return
    typer.echo(f"Added {user.email}.")
    _show_made(made)


def show(as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List users and what they were granted.

    Example: odometer user list --json
    """
    with registry_of(read_settings()) as registry:
        users = registry.users.list()
    if as_json:
        print_json(
            [
                {
                    "userId": user.user_id,
                    "email": user.email,
                    "displayName": user.display_name,
                    "isAdmin": user.is_admin,
                    "permissions": {str(product): sorted(held) for product, held in user.permissions.items()},
                }
                for user in users
            ]
        )
        return
    table = Table("email", "name", "admin", "permissions")
    for user in users:
        granted = [f"{product}: {', '.join(sorted(held))}" for product, held in sorted(user.permissions.items())]
        table.add_row(user.email, user.display_name, "yes" if user.is_admin else "", "\n".join(granted))
    Console().print(table)


def grant(
    email: Annotated[str, typer.Argument(help="The user.")],
    product_id: Annotated[int, typer.Argument(help="The product.")],
    permissions: Annotated[
        list[str] | None, typer.Argument(help="Everything the user may do with it; none takes all away.")
    ] = None,
) -> None:
    """Let a user do exactly this with a product: reporting, developer, license_read, license_write, ...

    Example: odometer user grant ada@example.com 2376158762 reporting license_read
    """
    wanted = parse_permissions(permissions or [])
    with registry_of(read_settings()) as registry:
        registry.users.grant(email, product_id, wanted)
    typer.echo(f"{email} on product {product_id}: {', '.join(sorted(wanted)) or 'nothing'}.")


def password(
    email: Annotated[str, typer.Argument(help="The user.")],
    password_stdin: Annotated[bool, _FROM_STDIN] = False,
) -> None:
    """Change a password and end the user's sessions.

    Example: odometer user password ada@example.com
    """
    chosen, made = _choose_password(password_stdin)
    with registry_of(read_settings()) as registry:
        registry.users.set_password(email, chosen)
    typer.echo(f"Changed the password of {email}.")
    _show_made(made)


def _choose_password(from_stdin: bool) -> tuple[str, str | None]:
    """The password, and once more if it was made here and must be shown."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), None
    if sys.stdin.isatty():
        typed = typer.prompt(
            "Password (empty: make one)", default="", hide_input=True, confirmation_prompt=True, show_default=False
        )
        if typed:
            return str(typed), None
    made = secrets.token_urlsafe(15)
    return made, made


def _show_made(made: str | None) -> None:
    if made is not None:
        typer.echo(f"Password (shown only now): {made}")
