"""What the engine's matcher makes of a regular expression: whether it takes it, and which values it finds it in."""

import re
from collections.abc import Iterable
from typing import Final

from odometer.errors import Problem
from odometer.model.patterns import full_match
from odometer.store.answers.ask import Ask

_PATTERN_FAULT: Final = re.compile(r"error: ([a-z ]{1,60}[])]?)")


def pattern_fault(ask: Ask, pattern: str) -> str | None:
    """Why the engine's matcher does not take the regular expression; None when it does.

    By itself as well as where it stands for the whole text: `a)|(b` would be valid there only. The anchor keeps
    the engine from passing patterns that it thinks it can search for without compiling them.
    """
    forms = (rf"\A{pattern}", full_match(pattern))
    try:
        for form in forms:
            ask("SELECT match('', {form:String})", {"form": form})
    except Problem as problem:
        told = str(problem.__cause__)
        if "CANNOT_COMPILE_REGEXP" not in told:
            raise
        found = _PATTERN_FAULT.search(told)
        return found[1].strip() if found else "it cannot be compiled"
    return None


def matching(ask: Ask, values: Iterable[str], pattern: str) -> list[str]:
    """The values in which the engine's matcher finds the pattern, in their order."""
    found = ask(
        "SELECT arrayFilter(value -> match(value, concat('(?s)', {pattern:String})), {values:Array(String)})",
        {"pattern": pattern, "values": list(values)},
    )
    return list(found[0][0])
