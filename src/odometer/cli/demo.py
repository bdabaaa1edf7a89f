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
from odometer.cli.operations import run_import
from odometer.demo import DEMO_PRODUCT, generate
from odometer.demo.licensing import license_keys
from odometer.errors import StartError
from odometer.licenses.updates import MAX_ENTRIES, parse_updates
from odometer.settings import Settings, read_settings

EMAIL: Final = "demo@odometer.example"
# The demo listens on this machine only and holds made-up data; a real installation makes its own users.
PASSWORD: Final = "odometer-demo-2031"  # noqa: S105
PRODUCT_ID: Final = 1000000001
_TOKEN_NAME: Final = "demo"  # noqa: S105


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
    _load(settings, {"clients": clients, "months": months, "seed": seed})
    token = _token(settings)
    if serve:
        serve_settings(settings, on_ready=lambda: _say_ready(settings, token))


def _load(settings: Settings, wanted: dict[str, int]) -> None:
    """Make and import the history, unless the folder has it already; a half loaded one is completed."""
    state_file = settings.data / "demo.json"
    state: dict[str, Any] = json.loads(state_file.read_text()) if state_file.exists() else {}
    if state and state["options"] != wanted:
        raise StartError(f"{settings.data} holds a demo made with {state['options']}; remove the folder for another.")
    if state.get("done"):
        return
    if not state:
        _refuse_foreign_data(settings)
    today = clock_of(settings).today()
    state = state or {"options": wanted, "today": today.isoformat(), "done": False}
    state_file.write_text(json.dumps(state))
    _add_product(settings)
    _add_keys(settings, state)
    history = settings.data / "demo.ndjson"
    _write_history(history, state)
    with analytics_of(settings) as analytics:
        run_import(settings, analytics, PRODUCT_ID, [history], settings.data / "demo-rejected.ndjson")
    history.unlink()
    state_file.write_text(json.dumps(state | {"done": True}))


def _refuse_foreign_data(settings: Settings) -> None:
    """The demo brings an administrator whose password everybody knows: it must never get into real data."""
    with registry_of(settings, may_begin=True) as registry:
        if registry.users.list() or registry.products.list():
            raise StartError(f"{settings.data} holds data that the demo did not make; point ODOMETER_DATA elsewhere.")


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
            registry.license_keys.update(PRODUCT_ID, parse_updates(entries, today), actor="command line")


def _token(settings: Settings) -> str:
    """The token of the first curl. Made-up data may have it lie in a file, so that it stays the same at each start."""
    token_file = settings.data / "demo-token"
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
  password: {PASSWORD}
  token:   {token}

New, active and lost installations of the last weeks:

curl -s {settings.public_url}/v3/reporting/generic/dateRange/{PRODUCT_ID} \\
  -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
  -d '{body}'

Stop with Ctrl+C; the next start reuses the data in {settings.data}."""
    )
