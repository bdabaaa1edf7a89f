"""The command line: `odometer --help` lists the commands; each file here adds some."""

import os
import sys

import typer

from odometer.cli import audit, backup, clients, demo, export, imports, licenses, operations, products, tokens, users
from odometer.errors import Problem, StartError

app = typer.Typer(
    help="Self-hosted usage intelligence for installed software.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
operations.register(app)
app.command("import")(imports.import_files)
app.command("demo")(demo.demo)
app.command("export")(export.export)
app.command("audit")(audit.audit)
users.register(app)
products.register(app)
tokens.register(app)
licenses.register(app)
clients.register(app)
backup.register(app)


def main() -> None:
    """Run a command. Exit code 0: done; 1: refused or failed, with one line that says why; 2: wrong usage."""
    # Whatever a command writes holds what people did, or secrets: it is for the user who runs it.
    os.umask(0o077)
    try:
        app()
    except (Problem, StartError) as refusal:
        where = f"{refusal.field}: " if isinstance(refusal, Problem) and refusal.field else ""
        sys.stderr.write(f"odometer: {where}{refusal}\n")
        sys.exit(1)
    except OSError as failure:
        sys.stderr.write(f"odometer: {failure.filename or 'the system'}: {failure.strerror or failure}\n")
        sys.exit(1)
