"""What /metrics tells beside requests: what was collected, what waits, and how full the server is."""

import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from odometer.accounts import Registry
from odometer.clock import Clock
from odometer.store.engine import Engine
from odometer.store.parts import parts_of_tables

_LOG: Final = structlog.get_logger(__name__)


class Collected:
    """Counts what senders are answered."""

    def __init__(
        self, metrics: CollectorRegistry, clock: Clock, last_received_before: Callable[[], dict[int, int]]
    ) -> None:
        """`last_received_before` tells, once and late, what was received before this process began."""
        self._clock = clock
        self._before = last_received_before
        self._last: dict[int, int] | None = None
        self._since: dict[int, int] = {}
        self._lock = threading.Lock()
        product = ["product"]
        self._accepted = _counter("records_accepted", "Records stored.", product, metrics)
        self._duplicates = _counter("records_duplicate", "Records that were stored before.", product, metrics)
        self._conflicts = _counter(
            "records_conflicting", "Duplicates with other content under a used seq.", product, metrics
        )
        self._rejected = _counter("records_rejected", "Records refused.", [*product, "code"], metrics)
        self._ignored = _counter("members_ignored", "Members of records that nothing reads.", product, metrics)
        self._corrected = _counter(
            "batches_corrected", "Batches, or lines, whose sender's clock was put right.", product, metrics
        )

    def count(self, product_id: int, answer: dict[str, Any], corrected: int) -> None:
        """Count the answer to a batch; `corrected`: how many clocks were wrong."""
        name = str(product_id)
        self._accepted.labels(name).inc(answer["accepted"])
        self._duplicates.labels(name).inc(answer["duplicates"])
        self._conflicts.labels(name).inc(answer.get("conflicts", 0))
        self._ignored.labels(name).inc(sum(answer.get("ignored", {}).values()))
        self._corrected.labels(name).inc(corrected)
        for rejected in answer["rejected"]:
            self._rejected.labels(name, rejected["code"]).inc()
        if answer["accepted"]:
            with self._lock:
                self._since[product_id] = self._clock.now_ms()

    def last_ms(self) -> dict[int, int]:
        """When the last record of each product was received, live or in an import before this process began."""
        if self._last is None:
            self._last = self._before()
        with self._lock:
            return self._last | self._since


@dataclass(frozen=True, slots=True)
class State(Collector):
    """Reads, whenever it is asked, what waits and how full the server is.

    Attributes:
        engine: the analytics store's.
        registry: exports and erasures.
        collected: the last record of each product.
        folder: the data folder.
        lag_s: how old the oldest record is that reports do not show yet, in seconds.
        waiting: how many pieces of work wait, by kind.
        damaged: whether records are missing.

    """

    engine: Engine
    registry: Registry
    collected: Collected
    folder: Path
    lag_s: Callable[[], float]
    waiting: Callable[[], dict[str, int]]
    damaged: Callable[[], bool]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge; what cannot be read is left out, and said in the log."""
        for read in (self._collecting, self._work, self._disk, self._tables, self._files):
            try:
                yield from list(read())
            except Exception:  # noqa: BLE001 - a store that does not answer must not hide everything else
                _LOG.exception("a metric cannot be read", reading=read.__name__)

    def _collecting(self) -> Iterable[GaugeMetricFamily]:
        last = _gauge("last_record_timestamp_seconds", "When the last record was received.", ["product"])
        for product_id, at_ms in sorted(self.collected.last_ms().items()):
            last.add_metric([str(product_id)], at_ms / 1000)
        yield last
        yield _gauge("derivation_lag_seconds", "Age of the oldest record that reports lack.", value=self.lag_s())

    def _work(self) -> Iterable[GaugeMetricFamily]:
        waiting = _gauge("work_waiting", "Work of each kind that runs or waits.", ["kind"])
        for kind, count in self.waiting().items():
            waiting.add_metric([kind], count)
        yield waiting
        yield _gauge("records_lost", "1 when stored records are missing, else 0.", value=float(self.damaged()))

    def _disk(self) -> Iterable[GaugeMetricFamily]:
        usage = shutil.disk_usage(self.folder)
        yield _gauge("disk_free_bytes", "Space left where the data folder is.", value=usage.free)
        yield _gauge("disk_size_bytes", "Size of the disk where the data folder is.", value=usage.total)

    def _tables(self) -> Iterable[GaugeMetricFamily]:
        parts = _gauge("parts", "Parts of the engine's tables.", ["table"])
        rows = _gauge("rows", "Rows of the engine's tables; those of derived ones may cancel each other.", ["table"])
        size = _gauge("table_bytes", "Bytes of the engine's tables on disk.", ["table"])
        for table in parts_of_tables(self.engine):
            parts.add_metric([table.table], table.parts)
            rows.add_metric([table.table], table.rows)
            size.add_metric([table.table], table.size_bytes)
        return parts, rows, size

    def _files(self) -> Iterable[GaugeMetricFamily]:
        exports = _gauge("exports", "Exports by status.", ["status"])
        for status, count in self.registry.export_jobs.counts().items():
            exports.add_metric([status], count)
        erasures = _gauge("erasures", "Erasures that are not done: begun, or not off the disk yet.", ["state"])
        for state, count in self.registry.erasures.counts().items():
            erasures.add_metric([state], count)
        return exports, erasures


def watch(metrics: CollectorRegistry, state: State) -> None:
    """Register the gauges, and those of the process."""
    metrics.register(state)
    ProcessCollector(registry=metrics)


def _counter(name: str, help_text: str, labels: list[str], metrics: CollectorRegistry) -> Counter:
    return Counter(f"odometer_{name}", help_text, labels, registry=metrics)


def _gauge(name: str, help_text: str, labels: list[str] | None = None, value: float | None = None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"odometer_{name}", help_text, value=value, labels=labels)
