"""The reports of chapter 05 beside plain exact SQL over raw records, which has to find each client's days itself."""

import datetime as dt
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.history import FIRST, LAST, PRODUCT
from bench.questions import SILENCE_DAYS, Question
from bench.reading import cost_of
from bench.server import BenchServer
from odometer.store.engine import DATABASE, Engine
from odometer.store.tables import RECORDS

Rows = list[tuple[Any, ...]]
BestOf = Callable[..., tuple[float, Any]]

_USAGE = f"{DATABASE}.bench_usage"
_YEAR = {"startDate": str(FIRST), "stopDate": str(LAST)}
_LAST_90_DAYS = LAST - dt.timedelta(days=89)
_SILENT = f"seen + {SILENCE_DAYS} <= toDate('{LAST}')"


def _raw(columns: str) -> str:
    """Columns of all records of the product: of events, and of sessions and properties."""
    tables = (f"{DATABASE}.{RECORDS.name}", _USAGE)
    return " UNION ALL ".join(
        f"SELECT client, day, {columns} FROM {table} WHERE product = {PRODUCT}" for table in tables
    )


_BEGUN = "countIf(type = 'session_start') AS begun, sumIf(runtime_ms, type = 'session_stop') AS runtime"
_LIVES = f"""
    SELECT client, uniqExact(day) AS days, {_BEGUN}, max(day) AS seen
    FROM ({_raw("type, runtime_ms")}) GROUP BY client"""


def write_usage(engine: Engine) -> None:
    """What an application sends beside events: start and stop of each session, properties on the install day.

    In a table of its own like that of records, so that other questions about these find only what they ask for.
    """
    engine.command(RECORDS.ddl.replace(f"{DATABASE}.{RECORDS.name} ", f"{_USAGE} "))
    if engine.rows(f"SELECT 1 FROM {_USAGE} LIMIT 1"):
        return
    engine.command(
        f"""INSERT INTO {_USAGE} (product, client, seq, day, type, session, runtime_ms, set)
        SELECT {PRODUCT}, client, toUInt64(day) * 10 + 3 + n, day, ['session_start', 'session_stop', 'properties'][n],
            if(n < 3, lower(hex(sipHash64(client, day))), ''), if(n = 2, toInt64(length), -1),
            if(n < 3, CAST(map(), 'Map(LowCardinality(String), String)'), map('prodEdition', edition))
        FROM (
            SELECT client, day, runtime_ms AS length, toString(p_prod_edition) AS edition,
                arrayJoin(if(day = install, [1, 2, 3], [1, 2])) AS n
            FROM {DATABASE}.client_day WHERE product = {PRODUCT} AND sessions > 0
        )"""
    )
    engine.command(f"OPTIMIZE TABLE {_USAGE} FINAL")


def _ladder(first: int, factor: float) -> Iterator[int]:
    """Smallest values of bins."""
    yield 0
    while first < 10**6:
        yield first + 1
        first = -int(-first * factor // 1)


_COUNTS = list(_ladder(1, 1.5))
_MINUTES = [0, 6, *itertools.islice(_ladder(15, 2), 1, None)]


def _bins(value: str, *, minutes: bool = False) -> str:
    return f"roundDown(toUInt64({f'intDiv({value}, 60000)' if minutes else value}), {_MINUTES if minutes else _COUNTS})"


def start_of(label: str) -> int:
    """The smallest value of a bin, by its label."""
    text = label.removeprefix("≥ ").partition(" - ")[0]
    if text.startswith("≤"):
        return 0
    hours, colon, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes) if colon else int(text)


def _bin_of(start: int, labels: list[str]) -> str:
    return next(label for label in reversed(labels) if start_of(label) <= max(start, start_of(labels[0])))


@dataclass(frozen=True, slots=True)
class Compared:
    """A report request, plain SQL, and whether the rows of the one say what the answer of the other does."""

    name: str
    path: str
    request: dict[str, Any]
    plain_sql: str
    agree: Callable[[Rows, dict[str, Any]], bool]


def _same_distribution(rows: Rows, answer: dict[str, Any]) -> bool:
    """Every cell of the cross tables of days."""
    result = answer["result"]
    labels = [list(result[amount]) for amount in ("activeDays", "sessions", "runtime")]
    found: dict[tuple[str, str], int] = {}
    for *starts, users in rows:
        days, *others = (_bin_of(start, of_amount) for start, of_amount in zip(starts, labels, strict=True))
        for other in others:
            found[days, other] = found.get((days, other), 0) + users
    told = {
        (days, other): users
        for days, table in result["activeDays"].items()
        for amount in ("sessions", "runtime")
        for other, users in table[amount].items()
        if users
    }
    return found == told


