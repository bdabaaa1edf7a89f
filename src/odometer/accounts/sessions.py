"""Sessions: what a browser or script holds after login. They end when idle, after a fixed time, or at logout."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, insert, select, update

from odometer.accounts.caller import Caller
from odometer.accounts.database import Database
from odometer.accounts.last_used import LastUsed
from odometer.accounts.secret_text import hash_of, new_secret
from odometer.accounts.tables import SESSIONS, USERS
from odometer.accounts.users import caller_of, still_signed_in
from odometer.clock import DAY_MS

# An ended session is remembered this long, to answer "expired" instead of "unknown".
_REMEMBER_EXPIRED_MS: Final = 7 * DAY_MS


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was found; `caller` is None when it has expired. `token_hash` is its name inside the server."""

    token_hash: str
    caller: Caller | None


class Sessions:
    """The sessions of all users."""

    def __init__(self, database: Database, *, idle_minutes: int, hours: int) -> None:
        self._database = database
        self._idle_ms = idle_minutes * 60_000
        # Use is noted in steps, and written down later by `last_used`: nobody loses by it, and no call waits for it.
        self._step_ms = self._idle_ms // 60
        self.absolute_s = hours * 3600
        self.last_used = LastUsed(database, SESSIONS, SESSIONS.c.token_hash, SESSIONS.c.last_seen_ms)

    def open(self, caller: Caller) -> str:
        """Start a session of somebody who has just given their password; its token, of which only the hash is kept.

        Raises `Problem` BAD_CREDENTIALS when the user or the password is no longer the one that was checked.
        """
        token = new_secret()
        now = self._database.clock.now_ms()
        with self._database.writing() as connection:
            still_signed_in(connection, caller)
            forgotten = now - self.absolute_s * 1000 - _REMEMBER_EXPIRED_MS
            connection.execute(delete(SESSIONS).where(SESSIONS.c.created_ms < forgotten))
            connection.execute(
                insert(SESSIONS).values(
                    token_hash=hash_of(token), user_id=caller.user_id, created_ms=now, last_seen_ms=now
                )
            )
            self._database.audit(connection, caller.email, "session.open", caller.email)
        return token

    def find(self, token: str) -> Session | None:
        """The session of this token, live or expired; a live one counts as used now. None when unknown or ended."""
        token_hash = hash_of(token)
        with self._database.reading() as connection:
            row = connection.execute(
                select(SESSIONS, USERS)
                .join(USERS, USERS.c.user_id == SESSIONS.c.user_id)
                .where(SESSIONS.c.token_hash == token_hash, USERS.c.disabled_ms.is_(None))
                .with_only_columns(SESSIONS.c.created_ms.label("opened_ms"), SESSIONS.c.last_seen_ms, USERS)
            ).one_or_none()
            caller = None if row is None else caller_of(connection, row)
        if row is None:
            return None
        now = self._database.clock.now_ms()
        last_seen_ms = max(row.last_seen_ms, self.last_used.noted_ms(token_hash))
        # A session from the future was opened while the clock was ahead: it must not hold until the clock is there.
        has_ended = abs(now - row.opened_ms) >= self.absolute_s * 1000
        if has_ended or now - last_seen_ms >= self._idle_ms + self._step_ms:
            return Session(token_hash, None)
        if now - last_seen_ms >= self._step_ms:
            self.last_used.note(token_hash)
        elif last_seen_ms - now >= self._step_ms:
            self._set_back(token_hash, now)
        return Session(token_hash, caller)

    def _set_back(self, token_hash: str, now: int) -> None:
        """The clock was set back: from now on idle time is counted from the present. Once, so it may wait."""
        self.last_used.forget(token_hash)
        with self._database.writing() as connection:
            connection.execute(update(SESSIONS).where(SESSIONS.c.token_hash == token_hash).values(last_seen_ms=now))

    def end(self, session: Session) -> None:
        """End one session."""
        with self._database.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == session.token_hash))
            if session.caller is not None:
                self._database.audit(connection, session.caller.email, "session.end", session.caller.email)

    def end_all(self, caller: Caller) -> None:
        """End every session of the user."""
        with self._database.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.user_id == caller.user_id))
            self._database.audit(connection, caller.email, "session.end_all", caller.email)
