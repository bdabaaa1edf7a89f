"""Clients that were erased and must not come back (chapter 09, Deleting), known by keyed hashes only."""

import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

from sqlalchemy import delete, insert, select

from odometer.accounts.database import Database
from odometer.accounts.tables import BLOCKED_CLIENTS

# A client that another process blocks is refused after this time at the latest.
_REMEMBER_S: Final = 3.0
_COLUMNS: Final = BLOCKED_CLIENTS.c


class BlockedClients:
    """The blocked clients of all products; safe to use from many threads."""

    def __init__(
        self, database: Database, secret: Callable[[], bytes], monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        """`secret` gives what the hashes are keyed with, always the same."""
        self._database = database
        self._secret = secret
        self._monotonic_s = monotonic_s
        self._remembered: dict[int, frozenset[str]] = {}
        self._until_s = float("-inf")
        self._lock = threading.Lock()

    def among(self, product_id: int, clients: Collection[str]) -> frozenset[str]:
        """Those of some clients of a product that are blocked."""
        blocked = self._of_products().get(product_id)
        if not blocked:
            return frozenset()
        key = self._secret()
        return frozenset(client for client in clients if _hash_of(key, product_id, client) in blocked)

    def block(self, product_id: int, clients: Collection[str], *, actor: str) -> None:
        """Refuse them from now on; those that are blocked already stay so."""
        hashes = self._hashes(product_id, clients)
        with self._database.writing() as connection:
            known = select(_COLUMNS.client_hash).where(_COLUMNS.product_id == product_id)
            new = hashes - frozenset(connection.execute(known).scalars())
            now_ms = self._database.clock.now_ms()
            rows = [{"product_id": product_id, "client_hash": one, "blocked_ms": now_ms} for one in sorted(new)]
            if rows:
                connection.execute(insert(BLOCKED_CLIENTS), rows)
                self._database.audit(connection, actor, "clients.block", product_id, {"clients": len(rows)})
        self._forget()

    def unblock(self, product_id: int, clients: Collection[str], *, actor: str) -> int:
        """Take them again; how many had been blocked."""
        theirs = _COLUMNS.client_hash.in_(self._hashes(product_id, clients))
        with self._database.writing() as connection:
            unblock = delete(BLOCKED_CLIENTS).where(_COLUMNS.product_id == product_id, theirs)
            count = connection.execute(unblock).rowcount
            if count:
                self._database.audit(connection, actor, "clients.unblock", product_id, {"clients": count})
        self._forget()
        return count

    def _hashes(self, product_id: int, clients: Collection[str]) -> frozenset[str]:
        key = self._secret()
        return frozenset(_hash_of(key, product_id, client) for client in clients)

    def _of_products(self) -> dict[int, frozenset[str]]:
        with self._lock:
            if self._monotonic_s() >= self._until_s:
                found: dict[int, set[str]] = {}
                with self._database.reading() as connection:
                    for row in connection.execute(select(_COLUMNS.product_id, _COLUMNS.client_hash)):
                        found.setdefault(row.product_id, set()).add(row.client_hash)
                self._remembered = {product_id: frozenset(hashes) for product_id, hashes in found.items()}
                self._until_s = self._monotonic_s() + _REMEMBER_S
            return self._remembered

    def _forget(self) -> None:
        with self._lock:
            self._until_s = float("-inf")


def _hash_of(key: bytes, product_id: int, client: str) -> str:
    return hmac.new(key, f"{product_id}\n{client}".encode(), hashlib.sha256).hexdigest()
