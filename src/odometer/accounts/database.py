"""The door to the registry's database: connections that read, transactions that write, the audit trail, migrations."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from odometer.accounts.tables import AUDIT_LOG
from odometer.clock import Clock
from odometer.errors import Problem, StartError

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_BUSY_MS: Final = 10_000
# Those who write wait for each other; with connections of their own they keep nobody who reads from getting one. In a
# file there are as many for reading as there are threads that may look something up, in a server that others use less.
_POOL_WAIT_S: Final = 10
_WRITING: Final = {"pool_size": 4, "max_overflow": 12, "pool_timeout": _POOL_WAIT_S}
_READING: Final = {"pool_size": 8, "max_overflow": 8, "pool_timeout": _POOL_WAIT_S}
_READING_FILE: Final = {"pool_size": 16, "max_overflow": 64, "pool_timeout": _POOL_WAIT_S}
_RETRY_AFTER_S: Final = 5
_MIGRATION_LOCK: Final = 5_106_208_437  # any number that no other user of the same PostgreSQL server takes


class Database:
    """Connections to one migrated registry database."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.clock = clock
        try:
            address = _address_in(url)
            _migrate(address)
            self._reader = _open_engine(address, writes=False)
            self._writer = _open_engine(address, writes=True)
        except ModuleNotFoundError as error:
            raise StartError(
                f"This registry needs {error.name}, which is not installed: pip install 'odometer[postgresql]'."
            ) from None
        except (SQLAlchemyError, OSError, Problem) as error:
            # The error's text may hold the address with its password.
            raise StartError(
                f"The registry cannot be opened ({type(error).__name__}): check ODOMETER_REGISTRY."
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for queries."""
        with _translated(), self._reader.connect() as connection:
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
        if self._reader.dialect.name != "sqlite":
            return True
        with _translated(), self._writer.connect() as connection:
            found = connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not found[0]

    def ping(self) -> None:
        """Raise when the database does not answer."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back every connection."""
        self._reader.dispose()
        self._writer.dispose()


def _migrate(address: URL) -> None:
    """Bring the tables up to date; processes that start together wait for each other."""
    from alembic import command  # noqa: PLC0415 - a tenth of a second that `--help` need not wait for
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    # SQLite changes a table by copying it, and dropping the old one would remove all that refers to it.
    engine = _open_engine(address, writes=True, foreign_keys=False)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """A database that does not answer, or not in time, is no bug: callers may try again."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        message = "The registry does not answer at the moment."
        raise Problem("STORE_UNAVAILABLE", message, retry_after_s=_RETRY_AFTER_S) from error


def _address_in(url: str) -> URL:
    """The database's address; the file of SQLite is there afterwards, for its owner only."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise StartError("ODOMETER_REGISTRY is not a database address.") from None
    if address.get_backend_name() != "sqlite":
        return address
    if not address.database or address.database == ":memory:":
        raise StartError(
            "ODOMETER_REGISTRY has to name a file: in memory each thread would find a registry of its own."
        )
    file = Path(address.database)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # SQLite gives the files beside it the same rights.
    file.touch(mode=0o600)
    return address


def _open_engine(address: URL, *, writes: bool, foreign_keys: bool = True) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True, **(_WRITING if writes else _READING))
    engine = create_engine(address, **(_WRITING if writes else _READING_FILE))
    event.listen(engine, "connect", partial(_prepare_sqlite, foreign_keys=foreign_keys))
    # A transaction that reads first and writes later would fail at once instead of waiting for its turn.
    event.listen(engine, "begin", partial(_begin_sqlite, statement="BEGIN IMMEDIATE" if writes else "BEGIN"))
    return engine


def _prepare_sqlite(connection: Any, _record: object, *, foreign_keys: bool) -> None:  # noqa: ANN401 - the driver's
    connection.isolation_level = None  # the driver would begin transactions too late; `_begin_sqlite` does it
    cursor = connection.cursor()
    keys = f"foreign_keys={'ON' if foreign_keys else 'OFF'}"
    # What is deleted is overwritten: the request of an export may have named a client that was erased.
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", keys, "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection, *, statement: str) -> None:
    connection.exec_driver_sql(statement)
