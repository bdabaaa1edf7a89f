"""How large an answer may be, and the refusal of one that nobody could read."""

from typing import Final

from odometer.errors import Problem

MAX_ITEMS: Final = 10_000
MAX_CELLS: Final = 200_000


def too_many_items(items: int, path: str, buckets: int = 1) -> Problem:
    """The refusal of an answer that nobody could read."""
    cells = f" and {items * buckets:,} cells" if buckets > 1 else ""
    message = (
        f"The answer would have {items:,} items{cells}; at most {MAX_ITEMS:,} items and {MAX_CELLS:,} cells "
        "(items times buckets) are answered. Use filters, fewer segments or buckets, or split segments with a limit."
    )
    return Problem("TOO_MANY_SEGMENTS", message, field=path)


def too_many_cells(cells: int, path: str) -> Problem:
    """The same where the cells are items times events."""
    message = (
        f"The answer would have {cells:,} cells (items times events); at most {MAX_CELLS:,} are answered. "
        "Name fewer events, or split segments with a limit."
    )
    return Problem("TOO_MANY_SEGMENTS", message, field=path)
