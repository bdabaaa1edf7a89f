"""Backups: from a snapshot of both stores to a folder or bucket, and from there to a data folder again."""
