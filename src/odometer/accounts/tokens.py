"""API tokens: long-lived, named, revocable, optionally limited to products and to reading; stored hashed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.caller import Caller
from odometer.accounts.database import Database
from odometer.accounts.last_used import LastUsed
from odometer.accounts.secret_text import hash_of, new_secret, prefix_of
from odometer.accounts.tables import API_TOKEN_PRODUCTS, API_TOKENS, USERS
from odometer.accounts.users import caller_of, enabled_user_id, user_id_of
from odometer.clock import DAY_MS
from odometer.errors import Problem, invalid
from odometer.model.moments import to_text

PREFIX: Final = "odt_"
_MAX_NAME: Final = 200
DEFAULT_DAYS: Final = 365
MAX_DAYS: Final = 3_650


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """A token as people see it in a list.

    Attributes:
        name: one of a kind per user.
        email: of the user it acts as.
        prefix: how its text begins; empty for tokens of earlier versions.
        products: None = no limit.
        is_read_only: whether it may change nothing.
        created_ms: when it was made.
        expires_ms: when it ends; None for tokens of earlier versions, which do not.
        last_used_ms: None = never.

    """

    name: str
    email: str
    prefix: str
    products: frozenset[int] | None
    is_read_only: bool
    created_ms: int
    expires_ms: int | None
    last_used_ms: int | None


class Tokens:
    """The API tokens of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.last_used = LastUsed(database, API_TOKENS, API_TOKENS.c.token_id, API_TOKENS.c.last_used_ms)

    def add(
        self,
        name: str,
        email: str,
        *,
        products: Iterable[int] | None = None,
        is_read_only: bool = False,
        days: int = DEFAULT_DAYS,
        actor: str = "command line",
    ) -> str:
        """Make a token that acts as the user for so many days; its text, which cannot be shown again.

        Raises `Problem` for a user who is disabled: it would open nothing, and something once they are enabled.
        """
        if not 0 < len(name) <= _MAX_NAME:
            raise invalid("name", f"A token's name has 1 to {_MAX_NAME} characters.")
        if not 1 <= days <= MAX_DAYS:
            raise invalid("days", f"A token holds for 1 to {MAX_DAYS:,} days.")
        now = self._database.clock.now_ms()
        token = new_secret(PREFIX)
        only = None if products is None else sorted(set(products))
        with self._database.writing() as connection:
            user_id = enabled_user_id(connection, email)
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
                    created_ms=now,
                    prefix=prefix_of(token),
                    expires_ms=now + days * DAY_MS,
                )
                .returning(API_TOKENS.c.token_id)
            ).scalar_one()
            for product_id in only or ():
                _limit(connection, token_id, product_id)
            detail = {"name": name, "products": only, "isReadOnly": is_read_only, "days": days}
            self._database.audit(connection, actor, "token.add", email, detail)
        return token

    def find(self, token: str) -> Caller | None:
        """The caller that the token stands for, with the permissions of this moment; None when it opens nothing."""
        caller = self._caller(API_TOKENS.c.token_hash == hash_of(token)) if token.startswith(PREFIX) else None
        if caller is not None and caller.token_id is not None:
            self.last_used.note(caller.token_id)
        return caller

    def caller(self, token_id: int) -> Caller | None:
        """The same for a token that was found before."""
        return self._caller(API_TOKENS.c.token_id == token_id)

    def _caller(self, is_meant: ColumnElement[bool]) -> Caller | None:
        table, now = API_TOKENS.c, self._database.clock.now_ms()
        with self._database.reading() as connection:
            row = connection.execute(
                select(USERS, table.token_id, table.is_limited, table.is_read_only)
                .join(USERS, USERS.c.user_id == table.user_id)
                .where(
                    is_meant,
                    table.revoked_ms.is_(None),
                    or_(table.expires_ms.is_(None), table.expires_ms > now),
                    USERS.c.disabled_ms.is_(None),
                )
            ).one_or_none()
            if row is None:
                return None
            only = _limits(connection, row.token_id) if row.is_limited else None
            return replace(
                caller_of(connection, row),
                only_products=only,
                is_read_only=row.is_read_only,
                token_id=row.token_id,
            )

    def why_refused(self, token: str) -> str:
        """A sentence for the holder of a token that opens nothing."""
        with self._database.reading() as connection:
            asked = select(API_TOKENS).where(API_TOKENS.c.token_hash == hash_of(token))
            row = connection.execute(asked).one_or_none()
        if row is None:
            return "This API token is unknown."
        if row.revoked_ms is not None:
            return f"This API token was revoked at {to_text(row.revoked_ms)}."
        if row.expires_ms is not None and row.expires_ms <= self._database.clock.now_ms():
            return f"This API token has ended at {to_text(row.expires_ms)}; make a new one."
        return "The user of this API token is disabled."

    def list(self) -> list[TokenEntry]:
        """The tokens that are not revoked, by user and name; the end of one may have passed."""
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
                    name=row.name,
                    email=row.email,
                    prefix=row.prefix,
                    products=_limits(connection, row.token_id) if row.is_limited else None,
                    is_read_only=row.is_read_only,
                    created_ms=row.created_ms,
                    expires_ms=row.expires_ms,
                    last_used_ms=row.last_used_ms,
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
