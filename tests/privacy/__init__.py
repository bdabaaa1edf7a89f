"""Erasing clients, and exporting one."""
