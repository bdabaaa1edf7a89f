"""Asking the event reports of the engine, and the same questions of the oracle."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from odometer.model.events import EventFlags, EventName
from odometer.reports.basic_data_table import REPORT as TABLE
from odometer.reports.basic_timeline import REPORT as TIMELINE
from odometer.reports.churn_data_table import REPORT as CHURN_TABLE
from odometer.reports.churn_event_histogram import REPORT as CHURN_HISTOGRAM
from odometer.reports.definition import Context, Report
from odometer.reports.full_report import REPORT as FULL_REPORT
from odometer.reports.lifetime_data_table import REPORT as LIFETIME_TABLE
from odometer.reports.lifetime_histogram import REPORT as LIFETIME_HISTOGRAM
from tests.conftest import Store
from tests.generic import CUSTOM_TYPES
from tests.oracle import event_usage, usage
from tests.oracle.history import Life

Request = dict[str, Any]
Flags = Mapping[tuple[str, str], tuple[bool, bool]]

REPORTS: dict[str, Report[Any, Any]] = {
    "basic_data_table": TABLE,
    "basic_timeline": TIMELINE,
    "lifetime_data_table": LIFETIME_TABLE,
    "lifetime_histogram": LIFETIME_HISTOGRAM,
    "full_report": FULL_REPORT,
    "churn_data_table": CHURN_TABLE,
    "churn_event_histogram": CHURN_HISTOGRAM,
}
_BASIC = {"basic_data_table": usage.data_table, "basic_timeline": usage.timeline}
_JUDGING = {
    "lifetime_data_table": event_usage.lifetime_table,
    "lifetime_histogram": event_usage.lifetime_histogram,
    "full_report": event_usage.full_report,
}
_CHURN = {"churn_data_table": event_usage.churn_table, "churn_event_histogram": event_usage.churn_histogram}


def asked(
    store: Store,
    product: int,
    name: str,
    request: Request,
    today: dt.date,
    flags: Flags | None = None,
    product_silence: int = 40,
) -> Any:
    """The answer body of the server."""
    report = REPORTS[name]
    known = {EventName(*key): EventFlags(*both) for key, both in (flags or {}).items()}
    context = Context(
        product,
        product_silence,
        None,
        today,
        store.questions,
        may_use_license_keys=True,
        custom_types=CUSTOM_TYPES,
        flags=lambda: known,
    )
    return report.run(report.request.model_validate(request), context)


def expected(
    name: str,
    lives: Iterable[Life],
    request: Request,
    today: dt.date,
    flags: Flags | None = None,
    product_silence: int = 40,
) -> Any:
    """The answer body that the definitions want."""
    if name in _BASIC:
        assert not flags, "no oracle of the basic reports knows flags"
        return _BASIC[name](lives, request, today)
    if name in _CHURN:
        return _CHURN[name](lives, request, today, flags, silence=product_silence)
    return _JUDGING[name](lives, request, today, flags)
