"""The analytics store as one value, opened in the right order, for serving or for import and rebuild."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from odometer.clock import Clock
from odometer.errors import StartError
from odometer.store.damage import set_aside_damaged, set_aside_parts
from odometer.store.derive import Derivation, Deriver, Eraser, catch_up
from odometer.store.engine import REPORT_MEMORY_MIB, Engine
from odometer.store.gate import Gate
from odometer.store.questions import Questions
from odometer.store.records import BlockedAmong, Ledger, Writer, drop_leftovers
from odometer.store.snapshot import Snapshot, drop_snapshots, snapshot
from odometer.store.tables import RECORDS, SCHEMA_VERSION, migrate

__all__ = ["SCHEMA_VERSION", "Accepted", "Analytics", "LiveAnalytics", "open_analytics", "open_live_analytics"]


@dataclass(frozen=True, slots=True)
class Analytics:
    """An open store without background threads: what import and rebuild use."""

    engine: Engine
    gate: Gate
    derivation: Derivation

    @property
    def ledger(self) -> Ledger:
        """What is known of the records."""
        return self.derivation.ledger

    @property
    def losses(self) -> Sequence[str]:
        """What is wrong with the records, in sentences; nothing was derived then, and reports say what they said."""
        return self.ledger.losses

    def accept_loss(self) -> "Accepted":
        """Take what is left of the records for all there is. The caller derives everything again."""
        set_aside = set_aside_damaged(self.engine)
        return Accepted(self.ledger.accept(set_aside), set_aside)

    def settle_derived(self) -> None:
        """Everything was derived again: parts of derived tables that were set aside are missed no more."""
        derived = [part for part in set_aside_parts(self.engine) if not part.startswith(f"{RECORDS.name}/")]
        self.ledger.settle_set_aside(derived)

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
        self.ledger.close()
        self.engine.close()


class Accepted(NamedTuple):
    """What was given up when a loss was accepted: sentences about records, and the damaged parts set aside."""

    records: Sequence[str]
    parts: Sequence[str]


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

    def enter_derived(self) -> bool:
        """Enter in the ledger what is derived; whether it turned out only now that records are lost.

        From then on no sender is promised anything.
        """
        self.store.ledger.advance()
        is_news = bool(self.store.losses) and not self.writer.is_closed_to_senders
        if is_news:
            self.writer.is_closed_to_senders = True
        return is_news

    def snapshot(
        self, at_that_moment: Callable[[Path], None], faults: Sequence[str] = ()
    ) -> AbstractContextManager[Snapshot]:
        """The store at one moment; `at_that_moment` is called with the folder while nothing is stored.

        `faults`: what is known to be damaged of what is derived.
        """
        if self.store.losses:
            raise StartError("Records are lost: a backup now would be one of a damaged store. See /readyz.")
        return snapshot(self.store.engine, self.store.derivation, self.writer.paused, at_that_moment, faults)

    def close(self) -> None:
        """Store what waits, finish the present round of derivation, close the engine."""
        self.writer.close()
        self.deriver.close()
        self.store.close()


def open_analytics(
    url: str, *, note: Path | None = None, handles: int = 4, report_memory_mib: int = REPORT_MEMORY_MIB
) -> Analytics:
    """Open and migrate the store, and derive what an earlier process left underived. Raises `StartError`.

    `note`: the file that remembers which store it must be.
    Where records are lost (`Analytics.losses`) nothing is derived: figures stay as they were before.
    """
    engine = Engine(url, handles=handles, report_memory_mib=report_memory_mib)
    migrate(engine)
    gate = Gate()
    ledger = Ledger(engine, note)
    derivation = Derivation(engine, gate, ledger)
    if not ledger.check():
        catch_up(engine, derivation)
    return Analytics(engine, gate, derivation)


def open_live_analytics(
    url: str,
    clock: Clock,
    blocked_among: BlockedAmong,
    *,
    note: Path | None = None,
    report_threads: int,
    report_seconds: float,
    report_memory_mib: int,
) -> LiveAnalytics:
    """Open the store for serving.

    One handle each for the writer, the deriver and every report thread, three for the streams of an export, one for
    that of a daily file, one for what is told or erased of a single client, and two for the ledger and backups.
    """
    store = open_analytics(url, note=note, handles=report_threads + 10, report_memory_mib=report_memory_mib)
    drop_leftovers(store.engine)
    drop_snapshots(store.engine)
    deriver = Deriver(store.engine, store.derivation, clock)
    writer = Writer(store.engine, deriver.touch, blocked_among)
    writer.is_closed_to_senders = bool(store.losses)
    questions = Questions(store.engine, store.gate, deriver.as_of_ms, report_seconds)
    return LiveAnalytics(store, writer, deriver, questions)
