"""Asking generic/dateRange of the engine, and the same question of the oracle."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from odometer.reports.definition import Context
from odometer.reports.generic_date_range import REPORT
from tests.conftest import Store
from tests.oracle.history import Life
from tests.oracle.status import Question, answer

Request = dict[str, Any]


def by_engine(store: Store, product: int, request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body of the server."""
    context = Context(product, product_silence, None, today, store.questions)
    return REPORT.run(REPORT.request.model_validate(request), context)


def by_oracle(lives: Iterable[Life], request: Request, today: dt.date, product_silence: int = 40) -> Any:
    """The answer body that the contract wants."""
    question = Question(
        start=dt.date.fromisoformat(request["startDate"]),
        stop=dt.date.fromisoformat(request["stopDate"]),
        split=request.get("dateSplit"),
        silence=request.get("daysUntilDeclaredLost") or product_silence,
        when_declared=request.get("dateReportedLost") == "dateDeclaredLost",
        today=today,
    )
    return answer(lives, question, request["clientStatus"])
