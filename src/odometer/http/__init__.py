"""The HTTP API: the only room beside the dashboard that knows the web framework."""

from odometer.http.factory import create_http
from odometer.http.parts import HttpParts

__all__ = ["HttpParts", "create_http"]
