"""A believable history of a desktop CAD product, made from a seed: for demonstrations, tests of scale, screenshots."""

from odometer.demo.generate import generate
from odometer.demo.licensing import license_keys
from odometer.demo.product import DEMO_PRODUCT, CustomName, DemoProduct

__all__ = ["DEMO_PRODUCT", "CustomName", "DemoProduct", "generate", "license_keys"]
