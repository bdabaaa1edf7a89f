"""Users: people who log in with a password, and what each may do with each product."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from odometer.accounts.caller import Caller
from odometer.accounts.database import Database
from odometer.accounts.export_jobs import end_jobs_of_user
from odometer.accounts.passwords import checked_password
from odometer.accounts.permission import Permission
from odometer.accounts.products import no_such_product
from odometer.accounts.secret_text import hash_of, new_secret
from odometer.accounts.tables import API_TOKENS, PERMISSIONS, PRODUCTS, SESSIONS, USERS
from odometer.errors import Problem, invalid

_MAX_EMAIL: Final = 320
# In JSON, where a character may take twelve: with the longest password it has to fit into a login of 4 KiB.
_MAX_EMAIL_IN_JSON: Final = 800


@dataclass(frozen=True, slots=True)
class User:
    """A user as people see it in a list."""

    user_id: int
    email: str
    display_name: str
    is_admin: bool
    is_disabled: bool
    permissions: Mapping[int, frozenset[Permission]]


class Users:
    """The users of this installation."""

    def __init__(self, database: Database, hasher: PasswordHasher) -> None:
        self._database = database
        self._hasher = hasher
        # Checked when the user is unknown, so that the answer takes as long as for a wrong password.
        self._nobodys_hash = hasher.hash(new_secret())

    def add(
        self,
        email: str,
        password: str,
        *,
        is_admin: bool = False,
        display_name: str | None = None,
        actor: str = "command line",
    ) -> User:
        """Add a user; an administrator holds every permission on every product."""
        email = _checked_email(email)
        values = {
            "email": email,
            "display_name": (display_name or email)[:_MAX_EMAIL],
            "password_hash": self._hasher.hash(checked_password(password, email)),
            "is_admin": is_admin,
            "created_ms": self._database.clock.now_ms(),
        }
        try:
            with self._database.writing() as connection:
                user_id = connection.execute(insert(USERS).values(values).returning(USERS.c.user_id)).scalar_one()
                self._database.audit(connection, actor, "user.add", email, {"isAdmin": is_admin})
        except IntegrityError:
            raise invalid("email", f"There is a user {email} already.") from None
        return User(user_id, email, str(values["display_name"]), is_admin, is_disabled=False, permissions={})

    def list(self) -> list[User]:
        """All users by email, with what they were granted."""
        with self._database.reading() as connection:
            rows = connection.execute(select(USERS).order_by(USERS.c.email)).all()
            return [
                User(
                    row.user_id,
                    row.email,
                    row.display_name,
                    row.is_admin,
                    row.disabled_ms is not None,
                    granted_to(connection, row.user_id),
                )
                for row in rows
            ]

    def grant(
        self, email: str, product_id: int, permissions: Iterable[Permission], *, actor: str = "command line"
    ) -> None:
        """Let the user do exactly this with the product: what was granted before is replaced; nothing takes all."""
        wanted = sorted(set(permissions))
        with self._database.writing() as connection:
            user_id = _known(connection, email).user_id
            if connection.execute(select(PRODUCTS.c.name).where(PRODUCTS.c.product_id == product_id)).first() is None:
                raise no_such_product(product_id)
            connection.execute(
                delete(PERMISSIONS).where(PERMISSIONS.c.user_id == user_id, PERMISSIONS.c.product_id == product_id)
            )
            if wanted:
                connection.execute(
                    insert(PERMISSIONS),
                    [{"user_id": user_id, "product_id": product_id, "permission": name.value} for name in wanted],
                )
            detail = {"productId": product_id, "permissions": wanted}
            self._database.audit(connection, actor, "user.grant", _checked_email(email), detail)

    def set_password(
        self, email: str, password: str, *, revoke_tokens: bool = False, actor: str = "command line"
    ) -> int:
        """Change the password, end the user's sessions and, when asked to, tokens; how many tokens are in force.

        Failures to sign in of before do not count any more (`unlocked_ms`).
        """
        password_hash = self._hash_of_another(password, email, "password")
        with self._database.writing() as connection:
            user = _known(connection, email)
            self._unlock(connection, user)
            return self._replace_password(connection, user, password_hash, revoke_tokens=revoke_tokens, actor=actor)

    def set_own_password(self, caller: Caller, password: str, *, revoke_tokens: bool) -> int:
        """As `set_password`, asked for by somebody who has just given the old one (`check_password`)."""
        password_hash = self._hash_of_another(password, caller.email, "newPassword")
        with self._database.writing() as connection:
            user = still_signed_in(connection, caller)
            return self._replace_password(
                connection, user, password_hash, revoke_tokens=revoke_tokens, actor=caller.email
            )

    def _hash_of_another(self, password: str, email: str, field: str) -> str:
        """The hash of a new password for the user. Raises `Problem` when it may not be one, or is the one of now."""
        checked_password(password, _normal(email), field)
        with self._database.reading() as connection:
            asked = select(USERS.c.password_hash).where(USERS.c.email == _normal(email))
            before = connection.execute(asked).scalar_one_or_none()
        if before is not None and self._opens(before, password):
            raise invalid(field, "This is the password that is to be changed; take another one.")
        return self._hasher.hash(password)

    def _opens(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _replace_password(
        self, connection: Connection, user: Row[Any], password_hash: str, *, revoke_tokens: bool, actor: str
    ) -> int:
        connection.execute(update(USERS).where(USERS.c.user_id == user.user_id).values(password_hash=password_hash))
        self._end_sessions(connection, user.user_id)
        if revoke_tokens:
            self._revoke_tokens(connection, user.user_id)
        detail = {"revokeTokens": revoke_tokens}
        self._database.audit(connection, actor, "user.set_password", user.email, detail)
        in_force = select(func.count()).where(*self._in_force(user.user_id))
        return int(connection.execute(in_force).scalar_one())

    def remove(self, email: str, *, actor: str = "command line") -> None:
        """Remove a user with their sessions, tokens, permissions and the exports that are not written yet.

        Raises `Problem` for the last administrator.
        """
        with self._database.writing() as connection:
            user = _known(connection, email)
            _keep_an_administrator(connection, user)
            end_jobs_of_user(connection, user.user_id, self._database.clock.now_ms())
            connection.execute(delete(USERS).where(USERS.c.user_id == user.user_id))
            self._database.audit(connection, actor, "user.remove", user.email)

    def set_disabled(self, email: str, *, disabled: bool, actor: str = "command line") -> None:
        """Keep a user from signing in, which ends sessions and tokens, or let them sign in again.

        What lets them sign in also forgives that they failed to (`unlocked_ms`).
        """
        with self._database.writing() as connection:
            user = _known(connection, email)
            if disabled:
                _keep_an_administrator(connection, user)
                self._end_sessions(connection, user.user_id)
                self._revoke_tokens(connection, user.user_id)
            else:
                self._unlock(connection, user)
            value = self._database.clock.now_ms() if disabled else None
            connection.execute(update(USERS).where(USERS.c.user_id == user.user_id).values(disabled_ms=value))
            self._database.audit(connection, actor, "user.disable" if disabled else "user.enable", user.email)

    def set_admin(self, email: str, *, is_admin: bool, actor: str = "command line") -> None:
        """Make a user an administrator, or no longer one, which ends their sessions and tokens."""
        with self._database.writing() as connection:
            user = _known(connection, email)
            if not is_admin:
                _keep_an_administrator(connection, user)
                self._end_sessions(connection, user.user_id)
                self._revoke_tokens(connection, user.user_id)
            connection.execute(update(USERS).where(USERS.c.user_id == user.user_id).values(is_admin=is_admin))
            self._database.audit(connection, actor, "user.promote" if is_admin else "user.demote", user.email)

    def _unlock(self, connection: Connection, user: Row[Any]) -> None:
        """Forgive failures to sign in; each time is another moment, also by a clock that was set back."""
        now = max(self._database.clock.now_ms(), (user.unlocked_ms or 0) + 1)
        connection.execute(update(USERS).where(USERS.c.user_id == user.user_id).values(unlocked_ms=now))

    def unlocked_ms(self, email: str) -> int:
        """When an operator last let a user try again; 0 = never, or there is no such user."""
        if not email.isprintable():  # as in `check_password`
            return 0
        with self._database.reading() as connection:
            asked = select(USERS.c.unlocked_ms).where(USERS.c.email == _normal(email))
            return connection.execute(asked).scalar_one_or_none() or 0

    def last_unlocked_ms(self) -> int:
        """The last of these moments of any user; 0 = never."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(USERS.c.unlocked_ms))).scalar_one() or 0

    def _end_sessions(self, connection: Connection, user_id: int) -> None:
        connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == user_id))

    def _revoke_tokens(self, connection: Connection, user_id: int) -> None:
        now = self._database.clock.now_ms()
        connection.execute(update(API_TOKENS).where(*self._in_force(user_id)).values(revoked_ms=now))

    def _in_force(self, user_id: int) -> tuple[ColumnElement[bool], ...]:
        """The conditions of the user's tokens that still open something."""
        table, now = API_TOKENS.c, self._database.clock.now_ms()
        has_time = or_(table.expires_ms.is_(None), table.expires_ms > now)
        return (table.user_id == user_id, table.revoked_ms.is_(None), has_time)

    def check_password(self, email: str, password: str) -> Caller | None:
        """The user whose password this is. Takes the same time for an unknown user as for a wrong password."""
        known = email.isprintable()  # half a surrogate pair, for one, cannot even be asked for
        with self._database.reading() as connection:
            asked = select(USERS).where(
                USERS.c.email == (_normal(email) if known else ""), USERS.c.disabled_ms.is_(None)
            )
            row = connection.execute(asked).one_or_none()
        is_right = self._opens(self._nobodys_hash if row is None else row.password_hash, password)
        if row is None or not is_right:
            return None
        with self._database.reading() as connection:
            return replace(caller_of(connection, row), password_proof=_proof_of(row))

    def caller(self, user_id: int) -> Caller | None:
        """The user with the permissions of this moment; None when there is none or they are disabled."""
        with self._database.reading() as connection:
            asked = select(USERS).where(USERS.c.user_id == user_id, USERS.c.disabled_ms.is_(None))
            row = connection.execute(asked).one_or_none()
            return None if row is None else caller_of(connection, row)


