"""When an operator has let a user try again who had failed to sign in too often."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("users", sa.Column("unlocked_ms", sa.BigInteger))
