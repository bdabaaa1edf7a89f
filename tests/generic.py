"""Asking the generic reports of the engine, and the same questions of the oracle."""

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any

from odometer.reports.definition import Context
from odometer.reports.generic_current import REPORT as CURRENT
from odometer.reports.generic_date_range import REPORT as RANGE
from tests.conftest import Store
from tests.oracle import generic
from tests.oracle.history import Life

Request = dict[str, Any]
CUSTOM_TYPES = {"C04": 3}


def by_engine(store: Store, product: int, request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body of the server to generic/dateRange."""
    return RANGE.run(RANGE.request.model_validate(request), _context(store, product, today, product_silence))


def current_by_engine(store: Store, product: int, request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body of the server to generic/current."""
    return CURRENT.run(CURRENT.request.model_validate(request), _context(store, product, today, product_silence))


def _context(store: Store, product: int, today: dt.date, product_silence: int) -> Context:
    return Context(
        product,
        product_silence,
        None,
        today,
        store.questions,
        may_use_license_keys=True,
        custom_types=CUSTOM_TYPES,
    )


def by_oracle(lives: Iterable[Life], request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body that the definitions want of generic/dateRange."""
    return generic.date_range(lives, request, today=today, silence=product_silence)


def current_by_oracle(lives: Iterable[Life], request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body that the definitions want of generic/current."""
    return generic.current(lives, request, today=today, silence=product_silence)


def text(answer: Any) -> str:
    """An answer as text: equal texts have the same members in the same order."""
    return json.dumps(answer, ensure_ascii=False, indent=1)


def assert_same(answered: Any, expected: Any, request: Request, today: dt.date) -> None:
    """Fails where two answers differ, if only in their order, and shows everything that it takes to see why."""
    asked = f"T = {today}\n{json.dumps(request, ensure_ascii=False)}"
    if text(answered) != text(expected):
        raise AssertionError(f"{asked}\nanswered: {json.dumps(answered)}\nexpected: {json.dumps(expected)}")
