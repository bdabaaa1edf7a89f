"""API tokens: long-lived, named, revocable, optionally limited to products and to reading; stored hashed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.caller import Caller
from odometer.accounts.database import Database
from odometer.accounts.secret_text import hash_of, new_secret
from odometer.accounts.tables import API_TOKEN_PRODUCTS, API_TOKENS, USERS
from odometer.accounts.users import caller_of, user_id_of
from odometer.errors import Problem, invalid

PREFIX: Final = "odt_"
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A token as people see it in a list; `products` None = no limit."""

    name: str
    email: str
    products: frozenset[int] | None
    is_read_only: bool
    created_ms: int


class Tokens:
    """The API tokens of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        email: str,
        *,
        products: Iterable[int] | None = None,
        is_read_only: bool = False,
        actor: str = "command line",
    ) -> str:
        """Make a token that acts as the user and return its text, which cannot be shown again."""
        if not 0 < len(name) <= _MAX_NAME:
            raise invalid("name", f"A token's name has 1 to {_MAX_NAME} characters.")
        token = new_secret(PREFIX)
        only = None if products is None else sorted(set(products))
        with self._database.writing() as connection:
            user_id = user_id_of(connection, email)
            if self._named(connection, user_id, name) is not None:
                raise invalid("name", f"{email} has a token {name!r} already.")
            token_id = connection.execute(
                insert(API_TOKENS)
                .values(
                    user_id=user_id,
                    name=name,
                    token_hash=hash_of(token),
                    is_read_only=is_read_only,
                    is_limited=only is not None,
                    created_ms=self._database.clock.now_ms(),
                )
                .returning(API_TOKENS.c.token_id)
            ).scalar_one()
            for product_id in only or ():
                _limit(connection, token_id, product_id)
            detail = {"name": name, "products": only, "isReadOnly": is_read_only}
            self._database.audit(connection, actor, "token.add", email, detail)
        return token

    def find(self, token: str) -> Caller | None:
        """The caller that the token stands for, with the permissions of this moment; None when unknown or revoked."""
        if not token.startswith(PREFIX):
            return None
        with self._database.reading() as connection:
            row = connection.execute(
                select(USERS, API_TOKENS.c.token_id, API_TOKENS.c.is_limited, API_TOKENS.c.is_read_only)
                .join(USERS, USERS.c.user_id == API_TOKENS.c.user_id)
                .where(API_TOKENS.c.token_hash == hash_of(token), API_TOKENS.c.revoked_ms.is_(None))
            ).one_or_none()
            if row is None:
                return None
            only = _limits(connection, row.token_id) if row.is_limited else None
            return replace(caller_of(connection, row), only_products=only, is_read_only=row.is_read_only)

    def list(self) -> list[TokenEntry]:
        """The tokens in force, by user and name."""
        table = API_TOKENS.c
        with self._database.reading() as connection:
            rows = connection.execute(
                select(API_TOKENS, USERS.c.email)
                .join(USERS, USERS.c.user_id == table.user_id)
                .where(table.revoked_ms.is_(None))
                .order_by(USERS.c.email, table.name)
            ).all()
            return [
                TokenEntry(
                    row.name,
                    row.email,
                    _limits(connection, row.token_id) if row.is_limited else None,
                    row.is_read_only,
                    row.created_ms,
                )
                for row in rows
            ]

    def revoke(self, name: str, email: str, *, actor: str = "command line") -> None:
        """Refuse the token from now on."""
        with self._database.writing() as connection:
            token_id = self._named(connection, user_id_of(connection, email), name)
            if token_id is None:
                raise Problem("NOT_FOUND", f"{email} has no token {name!r}.")
            connection.execute(
                update(API_TOKENS)
                .where(API_TOKENS.c.token_id == token_id)
                .values(revoked_ms=self._database.clock.now_ms())
            )
            self._database.audit(connection, actor, "token.revoke", email, {"name": name})

    def _named(self, connection: Connection, user_id: int, name: str) -> int | None:
        table = API_TOKENS.c
        return connection.execute(
            select(table.token_id).where(table.user_id == user_id, table.name == name, table.revoked_ms.is_(None))
        ).scalar_one_or_none()


def _limit(connection: Connection, token_id: int, product_id: int) -> None:
    try:
        connection.execute(insert(API_TOKEN_PRODUCTS).values(token_id=token_id, product_id=product_id))
    except IntegrityError:
        raise Problem("PRODUCT_NOT_FOUND", f"There is no product {product_id}.") from None


def _limits(connection: Connection, token_id: int) -> frozenset[int]:
    rows = connection.execute(select(API_TOKEN_PRODUCTS.c.product_id).where(API_TOKEN_PRODUCTS.c.token_id == token_id))
    return frozenset(rows.scalars())
