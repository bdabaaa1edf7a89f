"""`python -m bench.raw_files`: one day with many raw records: its files written, and what a report feels of it."""

import argparse
import datetime as dt
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from odometer.exports.raw_files import write_raw_csv, write_raw_parquet
from odometer.model.calendar import DateRange
from odometer.store.analytics import Analytics, open_analytics
from odometer.store.engine import DATABASE
from odometer.store.gate import Gate
from odometer.store.questions import Questions
from odometer.store.status import StatusQuestion

PRODUCT = 1
DAY = dt.date(2031, 6, 19)
_RECORDS_A_CLIENT = 50


def resident_mb() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def fill(store: Analytics, records: int) -> None:
    """So many events on one day, in random order of time, and a client day for each client."""
    store.engine.command(
        f"""INSERT INTO {DATABASE}.records (product, client, seq, received_ms, ingest_no, at_ms, used_ms, day, type,
            session, category, name, count, runtime_ms)
        SELECT {PRODUCT}, concat('client-', leftPad(toString(intDiv(number, {_RECORDS_A_CLIENT})), 9, '0')),
            number % {_RECORDS_A_CLIENT} + 1, ms, 1, ms, ms, toDate('{DAY}'), 'event',
            concat('session-', toString(number % 9973)), 'Edit', concat('Action ', toString(number % 97)), 1, -1
        FROM (
            SELECT number, toUnixTimestamp(toDateTime('{DAY} 00:00:00', 'UTC')) * 1000
                + sipHash64(number) % 86400000 AS ms
            FROM numbers({records:d})
        )"""
    )
    store.engine.command(
        f"""INSERT INTO {DATABASE}.client_day (product, client, client_no, day, install, next_day, sessions, sign)
        SELECT {PRODUCT}, concat('client-', leftPad(toString(number), 9, '0')), number, toDate('{DAY}'),
            toDate('{DAY}'), toDate(65535), 1, 1 FROM numbers({records // _RECORDS_A_CLIENT:d})"""
    )


def measure(questions: Questions, write: Callable[[Path], int], ending: str, folder: Path) -> None:
    """Write one file; print time, size, memory and the time that a report took meanwhile."""
    path, peak, written = folder / f"raw{ending}", [resident_mb()], [0]
    before = peak[0]
    worker = threading.Thread(target=lambda: written.__setitem__(0, write(path)))
    started = time.perf_counter()
    worker.start()
    waits = []
    while worker.is_alive():
        asked = time.perf_counter()
        ask(questions)
        waits.append(time.perf_counter() - asked)
        peak.append(resident_mb())
        worker.join(0.2)
    seconds = time.perf_counter() - started
    print(
        f"{ending:9} {written[0]:>10,} rows  {seconds:6.1f} s  {path.stat().st_size / 1e6:8.1f} MB  "
        f"memory {before:.0f} to {max(peak):.0f} MB  report meanwhile {statistics.median(waits) * 1000:.0f} ms"
    )


def ask(questions: Questions) -> None:
    """The new and active clients of the day."""
    questions.status_figures(
        StatusQuestion(
            PRODUCT, DateRange(DAY, DAY), None, silence_days=30, lost_when_declared=False, today=DAY + dt.timedelta(1)
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="odometer-bench-") as name:
        folder = Path(name)
        store = open_analytics(f"chdb://{folder}/analytics", handles=6)
        fill(store, options.records)
        questions = Questions(store.engine, Gate(), lambda: 0, 60)
        ask(questions)
        started = time.perf_counter()
        ask(questions)
        print(f"report alone {(time.perf_counter() - started) * 1000:.0f} ms")
        raw = questions.raw
        measure(questions, lambda path: write_raw_csv(raw, PRODUCT, DAY, path, lambda: None), ".csv.zip", folder)
        measure(questions, lambda path: write_raw_parquet(raw, PRODUCT, DAY, path, lambda: None), ".parquet", folder)
        store.close()


if __name__ == "__main__":
    main()
