"""The registry: users, sessions, tokens, permissions, products, ingestion keys, audit log; one SQL database."""

from odometer.accounts.caller import Caller
from odometer.accounts.permission import Permission
from odometer.accounts.product_settings import Product
from odometer.accounts.registry import Registry, open_registry

__all__ = ["Caller", "Permission", "Product", "Registry", "open_registry"]
