"""The registry as one value: its parts share one database that is migrated when it is opened."""

import contextlib
import json
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import insert, select

from odometer.accounts.blocked_clients import BlockedClients
from odometer.accounts.caller import Caller
from odometer.accounts.daily_files import DailyFileBook
from odometer.accounts.database import Database
from odometer.accounts.erasures import Erasures
from odometer.accounts.event_flags import FlagsOfEvents
from odometer.accounts.export_jobs import ExportJobs
from odometer.accounts.keys import Keys
from odometer.accounts.license_keys import LicenseKeys
from odometer.accounts.products import Products
from odometer.accounts.sessions import Sessions
from odometer.accounts.tables import AUDIT_LOG, SIGNING_SECRETS
from odometer.accounts.tokens import Tokens
from odometer.accounts.users import Users
from odometer.clock import Clock
from odometer.errors import Problem


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: who did what to whom."""

    at_ms: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class Registry:
    """Users, sessions, tokens, products and keys; safe to use from many threads."""

    def __init__(self, database: Database, *, users: Users, sessions: Sessions) -> None:
        self._database = database
        self.users = users
        self.sessions = sessions
        self.tokens = Tokens(database)
        self.products = Products(database)
        self.keys = Keys(database)
        self.event_flags = FlagsOfEvents(database)
        self.export_jobs = ExportJobs(database)
        self.license_keys = LicenseKeys(database)
        self.daily_files = DailyFileBook(database)
        self.blocked_clients = BlockedClients(database, cache(lambda: self.signing_secret("blocked clients")))
        self.erasures = Erasures(database)

    def signing_secret(self, name: str) -> bytes:
        """256 random bits for signing, made once per installation and name and shared by all its processes."""
        table = SIGNING_SECRETS
        known = select(table.c.value).where(table.c.name == name)
        with self._database.reading() as connection:
            value = connection.execute(known).scalar_one_or_none()
        if value is None:
            with self._database.writing() as connection:
                value = connection.execute(known).scalar_one_or_none()
                if value is None:
                    value = secrets.token_hex(32)
                    connection.execute(insert(table).values(name=name, value=value))
        return bytes.fromhex(value)

    def audit_log(self, limit: int = 1000) -> list[AuditEntry]:
        """The latest changes, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(AUDIT_LOG).order_by(AUDIT_LOG.c.entry_id.desc()).limit(limit)).all()
        return [AuditEntry(row.at_ms, row.actor, row.action, row.subject, json.loads(row.detail)) for row in rows]

    def caller_again(self, user_id: int, token_id: int | None) -> Caller | None:
        """The caller of an earlier request with the permissions of this moment; None when they may no longer call."""
        return self.users.caller(user_id) if token_id is None else self.tokens.caller(token_id)

    def write_last_uses(self) -> None:
        """Write down when sessions, tokens and keys were used last."""
        self.sessions.last_used.write()
        self.tokens.last_used.write()
        self.keys.last_used.write()

    def ping(self) -> None:
        """Raise when the database does not answer."""
        self._database.ping()

    def close(self) -> None:
        """Write down what is noted and give back every connection; the registry cannot be used afterwards."""
        with contextlib.suppress(Problem):
            self.write_last_uses()
        self._database.close()


def open_registry(
    url: str,
    clock: Clock,
    *,
    session_idle_minutes: int = 60,
    session_hours: int = 12,
    hasher: PasswordHasher | None = None,
) -> Registry:
    """Open the registry at `sqlite:///file` or `postgresql+psycopg://...`, creating or updating its tables.

    Raises `StartError` when that fails. `hasher` lets tests choose a cheap one.
    """
    database = Database(url, clock)
    users = Users(database, hasher or PasswordHasher())
    sessions = Sessions(database, idle_minutes=session_idle_minutes, hours=session_hours)
    return Registry(database, users=users, sessions=sessions)
