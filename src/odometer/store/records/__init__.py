"""Records, the append-only truth."""
