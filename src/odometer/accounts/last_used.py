"""When sessions, tokens and keys were used last: noted in memory at every use, written down now and then.

Looking a secret up must never wait for a write; what a crash loses is at most the last minute of such notes.
"""

import threading
from typing import Generic, TypeVar

from sqlalchemy import Column, Table, or_, update

from odometer.accounts.database import Database

Id = TypeVar("Id", int, str)


class LastUsed(Generic[Id]):
    """The last uses of the rows of one table."""

    def __init__(self, database: Database, table: Table, row_id: "Column[Id]", last_used_ms: "Column[int]") -> None:
        self._database = database
        self._table = table
        self._id: Column[Id] = row_id
        self._last = last_used_ms
        self._noted: dict[Id, int] = {}
        self._lock = threading.Lock()

    def note(self, row_id: Id) -> None:
        """It is used now."""
        now = self._database.clock.now_ms()
        with self._lock:
            self._noted[row_id] = max(now, self._noted.get(row_id, now))

    def noted_ms(self, row_id: Id) -> int:
        """Its last use that is not written down yet; 0 = none."""
        with self._lock:
            return self._noted.get(row_id, 0)

    def forget(self, row_id: Id) -> None:
        """What was noted of it does not count."""
        with self._lock:
            self._noted.pop(row_id, None)

    def write(self) -> None:
        """Write down what was noted; called in the background and when the process ends.

        Nothing is forgotten before it is written: a registry that is busy now gets it the next time.
        """
        with self._lock:
            noted = dict(self._noted)
        if not noted:
            return
        with self._database.writing() as connection:
            for row_id, used_ms in noted.items():
                is_later = or_(self._last.is_(None), self._last < used_ms)
                change = update(self._table).where(self._id == row_id, is_later)
                connection.execute(change.values({self._last: used_ms}))
        with self._lock:
            for row_id, used_ms in noted.items():
                if self._noted.get(row_id) == used_ms:
                    del self._noted[row_id]
