"""Users can be disabled; tokens end; tokens and ingestion keys tell which they are and when they were used last."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Tokens of before have no end, and nobody knows how their text or that of keys began."""
    op.add_column("users", sa.Column("disabled_ms", sa.BigInteger))
    op.add_column("api_tokens", sa.Column("prefix", sa.String(16), nullable=False, server_default=""))
    op.add_column("api_tokens", sa.Column("expires_ms", sa.BigInteger))
    op.add_column("api_tokens", sa.Column("last_used_ms", sa.BigInteger))
    op.add_column("ingestion_keys", sa.Column("name", sa.String(200), nullable=False, server_default=""))
    op.add_column("ingestion_keys", sa.Column("prefix", sa.String(16), nullable=False, server_default=""))
    op.add_column("ingestion_keys", sa.Column("last_used_ms", sa.BigInteger))
