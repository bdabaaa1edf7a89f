"""The book of erasures in the registry: receipts, and which still have to be cleaned up."""

import json
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Row, Select, insert, select, update

from odometer.accounts.database import Database
from odometer.accounts.tables import ERASURES
from odometer.model.erasure import Erasure

_COLUMNS: Final = ERASURES.c


class Erasures:
    """All erasures of the installation; safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, erasure: Erasure, *, actor: str) -> None:
        """Note an erasure, and in the audit log who did it."""
        values = {name: getattr(erasure, name) for name in Erasure.__slots__}
        values["months"] = json.dumps(sorted(erasure.months))
        detail = {"receiptId": erasure.receipt_id, "clients": erasure.clients, "records": erasure.records}
        with self._database.writing() as connection:
            connection.execute(insert(ERASURES).values(values))
            self._database.audit(connection, actor, "clients.erase", erasure.product_id, detail)

    def of(self, product_id: int) -> list[Erasure]:
        """A product's erasures, newest first."""
        return self._read(
            select(ERASURES)
            .where(_COLUMNS.product_id == product_id)
            .order_by(_COLUMNS.erased_ms.desc(), _COLUMNS.receipt_id)
        )

    def unfinished(self) -> list[Erasure]:
        """Those of all products whose traces are still on the disk, oldest first."""
        return self._read(select(ERASURES).where(_COLUMNS.cleaned_ms.is_(None)).order_by(_COLUMNS.erased_ms))

    def note_rewritten(self, receipt_ids: Collection[str], at_ms: int) -> None:
        """Note that the partitions of these were written anew, at a moment by the engine's clock."""
        self._note(receipt_ids, rewritten_ms=at_ms)

    def note_cleaned(self, receipt_ids: Collection[str]) -> None:
        """Note that nothing of these is left; not yet while the registry's own files may hold something."""
        if self._database.overwrite_deleted():
            self._note(receipt_ids, cleaned_ms=self._database.clock.now_ms())

    def _note(self, receipt_ids: Collection[str], **moment: int) -> None:
        with self._database.writing() as connection:
            connection.execute(update(ERASURES).where(_COLUMNS.receipt_id.in_(receipt_ids)).values(moment))

    def _read(self, wanted: Select[Any]) -> list[Erasure]:
        with self._database.reading() as connection:
            return [_erasure(row) for row in connection.execute(wanted).all()]


def _erasure(row: Row[Any]) -> Erasure:
    return Erasure(**{**row._mapping, "months": frozenset(json.loads(row.months))})
