"""Commands on users: add, list, grant, password, disable, enable, promote, demote, remove."""

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

import typer

from odometer.accounts.permission import parse_permissions
from odometer.accounts.users import Users
from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.cli.tables import print_table
from odometer.settings import read_settings

_FROM_STDIN = typer.Option("--password-stdin", help="Read the password from standard input.")
_AS_JSON = typer.Option("--json", help="Print JSON.")


@dataclass(frozen=True, slots=True)
class _Change:
    """A command that takes a user and nothing else: what it does, what help says of it, what it says when done."""

    make: Callable[[Users, str], None]
    summary: str
    told: str


_CHANGES: Final = {
    "disable": _Change(
        partial(Users.set_disabled, disabled=True),
        "Keep a user from signing in; their sessions and API tokens end. What they made stays.",
        "{email} is disabled; their sessions and API tokens have ended.",
    ),
    "enable": _Change(
        partial(Users.set_disabled, disabled=False),
        "Let a user sign in again who was disabled, or who failed to too often. API tokens have to be made anew.",
        "{email} may sign in again.",
    ),
    "promote": _Change(
        partial(Users.set_admin, is_admin=True),
        "Make a user an administrator of the whole account.",
        "{email} is an administrator.",
    ),
    "demote": _Change(
        partial(Users.set_admin, is_admin=False),
        "Make an administrator an ordinary user, whose sessions and API tokens end; granted permissions stay.",
        "{email} is no administrator any more; their sessions and API tokens have ended.",
    ),
    "remove": _Change(
        Users.remove,
        "Remove a user with their permissions, sessions and API tokens. The audit log keeps what they did.",
        "Removed {email}.",
    ),
}


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="People who may log in, and what they may do.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("grant")(grant)
    group.command("password")(password)
    for name, change in _CHANGES.items():
        group.command(name)(_command(name, change))
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
                    "isDisabled": user.is_disabled,
                    "permissions": {str(product): sorted(held) for product, held in user.permissions.items()},
                }
                for user in users
            ]
        )
        return
    rows = []
    for user in users:
        granted = [f"{product}: {', '.join(sorted(held))}" for product, held in sorted(user.permissions.items())]
        admin, disabled = ("yes" if said else "" for said in (user.is_admin, user.is_disabled))
        rows.append((user.email, user.display_name, admin, disabled, "\n".join(granted)))
    print_table(("email", "name", "admin", "disabled", "permissions"), rows)


def grant(
    email: Annotated[str, typer.Argument(help="The user.")],
    product_id: Annotated[int, typer.Argument(help="The product.")],
    permissions: Annotated[
        list[str] | None, typer.Argument(help="Everything the user may do with it; none takes all away.")
    ] = None,
) -> None:
    """Let a user do exactly this with a product: reporting, developer, license_read, license_write, ...

    Raw event files show license keys: fetching them needs license_filtering beside reporting.

    Example: odometer user grant ada@example.com 2376158762 reporting license_read
    """
    wanted = parse_permissions(permissions or [])
    with registry_of(read_settings()) as registry:
        registry.users.grant(email, product_id, wanted)
    typer.echo(f"{email} on product {product_id}: {', '.join(sorted(wanted)) or 'nothing'}.")


def password(
    email: Annotated[str, typer.Argument(help="The user.")],
    password_stdin: Annotated[bool, _FROM_STDIN] = False,
    revoke_tokens: Annotated[
        bool | None,
        typer.Option("--revoke-tokens/--keep-tokens", help="Whether API tokens end too; asked for if not said."),
    ] = None,
) -> None:
    """Change a password and end the user's sessions; API tokens end too, or stay, as you say.

    Example: odometer user password ada@example.com --revoke-tokens
    """
    chosen, made = _choose_password(password_stdin)
    if revoke_tokens is None and sys.stdin.isatty():
        revoke_tokens = typer.confirm("Revoke the user's API tokens too?", default=True)
    with registry_of(read_settings()) as registry:
        left = registry.users.set_password(email, chosen, revoke_tokens=bool(revoke_tokens))
    typer.echo(f"Changed the password of {email}.")
    if left:
        typer.echo(f"{left} API tokens of theirs are still in force; --revoke-tokens ends them.")
    _show_made(made)


def _command(name: str, change: _Change) -> Callable[[str], None]:
    def run(email: Annotated[str, typer.Argument(help="The user.")]) -> None:
        with registry_of(read_settings()) as registry:
            change.make(registry.users, email)
        typer.echo(change.told.format(email=email))

    run.__name__ = name
    run.__doc__ = f"{change.summary}\n\nExample: odometer user {name} ada@example.com"
    return run


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
