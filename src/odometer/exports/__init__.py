"""Files that callers download: how they are written, kept, linked to, and the jobs that make them (chapters 06, 08)."""
