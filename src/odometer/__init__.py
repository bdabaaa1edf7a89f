"""Odometer: self-hosted usage intelligence for installed software."""

from importlib.metadata import version

__version__ = version("odometer")
