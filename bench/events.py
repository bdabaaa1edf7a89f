"""The questions about events that are measured, and the same questions as plain SQL over raw event records.

The plain SQL has two dialects: that of our own engine, and DuckDB's over the same rows in a file.
"""

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from bench.history import FIRST, LAST, PRODUCT
from odometer.reports.shapes.exact import average
from odometer.store.engine import DATABASE, Engine

Cells = dict[tuple[str, ...], tuple[float, ...]]
Rows = list[tuple[Any, ...]]

_YEAR = {"startDate": str(FIRST), "stopDate": str(LAST)}
_90_DAYS = {"startDate": str(LAST - dt.timedelta(days=89)), "stopDate": str(LAST)}
_TEN = [{"category": f"Category {n % 12}", "name": f"Event {n}"} for n in range(0, 50, 5)]
_TEN_NAMES = ", ".join(f"'{event['name']}'" for event in _TEN)
_AVERAGES = [f"averageCountPerActive{period}" for period in ("Day", "Week", "Month")]
_BOUNDS = {"eventCount": 3, **dict.fromkeys(_AVERAGES, 1)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two engines."""

    events: str
    monday: str
    month: str


_RECORDS = f"(SELECT * FROM {DATABASE}.records WHERE product = {PRODUCT} AND type = 'event')"
OURS = Dialect(_RECORDS, "toMonday", "toYYYYMM")
DUCKDB = Dialect("events", "weekstart", "month_of")


@dataclass(frozen=True, slots=True)
class EventQuestion:
    """One report request, its plain SQL, and what both must agree in: one tuple of figures for each key."""

    name: str
    path: str
    request: dict[str, Any]
    sql: Callable[[Dialect], str]
    plain_row: Callable[[tuple[Any, ...]], tuple[tuple[str, ...], tuple[float, ...]]]
    report_cells: Callable[[dict[str, Any]], Cells]

    @property
    def plain_sql(self) -> str:
        """The plain SQL for our own engine."""
        return self.sql(OURS)

    def plain_cells(self, rows: Rows) -> Cells:
        """The figures that the plain SQL gives."""
        return dict(map(self.plain_row, rows))


def _per_user(events: str, where: str) -> str:
    return f"""
        SELECT client, category, name, sum(count) AS n FROM {events} AS e WHERE {where}
        GROUP BY client, category, name"""


def _full_report_sql(dialect: Dialect) -> str:
    within = f"day BETWEEN '{_90_DAYS['startDate']}' AND '{_90_DAYS['stopDate']}'"
    return f"""
        SELECT category, name, sum(n), count(*), sum(sessions), sum(CASE WHEN n = 1 THEN 1 ELSE 0 END)
        FROM ({_per_user(dialect.events, within)}) AS used JOIN (
            SELECT client, count(DISTINCT session) AS sessions FROM {dialect.events} AS e WHERE {within} GROUP BY client
        ) AS life ON used.client = life.client GROUP BY category, name"""


def _lives(dialect: Dialect) -> str:
    return f"""
        SELECT client, count(DISTINCT day) AS days, count(DISTINCT {dialect.monday}(day)) AS weeks,
            count(DISTINCT {dialect.month}(day)) AS months
        FROM {dialect.events} AS e GROUP BY client
        HAVING max(CASE WHEN day BETWEEN '{FIRST}' AND '{LAST}' THEN 1 ELSE 0 END) = 1"""


def _lifetime_sql(dialect: Dialect) -> str:
    return f"""
        SELECT category, name, sum(n), count(*), sum(days), sum(weeks), sum(months)
        FROM ({_per_user(dialect.events, "1 = 1")}) AS used
        JOIN ({_lives(dialect)}) AS life ON used.client = life.client GROUP BY category, name"""


def _histogram_sql(dialect: Dialect) -> str:
    low = ", ".join(
        f"sum(CASE WHEN round({value}, 2) <= {bound} THEN 1 ELSE 0 END)"
        for value, bound in zip(("n", "n / days", "n / weeks", "n / months"), _BOUNDS.values(), strict=True)
    )
    return f"""
        SELECT category, name, count(*), {low}
        FROM ({_per_user(dialect.events, f"name IN ({_TEN_NAMES})")}) AS used
        JOIN ({_lives(dialect)}) AS life ON used.client = life.client GROUP BY category, name"""


def _timeline_sql(dialect: Dialect) -> str:
    return f"""
        SELECT day, category, name, sum(count) FROM {dialect.events} AS e
        WHERE name IN ({_TEN_NAMES}) AND day BETWEEN '{FIRST}' AND '{LAST}' GROUP BY day, category, name"""


def _full_report_row(row: tuple[Any, ...]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    category, name, times, users, sessions, once = row
    return (category, name), (int(times), users, average(Fraction(int(times)), int(sessions)), int(once))


def _full_report_cells(answer: dict[str, Any]) -> Cells:
    return {
        (event["category"], event["name"]): (
            event["data"]["eventCounts"],
            event["data"]["uniqueUsersUsedAtLeastOnce"],
            event["data"]["averageEventCountPerSessionUsedAtLeastOnce"],
            event["data"]["usageFrequency"]["1"],
        )
        for event in answer["result"]["detailedReport"]
    }


def _lifetime_row(row: tuple[Any, ...]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    category, name, times, users, *periods = row
    return (category, name), (int(times), users, *(average(int(times), int(period)) for period in periods))


def _lifetime_cells(answer: dict[str, Any]) -> Cells:
    per = "eventCountPerUserUsedAtLeastOnceActive"
    return {
        (event["eventCategory"], event["eventName"]): (
            event["eventCount"],
            event["uniqueUsersUsedAtLeastOnce"],
            *(event[f"{per}{period}"] for period in ("Day", "Week", "Month")),
        )
        for event in answer["result"]
    }


def _histogram_cells(answer: dict[str, Any]) -> Cells:
    result = answer["result"]
    found: Cells = {}
    for place, used in enumerate(result["summary"]["usedAtLeastOnce"]):
        firsts = [next(iter(result["histograms"][measure].values()))[place]["value"] for measure in _BOUNDS]
        found[used["category"], used["name"]] = (used["value"], *firsts)
    return found


def _timeline_cells(answer: dict[str, Any]) -> Cells:
    return {
        (day, entry["category"], entry["name"]): (entry["value"],)
        for day, entries in answer["result"].items()
        for entry in entries
        if entry["value"]
    }


EVENT_QUESTIONS = (
    EventQuestion(
        "fullReport of 90 days, 300 events",
        "eventTracking/advanced/fullReport",
        _90_DAYS,
        _full_report_sql,
        _full_report_row,
        _full_report_cells,
    ),
    EventQuestion(
        "lifetime table of everybody active in a year, 300 events",
        "eventTracking/lifetime/dataTable",
        _YEAR,
        _lifetime_sql,
        _lifetime_row,
        _lifetime_cells,
    ),
    EventQuestion(
        "lifetime histogram of 10 events",
        "eventTracking/lifetime/histogram",
        {
            **_YEAR,
            "events": _TEN,
            "lowerBounds": {"eventCount": 1, **dict.fromkeys(_AVERAGES, 0)},
            "binUpperBounds": {measure: [bound, "inf"] for measure, bound in _BOUNDS.items()},
        },
        _histogram_sql,
        lambda row: ((row[0], row[1]), tuple(map(int, row[2:]))),
        _histogram_cells,
    ),
    EventQuestion(
        "timeline of a year by day, 10 events",
        "eventTracking/basic/timeline",
        {**_YEAR, "dateSplit": "day", "events": _TEN},
        _timeline_sql,
        lambda row: ((str(row[0]), row[1], row[2]), (int(row[3]),)),
        _timeline_cells,
    ),
)


def duckdb_events(engine: Engine) -> duckdb.DuckDBPyConnection:
    """The raw event records in a DuckDB file, without what no question asks for."""
    folder = Path(tempfile.mkdtemp(prefix="odometer-bench-"))
    parquet = folder / "events.parquet"
    columns = "client, day, session, toString(category) AS category, toString(name) AS name, count"
    engine.command(f"INSERT INTO FUNCTION file('{parquet}', 'Parquet') SELECT {columns} FROM {OURS.events}")
    database = duckdb.connect(str(folder / "bench.duckdb"))
    texts = ", ".join(f"decode({name}::BLOB) AS {name}" for name in ("client", "session", "category", "name"))
    database.execute(f"CREATE TABLE events AS SELECT {texts}, day::DATE AS day, count FROM '{parquet}'")
    database.execute("CREATE MACRO weekstart(day) AS date_trunc('week', day)")
    database.execute("CREATE MACRO month_of(day) AS date_trunc('month', day)")
    parquet.unlink()
    return database


def fetch(database: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """All rows of a SELECT in DuckDB."""
    return database.execute(sql).fetchall()
