"""`python -m bench.erasing`: how long erasing one client and many takes, and when the disk is clean."""

import argparse
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from odometer.store.analytics import Analytics, open_analytics
from odometer.store.engine import DATABASE

PRODUCT = 1
_DAYS = 365


def fill(store: Analytics, clients: int, records: int) -> None:
    """Records of a year, as many for each client, in ten chunks so that there is more than one part to rewrite."""
    each = records // clients
    for chunk in range(10):
        store.engine.command(
            f"""INSERT INTO {DATABASE}.records (product, client, seq, received_ms, ingest_no, at_ms, used_ms, day, type,
                session, category, name, count, runtime_ms)
            SELECT {PRODUCT}, concat('client-', leftPad(toString(number % {clients}), 9, '0')),
                {chunk} * {each} + intDiv(number, {clients}) + 1, ms, {chunk} + 1, ms, ms,
                toDate(toUInt16(intDiv(ms, 86400000))), 'event', concat('session-', toString(number % 9973)), 'Edit',
                concat('Action ', toString(number % 97)), 1, -1
            FROM (
                SELECT number, (22000 + sipHash64(number, {chunk}) % {_DAYS}) * 86400000
                    + sipHash64(number) % 86400000 AS ms
                FROM numbers({records // 10:d})
            )"""
        )
    store.derivation.derive_since(PRODUCT, 0)


class Waits(AbstractContextManager[None]):
    """Stands for the pause of the writer, and measures it."""

    seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._started


def measure(store: Analytics, clients: list[str]) -> int:
    """Erase, write anew, and print the times; when it was done, for `Eraser.has_old_parts`."""
    started = time.perf_counter()
    waits = Waits()
    held = store.eraser.erase(PRODUCT, clients, waits)
    erased = time.perf_counter()
    while store.eraser.is_deleting():
        time.sleep(0.05)
    at_ms = store.eraser.rewrite(held.months)
    rewritten = time.perf_counter()
    print(
        f"{len(clients):>6,} clients, {sum(one.records for one in held.clients):>9,} records: "
        f"erased in {erased - started:6.2f} s (collecting waits {waits.seconds:.2f} s), "
        f"written anew after {rewritten - erased:6.1f} s"
    )
    return at_ms


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=10_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="odometer-bench-") as name:
        store = open_analytics(f"chdb://{Path(name)}/analytics")
        started = time.perf_counter()
        fill(store, options.clients, options.records)
        seconds = time.perf_counter() - started
        print(f"{options.records:,} records of {options.clients:,} clients derived in {seconds:.0f} s")
        measure(store, ["client-000000007"])
        at_ms = measure(store, [f"client-{number:09}" for number in range(1_000, 2_000)])
        started = time.perf_counter()
        while store.eraser.has_old_parts(at_ms):
            time.sleep(1)
        print(f"disk clean {time.perf_counter() - started:.0f} s later")
        store.close()


if __name__ == "__main__":
    main()
