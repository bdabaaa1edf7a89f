"""`odometer demo`: load a sample product once, serve it, and say how to ask the first question."""

import datetime as dt
import json
import secrets
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from odometer.app import analytics_of, clock_of, registry_of
from odometer.cli.imports import run_import
from odometer.cli.output import new_file
from odometer.collect.bulk_import import ImportOptions
from odometer.collect.import_sources import sources
from odometer.demo import DEMO_PRODUCT, generate
from odometer.demo.licensing import license_keys
from odometer.errors import StartError
from odometer.licenses.updates import parse_updates
from odometer.licenses.wire import ENTRIES, MAX_ENTRIES
from odometer.listening import require_free_addresses
from odometer.settings import Settings, read_settings

EMAIL: Final = "demo@odometer.example"
# The demo listens on this machine only and holds made-up data; a real installation makes its own users.
PASSWORD: Final = "three kites over the bay"  # noqa: S105
PRODUCT_ID: Final = 1000000001
_TOKEN_NAME: Final = "demo"  # noqa: S105
_HISTORY: Final = "demo.ndjson"
_TOKEN_FILE: Final = "demo-token"  # noqa: S105


def demo(
    clients: Annotated[int, typer.Option(min=1, help="Installations to make up.")] = DEMO_PRODUCT.clients,
    months: Annotated[int, typer.Option(min=1, max=120, help="Months of history up to today.")] = DEMO_PRODUCT.months,
    seed: Annotated[int, typer.Option(help="The same seed gives the same history.")] = 1,
    serve: Annotated[bool, typer.Option(help="Serve after loading.")] = True,
) -> None:
    """Load a sample product (once) and serve it on http://127.0.0.1:8080.

    Example: odometer demo --clients 5000 --months 6
    """
    from odometer.serve import serve as serve_settings  # noqa: PLC0415 - as in operations.serve

    settings = read_settings()
    if serve:
        require_free_addresses(settings)
    _load(settings, {"clients": clients, "months": months, "seed": seed})
    token = _token(settings)
    if serve:
        serve_settings(settings, on_ready=lambda: _say_ready(settings, token))


def _load(settings: Settings, wanted: dict[str, int]) -> None:
    """Make and import the history, unless the folder has it already; a half loaded one is completed."""
    state_file = settings.data / "demo.json"
    state = _state(state_file)
    if state and state["options"] != wanted:
        raise StartError(f"{settings.data} holds a demo made with {state['options']}; remove the folder for another.")
    if state.get("done"):
        return
    if not state:
        _refuse_foreign_data(settings)
    today = clock_of(settings).today()
    state = state or {"options": wanted, "today": today.isoformat(), "done": False}
    _note(state_file, state)
    _add_product(settings)
    _add_keys(settings, state)
    history = settings.data / _HISTORY
    _write_history(history, state)
    with analytics_of(settings) as analytics:
        options = ImportOptions(clock_of(settings).now_ms())
        summary = run_import(settings, analytics, PRODUCT_ID, sources([history]), options)
    if summary.interrupted:
        raise typer.Exit(summary.interrupted)
    history.unlink()
    _note(state_file, state | {"done": True})


def _state(state_file: Path) -> dict[str, Any]:
    """What was noted of an earlier start; nothing at the first one."""
    if not state_file.exists():
        return {}
    try:
        state = json.loads(state_file.read_text())
    except ValueError:
        state = None
    if not isinstance(state, dict) or not state.keys() >= {"options", "today", "done"}:
        raise StartError(f"{state_file} was not written by the demo; move it, or point ODOMETER_DATA elsewhere.")
    return state


def _note(state_file: Path, state: dict[str, Any]) -> None:
    with new_file(state_file, overwrite=True) as part:
        part.write_text(json.dumps(state))


def _refuse_foreign_data(settings: Settings) -> None:
    """The demo brings an administrator whose password everybody knows: it must never get into real data."""
    with registry_of(settings, may_begin=True) as registry:
        if registry.users.list() or registry.products.list():
            raise StartError(f"{settings.data} holds data that the demo did not make; point ODOMETER_DATA elsewhere.")
    for name in (_HISTORY, _TOKEN_FILE):
        if (settings.data / name).exists():
            raise StartError(
                f"{settings.data / name} is in the way of the demo; move it, or point ODOMETER_DATA elsewhere."
            )


def _write_history(path: Path, state: dict[str, Any]) -> None:
    options = state["options"]
    today = dt.date.fromisoformat(state["today"])
    with path.open("wb") as file:
        for line in generate(options["seed"], options["clients"], options["months"], today):
            file.write(line)
            file.write(b"\n")


def _add_product(settings: Settings) -> None:
    with registry_of(settings, may_begin=True) as registry:
        if registry.products.get(PRODUCT_ID) is None:
            registry.products.add(DEMO_PRODUCT.name, PRODUCT_ID)
            customs = {item.slot: {"label": item.label, "type": item.custom_type} for item in DEMO_PRODUCT.custom_names}
            registry.products.change(PRODUCT_ID, {"customProperties": customs}, actor="command line")
            registry.users.add(EMAIL, PASSWORD, is_admin=True)


def _add_keys(settings: Settings, state: dict[str, Any]) -> None:
    """The vendor's own list of license keys; those of single buyers are collected from what clients report."""
    options = state["options"]
    today = dt.date.fromisoformat(state["today"])
    left = license_keys(options["seed"], options["clients"], options["months"], today)
    with registry_of(settings) as registry:
        while entries := list(islice(left, MAX_ENTRIES)):
            updates = parse_updates(ENTRIES.validate_python(entries), today)
            registry.license_keys.update(PRODUCT_ID, updates, actor="command line")


def _token(settings: Settings) -> str:
    """The token of the first curl. Made-up data may have it lie in a file, so that it stays the same at each start."""
    token_file = settings.data / _TOKEN_FILE
    with registry_of(settings) as registry:
        if token_file.exists() and registry.tokens.find(token := token_file.read_text()) is not None:
            return token
        token = registry.tokens.add(f"{_TOKEN_NAME} {secrets.token_hex(4)}", EMAIL)
    token_file.touch(mode=0o600)
    token_file.write_text(token)
    return token


def _say_ready(settings: Settings, token: str) -> None:
    body = json.dumps(
        {
            "startDate": "NOW-55",
            "stopDate": "NOW",
            "dateSplit": "week",
            "clientStatus": ["new", "active", "lost"],
            "daysUntilDeclaredLost": 30,
        }
    )
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"""
{DEMO_PRODUCT.name} is ready on {settings.public_url} (documentation: {settings.public_url}/docs)
  login:   {EMAIL}
  password: {PASSWORD} (unless you have changed it)
  token:   {token}

New, active and lost installations of the last weeks:

curl -s {settings.public_url}/v3/reporting/generic/dateRange/{PRODUCT_ID} \\
  -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
  -d '{body}'

Stop with Ctrl+C; the next start reuses the data in {settings.data}."""
    )