def caller_of(connection: Connection, user: Row[Any]) -> Caller:
    """The user of this row of the table with the permissions of this moment."""
    return Caller(user.user_id, user.email, user.display_name, user.is_admin, granted_to(connection, user.user_id))


def still_signed_in(connection: Connection, caller: Caller) -> Row[Any]:
    """The user who has given a password, inside the transaction that lets them do something with it.

    Raises `Problem` BAD_CREDENTIALS when they were removed or disabled meanwhile or have another password by now:
    what ends sessions must not miss the one that is just being opened.
    """
    asked = select(USERS).where(USERS.c.user_id == caller.user_id, USERS.c.disabled_ms.is_(None))
    row = connection.execute(asked.with_for_update()).one_or_none()
    if row is None or _proof_of(row) != caller.password_proof:
        raise Problem("BAD_CREDENTIALS", "The user name or the password is wrong.")
    return row


def _proof_of(user: Row[Any]) -> str:
    """Tells one password of a user from the next, and nothing about it: the stored hash is salted and hashed again."""
    return hash_of(user.password_hash)


def granted_to(connection: Connection, user_id: int) -> dict[int, frozenset[Permission]]:
    """What the user was granted, by product."""
    rows = connection.execute(
        select(PERMISSIONS.c.product_id, PERMISSIONS.c.permission).where(PERMISSIONS.c.user_id == user_id)
    )
    granted: dict[int, frozenset[Permission]] = {}
    for product_id, name in rows:
        granted[product_id] = granted.get(product_id, frozenset()) | {Permission(name)}
    return granted


