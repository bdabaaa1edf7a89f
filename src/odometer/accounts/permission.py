"""Permissions per user and product (chapter 00)."""

from collections.abc import Iterable
from enum import StrEnum

from odometer.errors import invalid


class Permission(StrEnum):
    """What a user may do with one product."""

    REPORTING = "reporting"
    DEVELOPER = "developer"
    LICENSE_READ = "license_read"
    LICENSE_WRITE = "license_write"
    LICENSE_FILTERING = "license_filtering"
    ADMIN = "admin"


ALL_PERMISSIONS = frozenset(Permission)
# What a read-only token keeps of its owner's permissions.
READING = frozenset({Permission.REPORTING, Permission.LICENSE_READ, Permission.LICENSE_FILTERING})


def with_implied(granted: Iterable[Permission]) -> frozenset[Permission]:
    """The granted permissions and what they include: developer includes reporting."""
    held = frozenset(granted)
    return held | {Permission.REPORTING} if Permission.DEVELOPER in held else held


def parse_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """The permissions of these names. Raises `Problem` naming the first unknown one."""
    found = set()
    for name in names:
        if name not in list(Permission):
            raise invalid("permissions", f"{name[:40]!r} is no permission; known: {', '.join(Permission)}.")
        found.add(Permission(name))
    return frozenset(found)
