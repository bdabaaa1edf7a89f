"""Ingestion keys: write-only, per product, revocable; trackers send one with each batch."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.database import Database
from odometer.accounts.products import no_such_product
from odometer.accounts.secret_text import hash_of, new_secret
from odometer.accounts.tables import INGESTION_KEYS
from odometer.errors import Problem

PREFIX: Final = "odk_"
# A key revoked by another process is refused after this time at the latest.
_REMEMBER_S: Final = 3.0
_REMEMBER_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class IngestionKey:
    """What a key allows: sending records of one product; with `may_set_ip` also other callers' addresses (a relay)."""

    product_id: int
    may_set_ip: bool


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as people see it in a list; the key itself is known to nobody but its holder."""

    key_id: int
    product_id: int
    may_set_ip: bool
    created_ms: int


class Keys:
    """The ingestion keys of all products."""

    def __init__(self, database: Database, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic_s = monotonic_s
        self._remembered: dict[str, tuple[float, IngestionKey]] = {}
        self._lock = threading.Lock()

    def add(self, product_id: int, *, may_set_ip: bool = False, actor: str = "command line") -> str:
        """Make a key and return its text, which cannot be shown again."""
        key_text = new_secret(PREFIX)
        values = {
            "product_id": product_id,
            "key_hash": hash_of(key_text),
            "may_set_ip": may_set_ip,
            "created_ms": self._database.clock.now_ms(),
        }
        try:
            with self._database.writing() as connection:
                new = insert(INGESTION_KEYS).values(values).returning(INGESTION_KEYS.c.key_id)
                key_id = connection.execute(new).scalar_one()
                detail = {"keyId": key_id, "maySetIp": may_set_ip}
                self._database.audit(connection, actor, "key.add", product_id, detail)
        except IntegrityError:
            raise no_such_product(product_id) from None
        return key_text

    def find(self, key_text: str) -> IngestionKey | None:
        """What the key allows; None for an unknown or revoked one."""
        if not key_text.startswith(PREFIX):
            return None
        key_hash = hash_of(key_text)
        now = self._monotonic_s()
        remembered = self._remembered.get(key_hash)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        with self._database.reading() as connection:
            row = connection.execute(
                select(INGESTION_KEYS.c.product_id, INGESTION_KEYS.c.may_set_ip).where(
                    INGESTION_KEYS.c.key_hash == key_hash, INGESTION_KEYS.c.revoked_ms.is_(None)
                )
            ).one_or_none()
        if row is None:  # not remembered: anybody could fill the memory with wrong keys
            return None
        key = IngestionKey(row.product_id, row.may_set_ip)
        with self._lock:
            if len(self._remembered) >= _REMEMBER_AT_MOST:
                self._remembered.clear()
            self._remembered[key_hash] = (now + _REMEMBER_S, key)
        return key

    def list(self, product_id: int) -> list[KeyEntry]:
        """The product's keys that are in force."""
        table = INGESTION_KEYS.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(table.key_id, table.product_id, table.may_set_ip, table.created_ms)
                .where(table.product_id == product_id, table.revoked_ms.is_(None))
                .order_by(table.key_id)
            ).all()
        return [KeyEntry(*row) for row in rows]

    def revoke(self, key_id: int, *, actor: str = "command line") -> None:
        """Refuse the key from now on; other processes notice within seconds."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(INGESTION_KEYS)
                .where(INGESTION_KEYS.c.key_id == key_id, INGESTION_KEYS.c.revoked_ms.is_(None))
                .values(revoked_ms=self._database.clock.now_ms())
            )
            if changed.rowcount == 0:
                raise Problem("NOT_FOUND", f"There is no ingestion key {key_id} in force.")
            self._database.audit(connection, actor, "key.revoke", key_id)
        with self._lock:
            self._remembered.clear()
