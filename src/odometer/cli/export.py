"""The command that exports clients to a file, without a server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from odometer.accounts import Product
from odometer.app import analytics_of, clock_of, questions_of, registry_of
from odometer.cli.operations import print_json
from odometer.cli.output import OVERWRITE, check_place, new_file
from odometer.errors import Problem
from odometer.exports.client_files import CLIENT_FILES
from odometer.exports.client_list import FileFormat, write_client_file
from odometer.model import strict_json
from odometer.selection.client_list import DailyAsked, all_properties, parse_client_choice
from odometer.selection.reading import Language
from odometer.selection.refusals import read_as
from odometer.selection.wire_filters import FILTERS, GlobalFilters
from odometer.settings import read_settings
from odometer.store.answers.client_list import ClientQuestion
from odometer.store.questions import Questions


def export(
    *,
    product: Annotated[int, typer.Option(help="Product id.")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it clientPropertyList_<day> in this folder.")
    ] = None,
    file_format: Annotated[FileFormat, typer.Option("--format", help="jsonl (gzip), csv (zip) or parquet.")] = "jsonl",
    properties: Annotated[str | None, typer.Option(help="Names, separated by commas; without it all.")] = None,
    filters: Annotated[str | None, typer.Option(help="globalFilters as JSON.")] = None,
    daily: Annotated[str | None, typer.Option(help="Also the active days of FIRST:LAST, such as NOW-30:NOW.")] = None,
    daily_properties: Annotated[str, typer.Option(help="Values of each of these days, by commas.")] = "",
    overwrite: Annotated[bool, OVERWRITE] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Export the clients of a product with their last known values into one file, license keys included.

    Works while no server has the data folder open; a server exports over HTTP.

    Example: odometer export --product 1000001 --format parquet --properties prodVersion,geography.country
    """
    settings = read_settings()
    today = clock_of(settings).today()
    days = _days(daily, daily_properties)
    path = output or Path(f"clientPropertyList_{today}{CLIENT_FILES[file_format].ending}")
    check_place(path, overwrite=overwrite)
    with registry_of(settings) as registry:
        found = registry.products.require(product)
    with analytics_of(settings) as analytics:
        questions = questions_of(settings, analytics)
        language = Language(today, questions.pattern_fault, may_use_license_keys=True, custom_types=found.custom_types)
        asked = _names(properties) if properties is not None else _everything(questions, found)
        given = None if filters is None else _parsed(filters)
        choice = parse_client_choice(asked, days, given, language, None)
        with new_file(path, overwrite=overwrite) as part:
            written = _write(questions, ClientQuestion(product, choice, today), file_format, part)
    if as_json:
        print_json({"file": str(path), "clients": written})
    else:
        typer.echo(f"{written:,} clients are in {path}.")


def _everything(questions: Questions, product: Product) -> list[str]:
    slots = {*product.custom_properties, *questions.custom_slots_in_use(product.product_id)}
    return all_properties(slots, may_use_license_keys=True)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _days(daily: str | None, properties: str) -> DailyAsked | None:
    if daily is None and properties:
        raise typer.BadParameter("goes with --daily FIRST:LAST", param_hint="--daily-properties")
    if daily is None:
        return None
    first, colon, last = daily.partition(":")
    if not colon:
        raise typer.BadParameter("give two days: FIRST:LAST, such as NOW-30:NOW", param_hint="--daily")
    return DailyAsked(first, last, _names(properties))


def _parsed(filters: str) -> GlobalFilters | None:
    try:
        given = strict_json.parse(filters.encode())
    except Problem as problem:
        raise typer.BadParameter(problem.message, param_hint="--filters") from problem
    return None if given is None else read_as(FILTERS, given, "globalFilters")


def _write(questions: Questions, question: ClientQuestion, file_format: FileFormat, path: Path) -> int:
    with _bar() as bar:
        task = bar.add_task("exporting", total=None)

        def progress(written: int, total: int) -> None:
            bar.update(task, completed=written, total=total)

        return write_client_file(questions, question, file_format, path, progress)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
