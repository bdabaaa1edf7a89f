"""Averages and percentages as chapter 00 wants them: from exact fractions, half away from zero, at output only."""

from decimal import Decimal
from fractions import Fraction
from typing import Final

Exact = int | Decimal | Fraction
HOUR_MS: Final = 3_600_000


def rounded(value: Exact, digits: int = 2) -> float:
    """The value with so many decimals, half away from zero."""
    scale = 10**digits
    return float(Fraction(_nearest(Fraction(value) * scale), scale))


def hundredths(value: Exact) -> int:
    """The value in hundredths, half away from zero."""
    return _nearest(Fraction(value) * 100)


def _nearest(value: Fraction) -> int:
    whole = int(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def average(total: Exact, divisor: Exact, digits: int = 2) -> float:
    """`total / divisor`, 0.0 where the divisor is 0."""
    return rounded(Fraction(total) / Fraction(divisor), digits) if divisor else 0.0


def percent(part: int, whole: int) -> int | float:
    """`part` of `whole` in percent with one decimal, an integer when that is whole (chapter 05)."""
    shown = average(100 * part, whole, 1)
    return int(shown) if shown.is_integer() else shown
