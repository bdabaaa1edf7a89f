"""Asking the reports of chapter 05 of the engine, and the same questions of the oracle."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from odometer.reports.churn_and_engagement import REPORT as CHURN_AND_ENGAGEMENT
from odometer.reports.churn_histogram_days import REPORT as DAYS
from odometer.reports.churn_histogram_runtime import REPORT as RUNTIME
from odometer.reports.churn_histogram_sessions import REPORT as SESSIONS
from odometer.reports.definition import Context, Report
from odometer.reports.usage_distribution import REPORT as USAGE_DISTRIBUTION
from tests.conftest import Store
from tests.generic import CUSTOM_TYPES
from tests.oracle import engagement
from tests.oracle.history import Life

Request = dict[str, Any]

REPORTS: dict[str, Report[Any, Any]] = {
    "usage_distribution": USAGE_DISTRIBUTION,
    "churn_histogram_days": DAYS,
    "churn_histogram_runtime": RUNTIME,
    "churn_histogram_sessions": SESSIONS,
    "churn_and_engagement": CHURN_AND_ENGAGEMENT,
}
_ORACLES = {
    "usage_distribution": engagement.usage_distribution,
    "churn_histogram_days": engagement.churn_days,
    "churn_histogram_runtime": engagement.churn_runtime,
    "churn_histogram_sessions": engagement.churn_sessions,
    "churn_and_engagement": engagement.churn_and_engagement,
}


def asked(
    store: Store, product: int, name: str, request: Request, today: dt.date, product_silence: int = 40
) -> dict[str, Any]:
    """The answer body of the server."""
    report = REPORTS[name]
    context = Context(
        product,
        product_silence,
        None,
        today,
        store.questions,
        may_use_license_keys=True,
        custom_types=CUSTOM_TYPES,
    )
    answer: dict[str, Any] = report.run(report.request.model_validate(request), context)
    return answer


def expected(
    name: str, lives: Iterable[Life], request: Request, today: dt.date, product_silence: int = 40
) -> dict[str, Any]:
    """The answer body that the definitions want."""
    return _ORACLES[name](lives, request, today, product_silence)
