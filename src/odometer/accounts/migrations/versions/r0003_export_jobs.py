"""Export jobs: queued, running and finished ones."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "export_jobs",
        sa.Column("export_id", sa.String(32), primary_key=True),
        sa.Column("product_id", sa.BigInteger, nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id", ondelete="SET NULL")),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("today", sa.Date, nullable=False),
        sa.Column("ending", sa.String(16), nullable=False),
        sa.Column("has_license_keys", sa.Boolean, nullable=False),
        sa.Column("active_key", sa.String(64), unique=True),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("clients_written", sa.BigInteger, nullable=False),
        sa.Column("clients_total", sa.BigInteger),
        sa.Column("file_size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("error", sa.String(300)),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("finished_ms", sa.BigInteger),
    )
    op.create_index("export_jobs_of_user", "export_jobs", ["product_id", "user_id"])
