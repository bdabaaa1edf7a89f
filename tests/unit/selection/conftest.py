"""Reading selections without a store: what a pattern is, Python's matcher says here."""

import datetime as dt
import re

import pytest

from odometer.selection.reading import Language


def pattern_fault(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return error.msg
    return None


@pytest.fixture
def language() -> Language:
    return Language(dt.date(2031, 6, 20), pattern_fault, may_use_license_keys=False, custom_types={"C04": 3, "C05": 1})
