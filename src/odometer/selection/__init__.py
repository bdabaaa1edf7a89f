"""The language of contract 02, read once: JSON of a request → frozen predicates, levels and groups."""
