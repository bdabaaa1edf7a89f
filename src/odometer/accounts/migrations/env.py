"""Alembic's entry: runs the migrations on the connection that `odometer.accounts.database` opened."""

from alembic import context

from odometer.accounts.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
