"""The same weekly figures asked in the plain exact ways: distinct counts in the same engine and in DuckDB."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from bench.history import FIRST, LAST, PRODUCT
from bench.questions import SILENCE_DAYS
from odometer.store.engine import DATABASE, Engine

Rows = list[tuple[Any, ...]]

_RANGE = f"BETWEEN '{FIRST}' AND '{LAST}'"


def _clickhouse_sql(table: str) -> str:
    """Weekly active by distinct count; new by first day and lost by last day of each client over everything."""
    return f"""
        SELECT week, max(active), max(new), max(lost) FROM (
            SELECT toMonday(day) AS week, uniqExact(client) AS active, 0 AS new, 0 AS lost
            FROM {DATABASE}.{table} WHERE product = {PRODUCT} AND day {_RANGE} GROUP BY week
            UNION ALL
            SELECT toMonday(first) AS week, 0, count(), 0 FROM (
                SELECT client, min(day) AS first FROM {DATABASE}.{table} WHERE product = {PRODUCT} GROUP BY client
            ) WHERE first {_RANGE} GROUP BY week
            UNION ALL
            SELECT toMonday(last) AS week, 0, 0, countIf(last + {SILENCE_DAYS} <= toDate('{LAST}')) FROM (
                SELECT client, max(day) AS last FROM {DATABASE}.{table} WHERE product = {PRODUCT} GROUP BY client
            ) WHERE last {_RANGE} GROUP BY week
        ) GROUP BY week ORDER BY week"""


_DUCKDB_SQL = f"""
    WITH seen AS (SELECT date_trunc('week', day) AS week, count(DISTINCT client) AS active
                  FROM client_day WHERE day {_RANGE} GROUP BY 1),
    life AS (SELECT client, min(day) AS first, max(day) AS last FROM client_day GROUP BY client),
    fresh AS (SELECT date_trunc('week', first) AS week, count(*) AS new FROM life WHERE first {_RANGE} GROUP BY 1),
    gone AS (SELECT date_trunc('week', last) AS week, count(*) FILTER (last + {SILENCE_DAYS} <= DATE '{LAST}') AS lost
             FROM life WHERE last {_RANGE} GROUP BY 1)
    SELECT week::DATE, active, coalesce(new, 0), coalesce(lost, 0)
    FROM seen LEFT JOIN fresh USING (week) LEFT JOIN gone USING (week) ORDER BY week"""


def distinct_over_client_days(engine: Engine) -> Callable[[], Rows]:
    """Exact distinct counts over the same rows in the same engine."""
    return lambda: engine.rows(_clickhouse_sql("client_day"))


def distinct_over_records(engine: Engine) -> Callable[[], Rows]:
    """Exact distinct counts over the raw event records in the same engine."""
    return lambda: engine.rows(_clickhouse_sql("records"))


def duckdb_over_client_days(engine: Engine) -> Callable[[], Rows]:
    """Exact distinct counts over the same rows in a DuckDB file."""
    folder = Path(tempfile.mkdtemp(prefix="odometer-bench-"))
    parquet = folder / "client_day.parquet"
    engine.command(
        f"""INSERT INTO FUNCTION file('{parquet}', 'Parquet')
        SELECT client, day FROM {DATABASE}.client_day WHERE product = {PRODUCT} ORDER BY client, day"""
    )
    database = duckdb.connect(str(folder / "bench.duckdb"))
    database.execute(
        f"CREATE TABLE client_day AS SELECT decode(client::BLOB) AS client, day::DATE AS day FROM '{parquet}'"
    )
    return lambda: database.execute(_DUCKDB_SQL).fetchall()
