"""When tokens and keys were used last: noted in memory at every use, written down now and then.

Looking a secret up must never wait for a write; what a crash loses is at most the last minute of such notes.
"""

import threading

from sqlalchemy import Table, or_, update

from odometer.accounts.database import Database


class LastUsed:
    """The last uses of the rows of one table with a column `last_used_ms`."""

    def __init__(self, database: Database, table: Table, id_column: str) -> None:
        self._database = database
        self._table = table
        self._id = table.c[id_column]
        self._noted: dict[int, int] = {}
        self._lock = threading.Lock()

    def note(self, row_id: int) -> None:
        """It is used now."""
        now = self._database.clock.now_ms()
        with self._lock:
            self._noted[row_id] = max(now, self._noted.get(row_id, now))

    def write(self) -> None:
        """Write down what was noted; called in the background and when the process ends."""
        with self._lock:
            noted, self._noted = self._noted, {}
        if not noted:
            return
        last = self._table.c.last_used_ms
        with self._database.writing() as connection:
            for row_id, used_ms in noted.items():
                is_later = or_(last.is_(None), last < used_ms)
                connection.execute(update(self._table).where(self._id == row_id, is_later).values(last_used_ms=used_ms))
