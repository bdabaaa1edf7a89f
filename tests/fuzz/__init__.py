"""Random requests to every operation: `python -m tests.fuzz --requests 1000000` (docs/reliability.md)."""
