"""Products: what is counted, under a 64-bit id that callers put into paths."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.database import Database
from odometer.accounts.product_settings import Product, changed, settings_of, with_stored
from odometer.accounts.tables import PRODUCTS
from odometer.errors import Problem, invalid

MAX_PRODUCT_ID: Final = 2**63 - 1


class Products:
    """The products of this installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, product_id: int) -> Product | None:
        """The product, or None."""
        if not 0 < product_id <= MAX_PRODUCT_ID:
            return None
        with self._database.reading() as connection:
            row = connection.execute(select(PRODUCTS).where(PRODUCTS.c.product_id == product_id)).one_or_none()
        return None if row is None else _product(row)

    def list(self) -> list[Product]:
        """All products by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(PRODUCTS).order_by(PRODUCTS.c.name, PRODUCTS.c.product_id)).all()
        return [_product(row) for row in rows]

    def add(self, name: str, product_id: int | None = None, *, actor: str = "command line") -> Product:
        """Add a product, under a free ten-digit id unless one is given."""
        if product_id is None:
            product_id = 1_000_000_000 + secrets.randbelow(9_000_000_000)
        if not 0 < product_id <= MAX_PRODUCT_ID:
            raise invalid("productId", f"A product id is a whole number from 1 to {MAX_PRODUCT_ID}.")
        product = changed(Product(product_id=product_id, name=""), {"name": name})
        values = {**_columns(product), "product_id": product_id, "created_ms": self._database.clock.now_ms()}
        try:
            with self._database.writing() as connection:
                connection.execute(insert(PRODUCTS).values(values))
                self._database.audit(connection, actor, "product.add", product_id, {"name": product.name})
        except IntegrityError:
            raise invalid("productId", f"There is a product {product_id} already.") from None
        return product

    def require(self, product_id: int) -> Product:
        """The product. Raises `Problem` PRODUCT_NOT_FOUND when there is none."""
        product = self.get(product_id)
        if product is None:
            raise no_such_product(product_id)
        return product

    def change(self, product_id: int, changes: Mapping[str, Any], *, actor: str) -> Product:
        """Change settings, named as in the API, all or nothing; returns the product as it is then.

        Raises `Problem` naming the setting at fault; what really changed is audited with its old and new value.
        """
        with self._database.writing() as connection:
            row = connection.execute(select(PRODUCTS).where(PRODUCTS.c.product_id == product_id)).one_or_none()
            if row is None:
                raise no_such_product(product_id)
            before = _product(row)
            after = changed(before, changes)
            if after.new_events != before.new_events:
                since = (self._database.clock.now_ms(), after.new_events)
                after = replace(after, new_events_since=(*before.new_events_since, since))
            old, new = dict(settings_of(before)), dict(settings_of(after))
            difference = {name: {"old": old[name], "new": new[name]} for name in new if old[name] != new[name]}
            if difference:
                connection.execute(update(PRODUCTS).where(PRODUCTS.c.product_id == product_id).values(_columns(after)))
                self._database.audit(connection, actor, "product.change", product_id, difference)
        return after


def no_such_product(product_id: int) -> Problem:
    """The refusal for an unknown product, and for one the caller may not see."""
    return Problem("PRODUCT_NOT_FOUND", f"There is no product {product_id}.")


_SINCE: Final = "newEventsSince"
_OWN_COLUMNS: Final = ("name", "daysUntilDeclaredLost", "oldestDate")


def _columns(product: Product) -> dict[str, Any]:
    settings = settings_of(product)
    others = {name: value for name, value in settings.items() if name not in _OWN_COLUMNS}
    return {
        "name": product.name,
        "days_until_declared_lost": product.days_until_declared_lost,
        "oldest_date": product.oldest_date,
        "settings": json.dumps({**others, _SINCE: product.new_events_since}),
    }


def _product(row: Row[Any]) -> Product:
    stored = Product(
        product_id=row.product_id,
        name=row.name,
        days_until_declared_lost=row.days_until_declared_lost,
        oldest_date=row.oldest_date,
    )
    settings = json.loads(row.settings)
    since = tuple((at_ms, value) for at_ms, value in settings.pop(_SINCE, ()))
    return replace(with_stored(stored, settings), new_events_since=since)
