"""Ids of users, API tokens and ingestion keys are never given again; exports of removed users are not written."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Table, its id, and what the audit log says of each new row: rows that were removed have had ids too.
_TABLES = (
    ("users", "user_id", "user.add"),
    ("api_tokens", "token_id", "token.add"),
    ("ingestion_keys", "key_id", "key.add"),
)


def upgrade() -> None:
    """SQLite gives the greatest id anew when its row is gone, unless the table was made otherwise; others never do."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        if connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one():
            raise RuntimeError("With foreign keys on, copying a table would remove what refers to it.")
        for table, id_column, action in _TABLES:
            with op.batch_alter_table(table, recreate="always", table_kwargs={"sqlite_autoincrement": True}):
                """Copied as it is."""
            _go_on_after(connection, table, id_column, action)
    jobs = sa.table("export_jobs", *(sa.column(name) for name in ("user_id", "status", "active_key", "error")))
    of_nobody = sa.and_(jobs.c.user_id.is_(None), jobs.c.status.in_(("queued", "running")))
    connection.execute(
        sa.update(jobs).where(of_nobody).values(status="failed", active_key=None, error="The user was removed.")
    )


def _go_on_after(connection: sa.Connection, table: str, id_column: str, action: str) -> None:
    """Let the next id be greater than any that was given before, of which there were no more than additions."""
    ids, log = sa.table(table, sa.column(id_column)), sa.table("audit_log", sa.column("action"))
    greatest = connection.execute(sa.select(sa.func.max(ids.c[id_column]))).scalar_one() or 0
    added = connection.execute(sa.select(sa.func.count()).where(log.c.action == action)).scalar_one()
    sequence = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"))
    connection.execute(sa.delete(sequence).where(sequence.c.name == table))
    connection.execute(sa.insert(sequence).values(name=table, seq=max(greatest, added)))
