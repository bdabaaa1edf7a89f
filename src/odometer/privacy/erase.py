"""Erasing clients everywhere (contract 09, Deleting): store, files and exports, with a receipt of what was removed."""

import secrets
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from odometer.accounts import Registry
from odometer.clock import Clock
from odometer.collect import members
from odometer.collect.identity import checked_client_id
from odometer.errors import invalid
from odometer.exports.daily import DailyFiles
from odometer.exports.files import FileStore
from odometer.exports.jobs import key_of
from odometer.model.erasure import Erasure
from odometer.model.moments import to_text
from odometer.store.erase import Eraser, HeldClient

MOST_CLIENTS: Final = 1_000
# So long after an erasure the last trace is gone from the disk of a server that runs and is not overloaded.
CLEANED_WITHIN_MS: Final = 3_600_000

# Lets nothing be stored within its block.
Pause = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was removed; it alone names the clients.

    Attributes:
        erasure: what is remembered.
        clients: what was stored of those of whom there was anything.
        unknown: ids of which nothing was stored.
        files: names of daily files that were taken away.
        exports: how many client lists are made again.
        blocked: whether the clients are refused from now on.

    """

    erasure: Erasure
    clients: Sequence[HeldClient]
    unknown: Sequence[str]
    files: Sequence[str]
    exports: int
    blocked: bool

    def as_json(self) -> dict[str, Any]:
        """For answers and the command line."""
        return {
            **erasure_as_json(self.erasure),
            "removed": [
                {
                    "clientId": held.client,
                    "records": held.records,
                    "activeDays": held.active_days,
                    "dateInstalled": held.first_seen and str(held.first_seen),
                    "dateLastSeen": held.last_seen and str(held.last_seen),
                }
                for held in self.clients
            ],
            "unknown": list(self.unknown),
            "filesRemoved": list(self.files),
            "exportsMadeAgain": self.exports,
            "blocked": self.blocked,
        }


def erasure_as_json(erasure: Erasure) -> dict[str, Any]:
    """An erasure without the clients' ids, which nobody keeps."""
    return {
        "receiptId": erasure.receipt_id,
        "erasedAt": to_text(erasure.erased_ms),
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
        on_erased: wakes those who clean up and make exports again.

    """

    registry: Registry
    eraser: Eraser
    paused: Pause
    daily: DailyFiles
    files: FileStore
    clock: Clock
    on_erased: Callable[[], None] = lambda: None

    def erase(self, product_id: int, clients: Collection[str], *, block: bool, actor: str) -> Receipt:
        """Remove all that is known of the clients. When it returns no answer, file or link knows them.

        Repeating it is harmless, and completes what broke off. With `block` they are refused from now on, also those
        of whom nothing is stored.
        """
        if block:
            self.registry.blocked_clients.block(product_id, clients, actor=actor)
        held = self.eraser.erase(product_id, clients, self.paused())
        files = self.daily.erased(product_id, held.days)
        exports = self.registry.export_jobs.make_again(product_id, clients)
        for job in exports.files:
            self.files.delete(key_of(job))
        self.registry.export_jobs.forget_naming(product_id, clients)
        erasure = Erasure(
            receipt_id=f"er-{secrets.token_hex(6)}",
            product_id=product_id,
            erased_ms=self.clock.now_ms(),
            clients=len(held.clients),
            records=sum(one.records for one in held.clients),
            months=held.months,
        )
        self.registry.erasures.add(erasure, actor=actor)
        self.on_erased()
        known = {one.client for one in held.clients}
        unknown = sorted(client for client in clients if client not in known)
        return Receipt(erasure, held.clients, unknown, files, exports.again, block)


def parse_clients(value: object) -> list[str]:
    """The member `clientIds`: 1 to `MOST_CLIENTS` different client ids. Raises `Problem` naming it."""
    if value is None:
        raise members.missing("clientIds")
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CLIENTS:
        raise invalid("clientIds", f"clientIds must be a list of 1 to {MOST_CLIENTS:,} client ids.")
    return list(dict.fromkeys(checked_client_id(one, f"clientIds[{place}]") for place, one in enumerate(value)))
