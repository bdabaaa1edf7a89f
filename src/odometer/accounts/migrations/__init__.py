"""Alembic migrations of the registry; `env` runs them."""
