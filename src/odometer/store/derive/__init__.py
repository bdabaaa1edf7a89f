"""Derived rows."""
