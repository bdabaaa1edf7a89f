"""Lists for people: narrow enough for a terminal of 100 columns; `--json` has everything."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from odometer.model.moments import to_text

NEVER: Final = "never"
_DAY: Final = len("2031-06-20")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a list without lines around; what people have called things is shown as it is."""
    table = Table(*columns, box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def day_of(at_ms: int | None) -> str:
    """The day of a moment."""
    return NEVER if at_ms is None else to_text(at_ms)[:_DAY]