def _same_histogram(rows: Rows, answer: dict[str, Any], *, unit: int) -> bool:
    users, total, greatest, ranked, bins = rows[0]
    counts = dict.fromkeys(answer["result"], 0)
    for start, count in zip(*bins, strict=True):
        counts[_bin_of(start, list(counts))] += count
    told = answer["statistics"]
    plain = (total / users, *ranked, greatest)
    near = [abs(told[name] - value / unit) <= 0.0051 for name, value in zip(_STATISTICS, plain, strict=True)]
    return counts == answer["result"] and told["users"] == users and all(near)


_STATISTICS = ("mean", "median", "p90", "p95", "max")


def _same_ages(rows: Rows, answer: dict[str, Any], *, by_edition: bool) -> bool:
    """Rows (edition, age, age when last active, whether lost, clients), counted as chapter 05 writes it."""
    for segment, ages in answer["result"].items() if by_edition else [("", answer["result"])]:
        own = [row[1:] for row in rows if row[0] == segment]
        for k, told in enumerate(ages.values()):
            reached = sum(users for age, _, _, users in own if age >= k)
            lost = sum(users for age, life, is_lost, users in own if age >= k and is_lost and life < k)
            if (told["engaged"], told["lost"]) != (reached - lost, lost):
                return False
    return bool(rows)


def _histogram(name: str, value: str, unit: int = 1) -> Compared:
    ranks = ", ".join(f"sorted[toUInt64(ceil(count() * {percent} / 100))]" for percent in (50, 90, 95))
    return Compared(
        f"churn histogram of {name}, a year",
        f"churn/histogram/{name}",
        {**_YEAR, "daysUntilDeclaredLost": SILENCE_DAYS},
        f"""WITH arraySort(groupArray(value)) AS sorted
        SELECT count(), sum(value), max(value), [{ranks}], sumMap([bin], [toUInt64(1)])
        FROM (
            SELECT {value} AS value, {_bins("value", minutes=name == "runtime")} AS bin FROM ({_LIVES}) WHERE {_SILENT}
        )""",
        partial(_same_histogram, unit=unit),
    )


def _engagement(name: str, *, by_edition: bool) -> Compared:
    edition = "argMinIf(edition, day, edition != '')" if by_edition else "''"
    source = _raw("set['prodEdition'] AS edition") if by_edition else _raw("1")
    return Compared(
        name,
        "engagement/churnAndEngagement",
        {
            **_YEAR,
            "dateSplit": "week",
            "daysUntilDeclaredLost": SILENCE_DAYS,
            **({"segmentBy": "prodEdition"} if by_edition else {}),
        },
        f"""SELECT if(shown = '' AND {int(by_edition)}, '<NULL>', shown), dateDiff('week', installed, toDate('{LAST}')),
            dateDiff('week', installed, seen) AS life, {_SILENT} AS is_lost, count()
        FROM (SELECT min(day) AS installed, max(day) AS seen, {edition} AS shown FROM ({source}) GROUP BY client)
        WHERE installed BETWEEN '{FIRST}' AND '{LAST}' GROUP BY ALL""",
        partial(_same_ages, by_edition=by_edition),
    )


QUESTIONS = (
    Compared(
        "usage distribution of 90 days",
        "engagement/usageDistribution",
        {"startDate": str(_LAST_90_DAYS), "stopDate": str(LAST)},
        f"""SELECT {_bins("days")} AS a, {_bins("begun")} AS b, {_bins("runtime", minutes=True)} AS c, count()
        FROM (
            SELECT client, uniqExact(day) AS days, {_BEGUN}
            FROM ({_raw("type, runtime_ms")}) WHERE day BETWEEN '{_LAST_90_DAYS}' AND '{LAST}' GROUP BY client
        ) GROUP BY a, b, c""",
        _same_distribution,
    ),
    _histogram("days", "days"),
    _histogram("sessions", "begun"),
    _histogram("runtime", "runtime", 3_600_000),
    _engagement("churn and engagement of a year by week", by_edition=False),
    _engagement("the same by edition on the install day", by_edition=True),
)


def measure(folder: Path, url: str, best_of: BestOf) -> None:
    """Print times and ratios, after making sure that both ways give the same figures."""
    engine = Engine(url, handles=2)
    write_usage(engine)
    engine.close()
    with BenchServer(folder) as server:
        asked = [best_of(partial(server.report, PRODUCT, question.path, question.request)) for question in QUESTIONS]
    engine = Engine(url, handles=2)
    print("| engagement and churn | over HTTP | rows read | read | plain SQL over records | ratio |")
    print("|---|---|---|---|---|---|")
    for question, (seconds, answer) in zip(QUESTIONS, asked, strict=True):
        rows_read, bytes_read = cost_of(Question(question.name, question.path, question.request), engine)
        plain, rows = best_of(partial(engine.rows, question.plain_sql), 2)
        if not question.agree(rows, answer):
            sys.exit(f"{question.name}: the figures of the plain SQL differ from the report's")
        print(
            f"| {question.name} | {seconds * 1000:.0f} ms | {rows_read:,} | {bytes_read / 1e6:,.0f} MB "
            f"| {plain * 1000:,.0f} ms | {plain / seconds:.1f} |"
        )
    engine.close()
