"""Files that callers download: how they are written, kept, linked to, and the jobs that make them (contract 06, 08)."""
