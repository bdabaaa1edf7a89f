"""Commands on the license key registry: import, export, list. They work while a server runs."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from odometer.accounts import Registry
from odometer.app import clock_of, registry_of
from odometer.cli.operations import print_json
from odometer.cli.output import OVERWRITE, new_file
from odometer.errors import Problem
from odometer.exports.delimited import CsvWriter, escaped, unescaped
from odometer.licenses.table import COLUMNS, entry_of, read_rows, row_of
from odometer.model.licenses import FLAGS, KEY_END, KeyFilters, LicenseKey
from odometer.model.moments import to_text
from odometer.settings import read_settings

_AS_JSON = typer.Option("--json", help="Print JSON.")
_PRODUCT = typer.Option("--product", help="Product id.")
_PAGE = 10_000


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="License keys of a product.", no_args_is_help=True)
    group.command("import")(import_file)
    group.command("export")(export_file)
    group.command("list")(show)
    group.command("history")(history)
    app.add_typer(group, name="license")


def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a header, UTF-8.")],
    product: Annotated[int, _PRODUCT],
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Insert unknown keys and change known ones from a CSV file, all or nothing. Repeating it changes nothing.

    Columns: licenseKey, and any of those that `license export` writes; a missing column or an empty cell leaves a value
    as it is, an empty expiryDate takes the date away. addedDate and autoCollected are not changed.

    Example: odometer license import keys.csv --product 2376158762
    """
    settings = read_settings()
    with file.open(encoding="utf-8-sig", newline="") as text:
        try:
            rows = list(_rows(text))
        except (csv.Error, UnicodeDecodeError) as error:
            raise Problem("INVALID_FIELD", f"{file} is no CSV file in UTF-8.") from error
    if not rows:
        raise Problem("INVALID_FIELD", f"{file} is empty.")
    updates = read_rows(rows[0][1], rows[1:], clock_of(settings).today())
    with registry_of(settings) as registry:
        registry.products.require(product)
        counts = registry.license_keys.update(product, updates, actor="command line")
    if as_json:
        print_json({"inserted": counts.inserted, "updated": counts.updated, "unchanged": counts.unchanged})
        return
    typer.echo(f"{counts.inserted:,} inserted, {counts.updated:,} updated, {counts.unchanged:,} unchanged.")


def _rows(text: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the numbers of their lines, empty lines left out."""
    reader = csv.reader(text, strict=True)
    for row in reader:
        if row:
            yield reader.line_num, [unescaped(cell) for cell in row]


def export_file(
    product: Annotated[int, _PRODUCT],
    output: Annotated[Path | None, typer.Option(help="The file to write; without it standard output.")] = None,
    overwrite: Annotated[bool, OVERWRITE] = False,
) -> None:
    """Write all keys as CSV, as they were set. How many clients use them is answered over HTTP.

    Example: odometer license export --product 2376158762 --output keys.csv
    """
    with registry_of(read_settings()) as registry:
        registry.products.require(product)
        if output is None:
            _write(sys.stdout, registry, product)
            return
        with new_file(output, overwrite=overwrite) as part, part.open("w", encoding="utf-8", newline="") as file:
            written = _write(file, registry, product)
    typer.echo(f"{written:,} keys are in {output}.")


def _write(file: IO[str], registry: Registry, product: int) -> int:
    writer, written = CsvWriter(file, COLUMNS), 0
    for key in _all_keys(registry, product):
        writer.write([[escaped(cell) for cell in row_of(key)]])
        written += 1
    return written


def _all_keys(registry: Registry, product: int) -> Iterator[LicenseKey]:
    today, start = clock_of(read_settings()).today(), None
    while keys := registry.license_keys.page(product, KeyFilters(), today, start, _PAGE):
        yield from keys
        start = keys[-1].key + KEY_END


def show(product: Annotated[int, _PRODUCT], as_json: Annotated[bool, _AS_JSON] = False) -> None:
    """List all keys, as they were set.

    Example: odometer license list --product 2376158762 --json
    """
    with registry_of(read_settings()) as registry:
        registry.products.require(product)
        keys = list(_all_keys(registry, product))
    if as_json:
        print_json([entry_of(key) for key in keys])
        return
    table = Table(Column("license key", overflow="fold"), "type", "flags", "added", "expires", "quota", "collected")
    for key in keys:
        flags = " ".join(flag for flag in FLAGS if getattr(key, flag))
        cells = (escape(key.key), key.license_type, flags, str(key.added), str(key.expiry or ""))
        table.add_row(*cells, str(key.install_quota), "yes" if key.auto_collected else "")
    Console().print(table)


def history(
    key: Annotated[str, typer.Argument(help="A license key.")],
    product: Annotated[int, _PRODUCT],
    as_json: Annotated[bool, _AS_JSON] = False,
) -> None:
    """Every change of a key, oldest first: when, by whom, and what it was afterwards (before, where it was deleted).

    Example: odometer license history K-7F31-22 --product 2376158762
    """
    with registry_of(read_settings()) as registry:
        registry.products.require(product)
        changes = registry.license_keys.changes(product, [key]).get(key, [])
    if as_json:
        print_json(
            [
                {"at": to_text(one.at_ms), "actor": one.actor, "action": one.action, "key": entry_of(one.after)}
                for one in changes
            ]
        )
        return
    for one in changes:
        cells = ",".join(row_of(one.after)[1:])
        typer.echo(f"{to_text(one.at_ms)} {one.action} by {one.actor}: {cells}")
