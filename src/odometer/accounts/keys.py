"""Ingestion keys: write-only, per product, revocable; trackers send one with each batch."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.database import Database
from odometer.accounts.last_used import LastUsed
from odometer.accounts.products import no_such_product
from odometer.accounts.secret_text import hash_of, new_secret, prefix_of
from odometer.accounts.tables import INGESTION_KEYS
from odometer.accounts.tokens import PREFIX as TOKEN_PREFIX
from odometer.errors import Problem, invalid
from odometer.model.moments import to_text

PREFIX: Final = "odk_"
_MAX_NAME: Final = 200
# A key revoked by another process is refused after this time at the latest.
_REMEMBER_S: Final = 3.0
_REMEMBER_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class IngestionKey:
    """What a key allows: sending records of one product; with `may_set_ip` also other callers' addresses (a relay)."""

    product_id: int
    may_set_ip: bool
    key_id: int = 0


class NewKey(NamedTuple):
    """A key that was just made: its id, and its text, which nobody can show again."""

    key_id: int
    text: str


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as people see it in a list; the key itself is known to nobody but its holder.

    Attributes:
        key_id: tells it from others, also in the audit log.
        product_id: what it may send to.
        name: what it is for, as its maker said.
        prefix: how its text begins; empty for keys of earlier versions.
        may_set_ip: it belongs to a relay.
        created_ms: when it was made.
        last_used_ms: None = never.

    """

    key_id: int
    product_id: int
    name: str
    prefix: str
    may_set_ip: bool
    created_ms: int
    last_used_ms: int | None


class Keys:
    """The ingestion keys of all products."""

    def __init__(self, database: Database, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic_s = monotonic_s
        self._remembered: dict[str, tuple[float, IngestionKey]] = {}
        self._lock = threading.Lock()
        self.last_used = LastUsed(database, INGESTION_KEYS, INGESTION_KEYS.c.key_id, INGESTION_KEYS.c.last_used_ms)

    def add(self, product_id: int, *, name: str = "", may_set_ip: bool = False, actor: str = "command line") -> NewKey:
        """Make a key; `name` says what it is for."""
        if len(name) > _MAX_NAME:
            raise invalid("name", f"A key's name has at most {_MAX_NAME} characters.")
        key_text = new_secret(PREFIX)
        values = {
            "product_id": product_id,
            "key_hash": hash_of(key_text),
            "may_set_ip": may_set_ip,
            "created_ms": self._database.clock.now_ms(),
            "name": name,
            "prefix": prefix_of(key_text),
        }
        try:
            with self._database.writing() as connection:
                new = insert(INGESTION_KEYS).values(values).returning(INGESTION_KEYS.c.key_id)
                key_id = connection.execute(new).scalar_one()
                detail = {"keyId": key_id, "name": name, "prefix": prefix_of(key_text), "maySetIp": may_set_ip}
                self._database.audit(connection, actor, "key.add", product_id, detail)
        except IntegrityError:
            raise no_such_product(product_id) from None
        return NewKey(key_id, key_text)

    def find(self, key_text: str) -> IngestionKey | None:
        """What the key allows; None for an unknown or revoked one."""
        if not key_text.startswith(PREFIX):
            return None
        key_hash = hash_of(key_text)
        now = self._monotonic_s()
        remembered = self._remembered.get(key_hash)
        if remembered is not None and now < remembered[0]:
            self.last_used.note(remembered[1].key_id)
            return remembered[1]
        with self._database.reading() as connection:
            row = connection.execute(
                select(INGESTION_KEYS).where(
                    INGESTION_KEYS.c.key_hash == key_hash, INGESTION_KEYS.c.revoked_ms.is_(None)
                )
            ).one_or_none()
        if row is None:  # not remembered: anybody could fill the memory with wrong keys
            return None
        key = IngestionKey(row.product_id, row.may_set_ip, row.key_id)
        self.last_used.note(row.key_id)
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
                select(INGESTION_KEYS)
                .where(table.product_id == product_id, table.revoked_ms.is_(None))
                .order_by(table.key_id)
            ).all()
        return [
            KeyEntry(
                key_id=row.key_id,
                product_id=row.product_id,
                name=row.name,
                prefix=row.prefix,
                may_set_ip=row.may_set_ip,
                created_ms=row.created_ms,
                last_used_ms=row.last_used_ms,
            )
            for row in rows
        ]

    def why_refused(self, text: str) -> str:
        """A sentence for somebody whose text is no ingestion key in force."""
        if text.startswith(TOKEN_PREFIX):
            return f"This is an API token; batches need an ingestion key of the product, which begins with {PREFIX}."
        with self._database.reading() as connection:
            asked = select(INGESTION_KEYS.c.revoked_ms).where(INGESTION_KEYS.c.key_hash == hash_of(text))
            revoked_ms = connection.execute(asked).scalar_one_or_none()
        if revoked_ms is None:
            return "This ingestion key is unknown."
        return f"This ingestion key was revoked at {to_text(revoked_ms)}; the sender needs a new one."

    def revoke(self, key_id: int, *, actor: str = "command line") -> None:
        """Refuse the key from now on; other processes notice within seconds."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(INGESTION_KEYS)
                .where(INGESTION_KEYS.c.key_id == key_id, INGESTION_KEYS.c.revoked_ms.is_(None))
                .values(revoked_ms=self._database.clock.now_ms())
                .returning(INGESTION_KEYS.c.product_id, INGESTION_KEYS.c.name, INGESTION_KEYS.c.prefix)
            ).one_or_none()
            if changed is None:
                raise Problem("NOT_FOUND", f"There is no ingestion key {key_id} in force; product keys lists them.")
            detail = {"keyId": key_id, "name": changed.name, "prefix": changed.prefix}
            self._database.audit(connection, actor, "key.revoke", changed.product_id, detail)
        with self._lock:
            self._remembered.clear()
