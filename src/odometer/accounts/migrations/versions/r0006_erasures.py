"""Erased clients: which are blocked, and what was erased when."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "blocked_clients",
        sa.Column(
            "product_id", sa.BigInteger, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("client_hash", sa.String(64), primary_key=True),
        sa.Column("blocked_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("receipt_id", sa.String(32), primary_key=True),
        sa.Column("product_id", sa.BigInteger, nullable=False),
        sa.Column("erased_ms", sa.BigInteger, nullable=False),
        sa.Column("clients", sa.Integer, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("months", sa.Text, nullable=False),
        sa.Column("pending", sa.Text),
        sa.Column("rewritten_ms", sa.BigInteger),
        sa.Column("cleaned_ms", sa.BigInteger),
    )
    op.create_index("erasures_of_product", "erasures", ["product_id", "erased_ms"])