def user_id_of(connection: Connection, email: str) -> int:
    """The id of a known user. Raises `Problem`."""
    return int(_known(connection, email).user_id)


def enabled_user_id(connection: Connection, email: str) -> int:
    """The id of a known user who may sign in. Raises `Problem`."""
    user = _known(connection, email)
    if user.disabled_ms is not None:
        raise invalid("user", f"{user.email} is disabled; `odometer user enable {user.email}` lets them in again.")
    return int(user.user_id)


def _known(connection: Connection, email: str) -> Row[Any]:
    """The user, who stays as they are until the transaction ends: PostgreSQL has several that write at a time."""
    asked = select(USERS).where(USERS.c.email == _normal(email))
    row = connection.execute(asked.with_for_update()).one_or_none()
    if row is None:
        raise Problem("NOT_FOUND", f"There is no user {email[:_MAX_EMAIL]}.")
    return row


def _normal(email: str) -> str:
    return email.strip().lower()


def _checked_email(email: str) -> str:
    normal = _normal(email)
    is_short = len(normal) <= _MAX_EMAIL and len(json.dumps(normal)) <= _MAX_EMAIL_IN_JSON
    if "@" not in normal or not is_short or not normal.isprintable() or " " in normal:
        raise invalid("email", f"{email[:80]!r} is no email address.")
    return normal


def _keep_an_administrator(connection: Connection, user: Row[Any]) -> None:
    """Raise `Problem` when nobody could administer this installation without the user."""
    others = select(func.count()).where(
        USERS.c.is_admin.is_(True), USERS.c.disabled_ms.is_(None), USERS.c.user_id != user.user_id
    )
    if user.is_admin and connection.execute(others).scalar_one() == 0:
        raise invalid("email", f"{user.email} is the last administrator; make somebody else one first.")
