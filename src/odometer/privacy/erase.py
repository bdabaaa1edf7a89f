"""Erasing clients everywhere (chapter 09, Deleting): store, files and exports, with a receipt of what was removed."""

import secrets
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from typing_extensions import TypedDict

from odometer.accounts import Registry
from odometer.clock import Clock
from odometer.collect import members
from odometer.collect.identity import checked_client_id
from odometer.errors import invalid
from odometer.exports.daily import DailyFiles
from odometer.exports.files import FileStore
from odometer.exports.jobs import make_again
from odometer.model.erasure import Erasure
from odometer.model.moments import to_text
from odometer.store.derive import Eraser, Held, HeldClient

MOST_CLIENTS: Final = 1_000
# So long after an erasure the last trace is gone from the disk of a server that runs and is not overloaded.
CLEANED_WITHIN_MS: Final = 3_600_000

_COMPLETED: Final = "server, after it broke off"
# Lets nothing be stored within its block.
Pause = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Removed:
    """What an erasure found: stored clients, names of daily files, and how many client lists are made again."""

    clients: Sequence[HeldClient] = ()
    files: Sequence[str] = ()
    exports: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was removed; it alone names the clients.

    Attributes:
        erasure: what is remembered.
        removed: what there was.
        unknown: ids of which nothing was stored.
        blocked: those of them that are refused from now on.

    """

    erasure: Erasure
    removed: Removed
    unknown: Sequence[str]
    blocked: Sequence[str]

    def as_json(self) -> "ReceiptObject":
        """For answers and the command line."""
        return {
            **erasure_as_json(self.erasure),
            "removed": [
                {
                    "clientId": held.client,
                    "records": held.records,
                    "activeDays": held.active_days,
                    "dateInstalled": str(held.first_seen) if held.first_seen else None,
                    "dateLastSeen": str(held.last_seen) if held.last_seen else None,
                }
                for held in self.removed.clients
            ],
            "unknown": list(self.unknown),
            "filesRemoved": list(self.removed.files),
            "exportsMadeAgain": self.removed.exports,
            "blocked": list(self.blocked),
        }


class ErasureObject(TypedDict):
    """An erasure without the clients' ids, which nobody keeps.

    `cleanedUpAt` is null until the last bytes have left the disk, which they do by `cleanedUpBy`.
    """

    receiptId: str
    erasedAt: str | None
    clients: int
    records: int
    cleanedUpBy: str
    cleanedUpAt: str | None


class RemovedClient(TypedDict):
    """What was removed of a client; dates are null where it only sent opt records."""

    clientId: str
    records: int
    activeDays: int
    dateInstalled: str | None
    dateLastSeen: str | None


class ReceiptObject(ErasureObject):
    """An erasure as whoever asked for it is told."""

    removed: list[RemovedClient]
    unknown: list[str]
    filesRemoved: list[str]
    exportsMadeAgain: int
    blocked: list[str]


def erasure_as_json(erasure: Erasure) -> ErasureObject:
    """An erasure without the clients' ids, which nobody keeps."""
    return {
        "receiptId": erasure.receipt_id,
        "erasedAt": None if erasure.pending else to_text(erasure.erased_ms),
        "clients": erasure.clients,
        "records": erasure.records,
        "cleanedUpBy": to_text(erasure.erased_ms + CLEANED_WITHIN_MS),
        "cleanedUpAt": None if erasure.cleaned_ms is None else to_text(erasure.cleaned_ms),
    }


@dataclass(frozen=True, slots=True)
class Erasing:
    """Erases clients of any product.

    Attributes:
        registry: receipts, the book of files, export jobs and blocked clients.
        eraser: the analytics store.
        paused: keeps new records out meanwhile.
        daily: the daily files.
        files: where exports are kept.
        clock: tells when it was.

    """

    registry: Registry
    eraser: Eraser
    paused: Pause
    daily: DailyFiles
    files: FileStore
    clock: Clock
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def erase(self, product_id: int, clients: Collection[str], *, block: bool, actor: str) -> Receipt:
        """Remove all that is known of the clients. When it returns no answer, file or link knows them.

        Repeating it is harmless. With `block` they are refused from now on, also those of whom nothing is stored.
        Raises `Problem` STORE_UNAVAILABLE, and changes nothing, while records are lost.
        """
        self.eraser.require_whole()
        if block:
            self.registry.blocked_clients.block(product_id, clients, actor=actor)
        erasure = Erasure(
            receipt_id=f"er-{secrets.token_hex(6)}",
            product_id=product_id,
            erased_ms=self.clock.now_ms(),
            pending=tuple(sorted(clients)),
        )
        with self._one_at_a_time:
            self._complete(one for one in self.registry.erasures.pending() if one.product_id == product_id)
            self.registry.erasures.begin(erasure)
            is_there = bool(self.eraser.held(product_id, clients).clients)
            removed = self._carry_out(erasure) if is_there else Removed()
            done = self.registry.erasures.finish(erasure.receipt_id, actor=actor)
        known = {one.client for one in removed.clients}
        unknown = [client for client in erasure.pending if client not in known]
        blocked = self.registry.blocked_clients.among(product_id, clients)
        return Receipt(done, removed, unknown, sorted(blocked))

    def complete(self) -> None:
        """Carry out what was begun and broke off."""
        with self._one_at_a_time:
            self._complete(self.registry.erasures.pending())

    def _complete(self, begun: Iterable[Erasure]) -> None:
        for erasure in begun:
            self._carry_out(erasure)
            self.registry.erasures.finish(erasure.receipt_id, actor=_COMPLETED)

    def _carry_out(self, erasure: Erasure) -> Removed:
        product_id, clients = erasure.product_id, erasure.pending

        def found(held: Held) -> None:
            records = sum(one.records for one in held.clients)
            self.registry.erasures.note_found(
                erasure.receipt_id, clients=len(held.clients), records=records, months=held.months
            )

        held = self.eraser.erase(product_id, clients, self.paused(), found)
        files = self.daily.erased(product_id, held.days)
        exports = make_again(self.registry.export_jobs, self.files, product_id, clients)
        return Removed(held.clients, files, exports)


def parse_clients(value: object) -> list[str]:
    """The member `clientIds`: 1 to `MOST_CLIENTS` different client ids. Raises `Problem` naming it."""
    if value is None:
        raise members.missing("clientIds")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CLIENTS:
        raise invalid("clientIds", f"clientIds must be a list of 1 to {MOST_CLIENTS:,} client ids.")
    return list(dict.fromkeys(checked_client_id(one, f"clientIds[{place}]") for place, one in enumerate(value)))
