"""The book of daily files in the registry: which are complete, and what they were made from (chapter 08)."""

from typing import Final

from sqlalchemy import delete, insert, select

from odometer.accounts.database import Database
from odometer.accounts.tables import DAILY_FILES
from odometer.model.daily_file import DailyFile, Stream

_COLUMNS: Final = DAILY_FILES.c


class DailyFileBook:
    """All daily files of the installation; safe to use from many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, product_id: int, stream: Stream) -> list[DailyFile]:
        """The files of a stream, newest day first."""
        wanted = select(DAILY_FILES).where(_COLUMNS.product_id == product_id, _COLUMNS.stream == stream)
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(_COLUMNS.day.desc(), _COLUMNS.name)).all()
        return [DailyFile(**{**row._mapping, "stream": Stream(row.stream)}) for row in rows]

    def put(self, file: DailyFile) -> None:
        """Note that the file is complete, instead of what was noted under its name."""
        values = {name: getattr(file, name) for name in DailyFile.__slots__}
        with self._database.writing() as connection:
            connection.execute(_named(file))
            connection.execute(insert(DAILY_FILES).values(values))

    def remove(self, file: DailyFile) -> None:
        """Note that the file is to be had no more."""
        with self._database.writing() as connection:
            connection.execute(_named(file))


def _named(file: DailyFile) -> "delete":  # type: ignore[valid-type]
    return delete(DAILY_FILES).where(_COLUMNS.product_id == file.product_id, _COLUMNS.name == file.name)
