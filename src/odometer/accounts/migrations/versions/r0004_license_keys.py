"""License keys and every change of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _key() -> tuple[sa.Column[Any], sa.Column[Any]]:
    text = sa.String(256).with_variant(sa.String(256, collation="C"), "postgresql")
    product = sa.ForeignKey("products.product_id", ondelete="CASCADE")
    return (
        sa.Column("product_id", sa.BigInteger, product, nullable=False),
        sa.Column("license_key", text, nullable=False),
    )


def _values() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("license_type", sa.String(16), nullable=False),
        sa.Column("activated", sa.Boolean, nullable=False),
        sa.Column("allowed", sa.Boolean, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("expired", sa.Boolean, nullable=False),
        sa.Column("added", sa.Date, nullable=False),
        sa.Column("expiry", sa.Date),
        sa.Column("auto_collected", sa.Boolean, nullable=False),
        sa.Column("install_quota", sa.BigInteger, nullable=False),
    )


def upgrade() -> None:
    """Create the tables."""
    op.create_table("license_keys", *_key(), *_values(), sa.PrimaryKeyConstraint("product_id", "license_key"))
    op.create_table(
        "license_key_changes",
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        *_key(),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(320), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        *_values(),
        sqlite_autoincrement=True,
    )
    op.create_index("license_key_changes_of_key", "license_key_changes", ["product_id", "license_key"])
    op.create_index("license_key_changes_in_order", "license_key_changes", ["product_id", "change_id"])
