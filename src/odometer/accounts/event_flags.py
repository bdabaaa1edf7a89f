"""Flags of events: which ones reports list of themselves (chapter 01, event tracking)."""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from odometer.accounts.database import Database
from odometer.accounts.tables import EVENT_FLAGS
from odometer.model.events import EventFlags, EventName


class FlagsOfEvents:
    """The flags that somebody has set, by product."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_product(self, product_id: int) -> dict[EventName, EventFlags]:
        """The flags that were set; other events have those of the product's setting newEvents."""
        table = EVENT_FLAGS
        with self._database.reading() as connection:
            rows = connection.execute(select(table).where(table.c.product_id == product_id)).all()
        return {EventName(row.category, row.name): EventFlags(row.basic, row.advanced) for row in rows}

    def set(self, product_id: int, flags: Mapping[EventName, EventFlags], *, actor: str) -> None:
        """Set flags, all or nothing; audited."""
        table = EVENT_FLAGS
        with self._database.writing() as connection:
            for event, flag in flags.items():
                key = {"product_id": product_id, "category": event.category, "name": event.name}
                connection.execute(delete(table).where(*(table.c[column] == value for column, value in key.items())))
                connection.execute(insert(table).values(**key, basic=flag.basic, advanced=flag.advanced))
            detail = {
                "events": [
                    {
                        "category": event.category or None,
                        "eventName": event.name,
                        "basic": f.basic,
                        "advanced": f.advanced,
                    }
                    for event, f in flags.items()
                ]
            }
            self._database.audit(connection, actor, "event.flags", product_id, detail)
