"""What tests of exports share."""

from tests.exports.jobs import world

__all__ = ["world"]
