"""What takes longer than a test suite may: `make test-long` (docs/reliability.md)."""
