"""`python -m bench`: prints one table of measurements and ratios; docs/performance.md holds a run at full size."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench import alternatives, engagement
from bench.events import DUCKDB, EVENT_QUESTIONS, duckdb_events, fetch
from bench.history import PRODUCT, write_history
from bench.ingest import import_rate, live_rate
from bench.licenses import measure_licenses
from bench.lists import measure_lists
from bench.questions import QUESTIONS, Measured
from bench.reading import cost_of
from bench.server import BenchServer
from odometer.store.analytics import open_analytics
from odometer.store.engine import DATABASE, Engine


def best_of(run: Callable[[], Any], times: int = 5) -> tuple[float, Any]:
    """The shortest of several runs in seconds, and the last result."""
    shortest, result = float("inf"), None
    for _ in range(times):
        started = time.perf_counter()
        result = run()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest, result


def machine() -> str:
    """One line about the machine of this run."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {platform.machine()}"


def main() -> None:
    """Build the history, measure the server over HTTP, then the alternatives over the same rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200_000)
    parser.add_argument("--data", type=Path, help="keep and reuse the data folder")
    parser.add_argument("--skip-ingest", action="store_true")
    parser.add_argument("--lists-only", action="store_true", help="measure client lists and exports only")
    parser.add_argument("--licenses-only", action="store_true", help="measure license keys only")
    options = parser.parse_args()
    folder = options.data or Path(tempfile.mkdtemp(prefix="odometer-bench-"))
    try:
        measure(options, folder)
    finally:
        if options.data is None:
            shutil.rmtree(folder)


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Print what the options ask for, on a data folder that is made where it is not there."""
    url = f"chdb://{folder.resolve()}/analytics"
    if not (folder / "analytics").exists():
        store = open_analytics(url)
        write_history(store.engine, options.clients)
        store.close()
    print(f"machine: {machine()}")
    with BenchServer(folder) as server:
        print(f"server at rest: {server.resident_mb():.0f} MB")
        measure_licenses(server)
        if options.licenses_only:
            return
        measure_lists(server)
        if options.lists_only:
            return
        if not options.skip_ingest:
            print(f"live, 8 senders, batches of 500: {live_rate(server):,.0f} records/s durable")
            time.sleep(5)  # what was sent is derived: all ways below count the same records
        asked = {q.name: best_of(partial(server.report, PRODUCT, q.path, q.request)) for q in ALL_QUESTIONS}
    engine = Engine(url, handles=2)
    counts = "SELECT count(), uniqExact(client) FROM {}.client_day WHERE product = {}"
    days, clients = engine.rows(counts.format(DATABASE, PRODUCT))[0]
    held = [engine.rows(f"SELECT count() FROM {DATABASE}.{table} WHERE product = {PRODUCT}")[0][0] for table in TABLES]
    print(f"{clients:,} installations, {days:,} client days, {held[0]:,} event records, {held[1]:,} event days")
    compare(engine, asked)
    compare_weekly(engine, asked)
    compare_events_in_duckdb(engine, asked)
    engine.close()
    engagement.measure(folder, url, best_of)
    if not options.skip_ingest:
        print(f"bulk import: {import_rate():,.0f} records/s until visible in reports")


Asked = dict[str, tuple[float, dict[str, Any]]]
TABLES = ("records", "event_day")
ALL_QUESTIONS: tuple[Measured, ...] = (*QUESTIONS, *EVENT_QUESTIONS)


def compare(engine: Engine, asked: Asked) -> None:
    """Print times, ratios and what was read, after making sure that the plain SQL gives the same figures."""
    print("| question | over HTTP | rows read | read | plain SQL | ratio |\n|---|---|---|---|---|---|")
    for question in ALL_QUESTIONS:
        seconds, answer = asked[question.name]
        rows_read, bytes_read = cost_of(question, engine)
        plain, rows = best_of(partial(engine.rows, question.plain_sql), 2)
        if question.plain_cells(rows) != question.report_cells(answer):
            sys.exit(f"{question.name}: the figures of the plain SQL differ from the report's")
        print(
            f"| {question.name} | {seconds * 1000:.0f} ms | {rows_read:,} | {bytes_read / 1e6:,.0f} MB "
            f"| {plain * 1000:,.0f} ms | {plain / seconds:.1f} |"
        )


def compare_weekly(engine: Engine, asked: Asked) -> None:
    """The year by week in other ways."""
    weekly = QUESTIONS[0]
    seconds, answer = asked[weekly.name]
    for name, way in (
        ("distinct count over client days, same engine", alternatives.distinct_over_client_days(engine)),
        ("distinct count over event records, same engine", alternatives.distinct_over_records(engine)),
        ("distinct count over client days, DuckDB", alternatives.duckdb_over_client_days(engine)),
    ):
        taken, found = best_of(way, 2)
        cells = {(str(week),): (int(new), int(active), int(lost)) for week, active, new, lost in found}
        if cells != weekly.report_cells(answer):
            sys.exit(f"{name}: the figures differ from the report's")
        print(f"{weekly.name}, {name}: {taken * 1000:,.0f} ms = {taken / seconds:.1f} times as long")


def compare_events_in_duckdb(engine: Engine, asked: Asked) -> None:
    """The questions about events as plain SQL over the raw records in DuckDB."""
    database = duckdb_events(engine)
    for question in EVENT_QUESTIONS:
        seconds, answer = asked[question.name]
        taken, rows = best_of(partial(fetch, database, question.sql(DUCKDB)), 2)
        if question.plain_cells(rows) != question.report_cells(answer):
            sys.exit(f"{question.name}, DuckDB: the figures differ from the report's")
        print(f"{question.name}, DuckDB: {taken * 1000:,.0f} ms = {taken / seconds:.1f} times as long")


if __name__ == "__main__":
    main()
