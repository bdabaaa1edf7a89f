"""The background thread that derives touched clients soon after their records were stored, and after a restart."""

import threading
import time
from collections.abc import Iterable
from typing import Final

import structlog

from odometer.clock import Clock
from odometer.errors import Problem
from odometer.store.derive.derivation import Derivation
from odometer.store.derive.mark import read_mark, write_mark
from odometer.store.engine import Engine
from odometer.store.records import Touched, last_ingest_no
from odometer.store.tables import RECORDS

_log = structlog.get_logger(__name__)
_RETRY_S: Final = 1.0
_DERIVED_WITHIN_S: Final = 300.0
# Gathers what many senders bring at once; far below the two seconds that derivation may take.
_GATHER_S: Final = 0.1


def catch_up(engine: Engine, derivation: Derivation) -> None:
    """Derive what was stored but not derived when the last process ended."""
    mark = read_mark(engine)
    behind = engine.rows(
        f"SELECT product, max(ingest_no) FROM {RECORDS} WHERE ingest_no > {{mark:UInt64}} GROUP BY product",
        {"mark": mark},
    )
    for product_id, _ in behind:
        derivation.derive_since(product_id, mark)
    if behind:
        write_mark(engine, max(ingest_no for _, ingest_no in behind))


class Deriver:
    """Derives in the background. What it was told of and has not derived is found again by `catch_up`."""

    def __init__(self, engine: Engine, derivation: Derivation, clock: Clock) -> None:
        self._engine = engine
        self._derivation = derivation
        self._clock = clock
        self._changed = threading.Condition()
        self._touched: Touched = {}
        # What an earlier process stored is derived when the store is opened.
        self._up_to = last_ingest_no(engine)
        self._rounds = 0
        self._derived_in: dict[int, int] = {}  # the last round in which nothing failed, by product
        self._oldest_ms: int | None = None
        self._working_since_ms: int | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="odometer-deriver", daemon=True)
        self._thread.start()

    def touch(self, touched: Touched, ingest_no: int) -> None:
        """Note that records of these clients were stored under `ingest_no`."""
        with self._changed:
            self._add(touched)
            self._up_to = max(self._up_to, ingest_no)
            now_ms = self._clock.now_ms()
            # The clock may have been set back since the first of them came.
            self._oldest_ms = now_ms if self._oldest_ms is None else min(self._oldest_ms, now_ms)
            self._changed.notify_all()

    def derive_again(self, product_id: int, clients: Iterable[str]) -> bool:
        """Derive these clients in the next round, though no record came.

        False when the deriver stops before, does not get on with the product for minutes (it still tries then), or
        records are lost.
        """
        if self._derivation.ledger.losses:
            return False
        with self._changed:
            self._add({product_id: set(clients)})
            wanted = self._rounds + 1
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._derived_in.get(product_id, 0) >= wanted or self._stopping, _DERIVED_WITHIN_S
            )
            return self._derived_in.get(product_id, 0) >= wanted

    def as_of_ms(self) -> int:
        """Every record acknowledged before this moment is in the derived tables (header `X-Data-As-Of`)."""
        with self._changed:
            waiting = [ms for ms in (self._working_since_ms, self._oldest_ms) if ms is not None]
            return min(waiting, default=self._clock.now_ms())

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is left to derive; False when that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._touched and self._working_since_ms is None, timeout_s)

    def close(self) -> None:
        """Finish the present round and stop; the rest is derived at the next start."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._touched or self._stopping)
                if self._stopping:
                    return
            time.sleep(_GATHER_S)
            with self._changed:
                touched, self._touched = self._touched, {}
                up_to = self._up_to
                self._rounds += 1
                self._working_since_ms, self._oldest_ms = self._oldest_ms, None
            failed = self._derive(touched, up_to)
            with self._changed:
                self._add(failed)
                self._derived_in |= dict.fromkeys(touched.keys() - failed.keys(), self._rounds)
                if failed and self._working_since_ms is not None:
                    self._oldest_ms = min(self._working_since_ms, self._oldest_ms or self._working_since_ms)
                self._working_since_ms = None
                self._changed.notify_all()
            if failed:
                time.sleep(_RETRY_S)

    def _add(self, touched: Touched) -> None:
        for product_id, clients in touched.items():
            self._touched.setdefault(product_id, set()).update(clients)

    def _derive(self, touched: Touched, up_to: int) -> Touched:
        """Derive what was touched; what failed is returned, to be tried again."""
        if self._derivation.ledger.losses:
            # Figures stay as they were. A mark would say that what is brought back later is derived.
            return touched
        failed: Touched = {}
        for product_id, clients in touched.items():
            try:
                self._derivation.derive_clients(product_id, clients, up_to)
            except Exception:  # noqa: BLE001 - one product's trouble must not stop the others, nor the thread
                _log.exception("derivation failed, trying again", product_id=product_id, clients=len(clients))
                failed[product_id] = clients
        if not failed:
            try:
                write_mark(self._engine, up_to)
            except Problem:
                _log.exception("the mark of derivation was not written; more is derived again after a restart")
        return failed
