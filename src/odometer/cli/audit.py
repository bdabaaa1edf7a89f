"""The command that shows who changed what: users, tokens, products, settings, license keys, erasures."""

from typing import Annotated, Any

import typer

from odometer.app import registry_of
from odometer.cli.operations import print_json
from odometer.model.moments import to_text
from odometer.settings import read_settings


def audit(
    limit: Annotated[int, typer.Option(min=1, help="So many of the latest changes.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """The latest changes, newest first. Works while a server runs.

    Example: odometer audit --limit 10 --json
    """
    with registry_of(read_settings()) as registry:
        entries: list[dict[str, Any]] = [
            {
                "at": to_text(entry.at_ms),
                "actor": entry.actor,
                "action": entry.action,
                "subject": entry.subject,
                "detail": entry.detail,
            }
            for entry in registry.audit_log(limit)
        ]
    if as_json:
        print_json(entries)
        return
    for entry in entries:
        typer.echo("{at} {actor} {action} {subject} {detail}".format(**entry))
