"""The door to the registry's database: connections that read, transactions that write, the audit trail, migrations."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from odometer.accounts.tables import AUDIT_LOG
from odometer.clock import Clock
from odometer.errors import Problem, StartError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_MS: Final = 10_000
_RETRY_AFTER_S: Final = 5
_MIGRATION_LOCK: Final = 5_106_208_437  # any number that no other user of the same PostgreSQL server takes


class Database:
    """Connections to one migrated registry database."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.clock = clock
        try:
            self._engine = _open_engine(url)
            self._writer = self._engine.execution_options(writes=True)
            self._migrate()
        except (SQLAlchemyError, OSError, Problem) as error:
            # The error's text may hold the address with its password.
            raise StartError(
                f"The registry cannot be opened ({type(error).__name__}): check ODOMETER_REGISTRY."
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at the end of the block unless it raises."""
        with _translated(), self._writer.begin() as connection:
            yield connection

    def audit(
        self, connection: Connection, actor: str, action: str, subject: object, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Note a change in the transaction that makes it, so that neither exists without the other."""
        connection.execute(
            insert(AUDIT_LOG).values(
                at_ms=self.clock.now_ms(),
                actor=actor,
                action=action,
                subject=str(subject),
                detail=json.dumps(detail or {}, default=str),
            )
        )

    def overwrite_deleted(self) -> bool:
        """Let nothing of deleted rows stay in files beside the database; False while others keep it from that."""
        if self._engine.dialect.name != "sqlite":
            return True
        with self.reading() as connection:
            found = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not found[0]

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def _migrate(self) -> None:
        """Bring the tables up to date; processes that start together wait for each other."""
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def _translated() -> Iterator[None]:
    """A database that does not answer, or not in time, is no bug: callers may try again."""
    try:
        yield
    except OperationalError as error:
        message = "The registry does not answer at the moment."
        raise Problem("STORE_UNAVAILABLE", message, retry_after_s=_RETRY_AFTER_S) from error


def _open_engine(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StartError("ODOMETER_REGISTRY is not a database address.") from None
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    if address.database and address.database != ":memory:":
        file = Path(address.database)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives the files beside it the same rights.
        file.touch(mode=0o600)
    engine = create_engine(address)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.isolation_level = None  # the driver would begin transactions too late; `_begin_sqlite` does it
    cursor = connection.cursor()
    # What is deleted is overwritten: the request of an export may have named a client that was erased.
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail at once instead of waiting for its turn.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
