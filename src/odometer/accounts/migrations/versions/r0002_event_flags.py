"""Flags of events that somebody has set."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "event_flags",
        sa.Column(
            "product_id", sa.BigInteger, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("category", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("basic", sa.Boolean, nullable=False),
        sa.Column("advanced", sa.Boolean, nullable=False),
    )
