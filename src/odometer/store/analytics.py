"""The analytics store as one value, opened in the right order, for serving or for import and rebuild."""

from collections.abc import Sequence
from dataclasses import dataclass

from odometer.clock import Clock
from odometer.store.append import BlockedAmong, Writer
from odometer.store.derive import Derivation
from odometer.store.deriver import Deriver, catch_up
from odometer.store.engine import REPORT_MEMORY_MIB, Engine
from odometer.store.erase import Eraser
from odometer.store.gate import Gate
from odometer.store.questions import Questions
from odometer.store.sorting import drop_leftovers
from odometer.store.tables import migrate


@dataclass(frozen=True, slots=True)
class Analytics:
    """An open store without background threads: what import and rebuild use."""

    engine: Engine
    gate: Gate
    derivation: Derivation

    def derive_again(self, product_id: int, clients: Sequence[str]) -> bool:
        """Derive these clients now; always True."""
        self.derivation.derive_clients(product_id, clients)
        return True

    @property
    def eraser(self) -> Eraser:
        """What erases clients while nothing else is stored."""
        return Eraser(self.engine, self.gate, self.derivation, self.derive_again)

    def close(self) -> None:
        """Give the engine back."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class LiveAnalytics:
    """An open store that takes live records: a writer, a deriver behind it, and the questions reports ask."""

    store: Analytics
    writer: Writer
    deriver: Deriver
    questions: Questions

    @property
    def eraser(self) -> Eraser:
        """What erases clients."""
        return Eraser(self.store.engine, self.store.gate, self.store.derivation, self.deriver.derive_again)

    def close(self) -> None:
        """Store what waits, finish the present round of derivation, close the engine."""
        self.writer.close()
        self.deriver.close()
        self.store.close()


def open_analytics(url: str, *, handles: int = 4, report_memory_mib: int = REPORT_MEMORY_MIB) -> Analytics:
    """Open and migrate the store, and derive what an earlier process left underived. Raises `StartError`."""
    engine = Engine(url, handles=handles, report_memory_mib=report_memory_mib)
    migrate(engine)
    gate = Gate()
    derivation = Derivation(engine, gate)
    catch_up(engine, derivation)
    return Analytics(engine, gate, derivation)


def open_live_analytics(
    url: str,
    clock: Clock,
    blocked_among: BlockedAmong,
    *,
    report_threads: int,
    report_seconds: float,
    report_memory_mib: int,
) -> LiveAnalytics:
    """Open the store for serving.

    One handle each for the writer, the deriver and every report thread, three for the streams of an export, one for
    that of a daily file, and one for what is told or erased of a single client.
    """
    store = open_analytics(url, handles=report_threads + 8, report_memory_mib=report_memory_mib)
    drop_leftovers(store.engine)
    deriver = Deriver(store.engine, store.derivation, clock)
    writer = Writer(store.engine, deriver.touch, blocked_among)
    questions = Questions(store.engine, store.gate, deriver.as_of_ms, report_seconds)
    return LiveAnalytics(store, writer, deriver, questions)
