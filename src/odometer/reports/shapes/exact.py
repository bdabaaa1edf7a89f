"""Averages and percentages as contract 00 wants them: from exact fractions, half away from zero, at output only."""

from decimal import Decimal
from fractions import Fraction

Exact = int | Decimal | Fraction


def rounded(value: Exact, digits: int = 2) -> float:
    """The value with so many decimals, half away from zero."""
    exact = Fraction(value)
    scale = 10**digits
    whole = int(abs(exact) * scale + Fraction(1, 2))
    return float(Fraction(whole if exact >= 0 else -whole, scale))


def average(total: Exact, divisor: Exact, digits: int = 2) -> float:
    """`total / divisor`, 0.0 where the divisor is 0."""
    return rounded(Fraction(total) / Fraction(divisor), digits) if divisor else 0.0
