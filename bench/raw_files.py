"""`python -m bench.raw_files`: days with many raw records: their files written, and what a report feels of it."""

import argparse
import datetime as dt
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from odometer.exports.raw_files import write_raw_csv, write_raw_parquet
from odometer.model.calendar import DateRange
from odometer.store.analytics import open_analytics
from odometer.store.answers.status import StatusQuestion
from odometer.store.engine import DATABASE
from odometer.store.gate import Gate
from odometer.store.questions import Questions
from odometer.store.records.reading import RawReading

PRODUCT = 1
DAY = dt.date(2031, 6, 19)
_RECORDS_A_CLIENT = 50
# Between two reports; memory is looked at so many times meanwhile.
_PAUSE_S = 0.2
_LOOKS = 4
_ALONE_S = 10
Write = Callable[[RawReading, int, dt.date, Path, Callable[[], None]], int]


def resident_mb() -> tuple[float, float]:
    """Memory of this process, and of the one that it has begun."""
    children = [pid for tasks in Path("/proc/self/task").glob("*/children") for pid in _read(tasks).split()]
    return _resident("self"), sum(map(_resident, children))


def _resident(process: str) -> float:
    fields = _read(Path(f"/proc/{process}/statm")).split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if fields else 0


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


def fill(url: str, records: int) -> None:
    """So many events on one day, in random order of time, and a client day for each client."""
    store = open_analytics(url)
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
    # Parts are merged now and not while something is measured.
    store.engine.command(f"OPTIMIZE TABLE {DATABASE}.records FINAL")
    store.close()


def ask(questions: Questions) -> float:
    """How many ms the new and active clients of the day take."""
    asked = time.perf_counter()
    day = DateRange(DAY, DAY)
    today = DAY + dt.timedelta(1)
    questions.status_figures(StatusQuestion(PRODUCT, day, None, silence_days=30, lost_when_declared=False, today=today))
    return (time.perf_counter() - asked) * 1000


def ask_until(is_over: Callable[[], bool], questions: Questions) -> tuple[list[float], tuple[float, float]]:
    """How long the report takes, asked again and again; the most memory of this process and of the other."""
    waits, most = [], (0.0, 0.0)
    while not is_over():
        waits.append(ask(questions))
        for _ in range(_LOOKS):
            found = resident_mb()
            most = (max(most[0], found[0]), max(most[1], found[1]))
            time.sleep(_PAUSE_S / _LOOKS)
    return waits, most


def measure(questions: Questions, write: Write, ending: str, folder: Path) -> None:
    """Write one file; print time, size, memory and the time that a report took before, meanwhile and after."""
    path = folder / f"raw{ending}"
    before, (held, _) = ask_until(_soon(), questions)
    with ThreadPoolExecutor(1) as pool:
        started = time.perf_counter()
        writing = pool.submit(write, questions.raw, PRODUCT, DAY, path, lambda: None)
        meanwhile, most = ask_until(writing.done, questions)
        seconds = time.perf_counter() - started
    after, _ = ask_until(_soon(), questions)
    alone, felt = statistics.median([*before, *after]), statistics.median(meanwhile)
    print(
        f"{ending:9} {writing.result():>10,} rows {seconds:6.1f} s {path.stat().st_size / 1e6:7.1f} MB  "
        f"memory {held:.0f} + {most[0] - held:.0f} MB, writer {most[1]:.0f} MB  "
        f"report alone {alone:.1f} ms, meanwhile {felt:.1f} ms ({felt / alone:.2f})  load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def _soon() -> Callable[[], bool]:
    end = time.perf_counter() + _ALONE_S
    return lambda: time.perf_counter() > end


def measure_store(url: str, folder: Path, runs: int) -> None:
    """Write the files of a store that is there, in turn."""
    store = open_analytics(url, handles=6)
    questions = Questions(store.engine, Gate(), lambda: 0, 60)
    ask_until(_soon(), questions)
    for _ in range(runs):
        measure(questions, write_raw_csv, ".csv.zip", folder)
        measure(questions, write_raw_parquet, ".parquet", folder)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    # Each in a process of its own: what filling took is not in the memory of the one that writes.
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="odometer-bench-") as name:
        for records in options.records:
            folder = Path(name) / str(records)
            url = f"chdb://{folder}/analytics"
            for step, args in ((fill, (url, records)), (measure_store, (url, folder, options.runs))):
                process = context.Process(target=step, args=args)
                process.start()
                process.join()
                if process.exitcode:
                    raise SystemExit(f"{step.__name__} failed")


if __name__ == "__main__":
    main()
