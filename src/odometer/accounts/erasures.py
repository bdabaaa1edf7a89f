"""The book of erasures in the registry: receipts, and which still have to be cleaned up."""

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Update, func, insert, select, update

from odometer.accounts.database import Database
from odometer.accounts.tables import ERASURES
from odometer.model.erasure import Erasure

_COLUMNS: Final = ERASURES.c


class Erasures:
    """All erasures of the installation; safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, erasure: Erasure) -> None:
        """Note what is about to be erased, so that it can be completed should it break off."""
        values = {name: getattr(erasure, name) for name in Erasure.__slots__}
        values |= {"months": json.dumps([]), "pending": json.dumps(erasure.pending)}
        with self._database.writing() as connection:
            connection.execute(insert(ERASURES).values(values))

    def note_found(self, receipt_id: str, *, clients: int, records: int, months: Collection[str]) -> None:
        """Note what there is to erase; where that was noted before it broke off, what was found then counts."""
        with self._database.writing() as connection:
            before = _of_receipt(connection, receipt_id)
            found: dict[str, Any] = {"months": json.dumps(sorted(before.months.union(months)))}
            if not before.clients:
                found |= {"clients": clients, "records": records}
            connection.execute(_update([receipt_id]).values(found))

    def finish(self, receipt_id: str, *, actor: str) -> Erasure:
        """Forget who was erased, as it is done, and note in the audit log who did it. Without months it is clean."""
        with self._database.writing() as connection:
            erasure = _of_receipt(connection, receipt_id)
            done: dict[str, Any] = {"pending": None}
            if not erasure.months:
                done |= dict.fromkeys(("rewritten_ms", "cleaned_ms"), self._database.clock.now_ms())
            connection.execute(_update([receipt_id]).values(done))
            detail = {"receiptId": receipt_id, "clients": erasure.clients, "records": erasure.records}
            self._database.audit(connection, actor, "clients.erase", erasure.product_id, detail)
            return _of_receipt(connection, receipt_id)

    def get(self, receipt_id: str) -> Erasure:
        """One that was begun."""
        with self._database.reading() as connection:
            return _of_receipt(connection, receipt_id)

    def counts(self) -> dict[str, int]:
        """How many are not done: begun, or carried out and not off the disk yet."""
        begun = _COLUMNS.pending.is_not(None)
        with self._database.reading() as connection:
            wanted = {"begun": begun, "on_disk": ~begun & _COLUMNS.cleaned_ms.is_(None)}
            return {
                state: int(connection.execute(select(func.count()).where(meant)).scalar_one())
                for state, meant in wanted.items()
            }

    def pending(self) -> list[Erasure]:
        """Those that were begun and are not done, oldest first."""
        return self._read(select(ERASURES).where(_COLUMNS.pending.is_not(None)).order_by(_COLUMNS.erased_ms))

    def of(self, product_id: int) -> list[Erasure]:
        """A product's erasures, newest first."""
        return self._read(
            select(ERASURES)
            .where(_COLUMNS.product_id == product_id)
            .order_by(_COLUMNS.erased_ms.desc(), _COLUMNS.receipt_id)
        )

    def unfinished(self) -> list[Erasure]:
        """Those that are done and whose traces are still on the disk, of all products, oldest first."""
        unfinished = select(ERASURES).where(_COLUMNS.cleaned_ms.is_(None), _COLUMNS.pending.is_(None))
        return self._read(unfinished.order_by(_COLUMNS.erased_ms))

    def note_rewritten(self, receipt_ids: Collection[str], at_ms: int) -> None:
        """Note that the partitions of these were written anew, at a moment by the engine's clock."""
        self._note(receipt_ids, rewritten_ms=at_ms)

    def note_cleaned(self, receipt_ids: Collection[str]) -> None:
        """Note that nothing of these is left; not yet while the registry's own files may hold something."""
        if self._database.overwrite_deleted():
            self._note(receipt_ids, cleaned_ms=self._database.clock.now_ms())

    def _note(self, receipt_ids: Collection[str], **moment: int) -> None:
        with self._database.writing() as connection:
            connection.execute(_update(receipt_ids).values(moment))

    def _read(self, wanted: Select[Any]) -> list[Erasure]:
        with self._database.reading() as connection:
            return [_erasure(row) for row in connection.execute(wanted).all()]


def _update(receipt_ids: Collection[str]) -> Update:
    return update(ERASURES).where(_COLUMNS.receipt_id.in_(receipt_ids))


def _of_receipt(connection: Connection, receipt_id: str) -> Erasure:
    return _erasure(connection.execute(select(ERASURES).where(_COLUMNS.receipt_id == receipt_id)).one())


def _erasure(row: Row[Any]) -> Erasure:
    lists = {"months": frozenset(json.loads(row.months)), "pending": tuple(json.loads(row.pending or "[]"))}
    return Erasure(**{**row._mapping, **lists})
