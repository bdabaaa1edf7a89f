"""Asking the event reports of the engine, and the same questions of the oracle."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from odometer.model.events import EventFlags, EventName
from odometer.reports.basic_data_table import REPORT as TABLE
from odometer.reports.basic_timeline import REPORT as TIMELINE
from odometer.reports.definition import Context, Report
from tests.conftest import Store
from tests.oracle import usage
from tests.oracle.history import Life

Request = dict[str, Any]
Oracle = Callable[[Iterable[Life], Request, dt.date], Any]
REPORTS: dict[str, tuple[Report[Any], Oracle]] = {
    "basic_data_table": (TABLE, usage.data_table),
    "basic_timeline": (TIMELINE, usage.timeline),
}


def asked(
    store: Store,
    product: int,
    name: str,
    request: Request,
    today: dt.date,
    flags: Mapping[EventName, EventFlags] | None = None,
) -> Any:
    """The answer body of the server."""
    report, _ = REPORTS[name]
    context = Context(product, 40, None, today, store.questions, flags=lambda: flags or {})
    return report.run(report.request.model_validate(request), context)
