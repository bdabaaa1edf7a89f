"""The language of chapter 02, read once: JSON of a request → frozen predicates, levels and groups."""
