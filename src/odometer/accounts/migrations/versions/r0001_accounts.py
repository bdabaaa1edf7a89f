"""Users, sessions, API tokens, permissions, products, ingestion keys, audit log, signing secrets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first tables."""
    _create_people()
    _create_credentials()
    op.create_table(
        "audit_log",
        sa.Column("entry_id", sa.Integer, primary_key=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(320), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(320), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "signing_secrets",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )


def _create_people() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Integer, primary_key=True),
        sa.Column("email", sa.String(320), nullable=False, unique=True),
        sa.Column("display_name", sa.String(320), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "products",
        sa.Column("product_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("days_until_declared_lost", sa.Integer, nullable=False),
        sa.Column("oldest_date", sa.Date),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "permissions",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "product_id", sa.BigInteger, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("permission", sa.String(32), primary_key=True),
    )


def _create_credentials() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("sessions_of_user", "sessions", ["user_id"])
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.user_id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("is_read_only", sa.Boolean, nullable=False),
        sa.Column("is_limited", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
    )
    op.create_index("api_tokens_of_user", "api_tokens", ["user_id"])
    op.create_table(
        "api_token_products",
        sa.Column("token_id", sa.Integer, sa.ForeignKey("api_tokens.token_id", ondelete="CASCADE"), primary_key=True),
        sa.Column(
            "product_id", sa.BigInteger, sa.ForeignKey("products.product_id", ondelete="CASCADE"), primary_key=True
        ),
    )
    op.create_table(
        "ingestion_keys",
        sa.Column("key_id", sa.Integer, primary_key=True),
        sa.Column(
            "product_id", sa.BigInteger, sa.ForeignKey("products.product_id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("may_set_ip", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger),
    )
    op.create_index("ingestion_keys_of_product", "ingestion_keys", ["product_id"])


def downgrade() -> None:
    """Drop everything."""
    for table in (
        "signing_secrets",
        "audit_log",
        "ingestion_keys",
        "api_token_products",
        "api_tokens",
        "sessions",
        "permissions",
        "products",
        "users",
    ):
        op.drop_table(table)
