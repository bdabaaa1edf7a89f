"""The SQL of the main questions, pretty-printed by the engine and kept here, so that a reader sees what runs.

After a change of SQL: `RENEW_SQL=1 make test` writes the files anew; read the difference like code.
"""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odometer.reports import REPORTS
from odometer.reports.definition import Context
from odometer.store.engine import Engine
from tests.conftest import Store
from tests.worlds import Delivery, feed

FILES = Path(__file__).parent / "statements"
TODAY = dt.date(2031, 6, 20)
RANGE = {"startDate": "2031-05-12", "stopDate": "2031-05-25"}
STATUSES = {"clientStatus": ["new", "active", "lost"]}
VERSION_1 = {"globalFilters": {"prodVersion": {"type": "string", "value": "1"}}}
ROTATE = {"events": [{"category": "Canvas", "name": "Rotate"}]}
BY_EDITION = {"segmentBy": "prodEdition"}
# File: path of the report below /v3/, and the request.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "range": ("reporting/generic/dateRange", {**RANGE, **STATUSES}),
    "range_by_week": ("reporting/generic/dateRange", {**RANGE, **STATUSES, "dateSplit": "week"}),
    "range_filtered": ("reporting/generic/dateRange", {**RANGE, **STATUSES, **VERSION_1}),
    "range_by_week_and_version": (
        "reporting/generic/dateRange",
        {**RANGE, **STATUSES, "dateSplit": "week", "levels": {"level1": {"property": "prodVersion"}}},
    ),
    "range_two_levels": (
        "reporting/generic/dateRange",
        {**RANGE, **STATUSES, "levels": {"level1": {"property": "prodVersion"}, "level2": {"property": "prodEdition"}}},
    ),
    "range_pattern_and_exclusion": (
        "reporting/generic/dateRange",
        {
            **RANGE,
            **STATUSES,
            "globalFilters": {
                "prodVersion": {"type": "regex", "value": "3\\..*", "includeNull": True},
                "geography.country": {"type": "stringArray", "value": ["PT", "ES"], "exclude": True},
                "ram": {"type": "numberRange", "min": 8192},
            },
        },
    ),
    "range_by_machine": ("reporting/generic/dateRange", {**RANGE, **STATUSES, "groupBy": "machineId"}),
    "range_declared_lost": (
        "reporting/generic/dateRange",
        {**RANGE, "clientStatus": ["lost"], "dateSplit": "day", "dateReportedLost": "dateDeclaredLost"},
    ),
    "current": ("reporting/generic/current", {**STATUSES}),
    "property_values": ("meta/propertyValues", {"property": "prodVersion"}),
    "basic_table": ("reporting/eventTracking/basic/dataTable", RANGE),
    "timeline_per_user": (
        "reporting/eventTracking/basic/timeline",
        {**RANGE, **ROTATE, "dateSplit": "week", "divisor": "users"},
    ),
    "lifetime_table": ("reporting/eventTracking/lifetime/dataTable", {**RANGE, **ROTATE}),
    "lifetime_table_by_edition": ("reporting/eventTracking/lifetime/dataTable", {**RANGE, **ROTATE, **BY_EDITION}),
    "lifetime_histogram": ("reporting/eventTracking/lifetime/histogram", {**RANGE, **ROTATE}),
    "full_report": ("reporting/eventTracking/advanced/fullReport", {**RANGE, **ROTATE}),
    "full_report_by_edition": ("reporting/eventTracking/advanced/fullReport", {**RANGE, **ROTATE, **BY_EDITION}),
    "churn_table": ("reporting/eventTracking/churn/lifetime/dataTable", {**RANGE, **ROTATE}),
    "usage_distribution": ("reporting/engagement/usageDistribution", RANGE),
    "churn_histogram_sessions": ("reporting/churn/histogram/sessions", RANGE),
    "churn_and_engagement": ("reporting/engagement/churnAndEngagement", {**RANGE, "dateSplit": "month"}),
    "churn_and_engagement_cohorts": (
        "reporting/engagement/churnAndEngagement",
        {**RANGE, "dateSplit": "month", "segmentBy": "installationMonth"},
    ),
    "client_list": ("reporting/clientPropertyList", {"properties": ["prodVersion", "lifetimeEventUsage"]}),
    "client_list_daily": (
        "reporting/clientPropertyList",
        {"properties": ["ram"], "retDailyData": {**RANGE, "properties": ["prodVersion"]}},
    ),
    "exceptions": ("reporting/exceptions", RANGE),
}


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    records = (
        {"clientId": "client-A", "type": "client_day", "day": "2031-05-13", "set": {"prodVersion": "1"}},
        {"clientId": "client-A", "type": "event_day", "day": "2031-05-13", "category": "Canvas", "name": "Rotate"},
    )
    return feed(store, [Delivery(records, 1_940_000_000_000, "history", is_import=True)])


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the engine is asked, in order, each statement once."""
    seen: list[str] = []
    rows, stream = Engine.rows, Engine.stream

    def note(asked: Any) -> Any:
        def noting(engine: Engine, sql: str, *rest: Any, **more: Any) -> Any:
            if sql not in seen:
                seen.append(sql)
            return asked(engine, sql, *rest, **more)

        return noting

    monkeypatch.setattr(Engine, "rows", note(rows))
    monkeypatch.setattr(Engine, "stream", note(stream))
    yield seen
    monkeypatch.undo()


@pytest.mark.parametrize("name", CASES)
def test_the_statements_of_a_question(name: str, store: Store, product: int, statements: list[str]) -> None:
    path, request = CASES[name]
    report = next(one for one in REPORTS if one.path == f"/v3/{path}")
    context = Context(product, 40, None, TODAY, store.questions)
    report.run(report.request.model_validate(request), context)

    asked = list(statements)
    shown = "".join(f"{_formatted(store, sql)};\n\n" for sql in asked)
    file = FILES / f"{name}.sql"
    if os.environ.get("RENEW_SQL"):
        file.write_text(shown)
    assert file.exists(), "write it by RENEW_SQL=1, and read it"
    assert shown == file.read_text()


def test_no_file_is_left_over() -> None:
    assert {file.stem for file in FILES.glob("*.sql")} == set(CASES)


def _formatted(store: Store, sql: str) -> str:
    return str(store.engine.rows("SELECT formatQuery({sql:String})", {"sql": sql})[0][0])
