"""Products: what is counted, under a 64-bit id that callers put into paths."""

import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.database import Database
from odometer.accounts.tables import PRODUCTS
from odometer.errors import Problem, invalid

MAX_PRODUCT_ID: Final = 2**63 - 1
DEFAULT_DAYS_UNTIL_LOST: Final = 40
_MAX_NAME: Final = 200
_MAX_DAYS_UNTIL_LOST: Final = 9999


@dataclass(frozen=True, slots=True)
class Product:
    """One product and its settings."""

    product_id: int
    name: str
    days_until_declared_lost: int
    oldest_date: dt.date | None
    settings: Mapping[str, Any]


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
        name = name.strip()
        if not 0 < len(name) <= _MAX_NAME:
            raise invalid("name", f"A product's name has 1 to {_MAX_NAME} characters.")
        if product_id is None:
            product_id = 1_000_000_000 + secrets.randbelow(9_000_000_000)
        if not 0 < product_id <= MAX_PRODUCT_ID:
            raise invalid("productId", f"A product id is a whole number from 1 to {MAX_PRODUCT_ID}.")
        product = Product(product_id, name, DEFAULT_DAYS_UNTIL_LOST, None, {})
        values = {
            "product_id": product_id,
            "name": name,
            "days_until_declared_lost": DEFAULT_DAYS_UNTIL_LOST,
            "settings": "{}",
            "created_ms": self._database.clock.now_ms(),
        }
        try:
            with self._database.writing() as connection:
                connection.execute(insert(PRODUCTS).values(values))
                self._database.audit(connection, actor, "product.add", product_id, {"name": name})
        except IntegrityError:
            raise invalid("productId", f"There is a product {product_id} already.") from None
        return product

    def change(self, product: Product, *, actor: str) -> None:
        """Store the product's name, days, oldest date and settings as given."""
        if not 1 <= product.days_until_declared_lost <= _MAX_DAYS_UNTIL_LOST:
            raise invalid("daysUntilDeclaredLost", f"Must be a whole number from 1 to {_MAX_DAYS_UNTIL_LOST}.")
        values = {
            "name": product.name,
            "days_until_declared_lost": product.days_until_declared_lost,
            "oldest_date": product.oldest_date,
            "settings": json.dumps(dict(product.settings)),
        }
        with self._database.writing() as connection:
            changed = connection.execute(
                update(PRODUCTS).where(PRODUCTS.c.product_id == product.product_id).values(values)
            )
            if changed.rowcount == 0:
                raise no_such_product(product.product_id)
            self._database.audit(connection, actor, "product.change", product.product_id, values)


def no_such_product(product_id: int) -> Problem:
    """The refusal for an unknown product, and for one the caller may not see."""
    return Problem("PRODUCT_NOT_FOUND", f"There is no product {product_id}.")


def _product(row: Row[Any]) -> Product:
    return Product(row.product_id, row.name, row.days_until_declared_lost, row.oldest_date, json.loads(row.settings))
