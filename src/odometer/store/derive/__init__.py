"""Derived rows: what they should be, the one writer of them, and what changes them beside new records.

`statements` says in SQL what the rows of some clients should be, `derivation` writes the difference, `background` does
so behind the writer of records; `erase` and `license_overlay` change what is derived without a record. What other
rooms may use is named here.
"""

from odometer.store.derive.background import Deriver, catch_up
from odometer.store.derive.derivation import Derivation, DeriveAgain, known_products
from odometer.store.derive.erase import Eraser, Held, HeldClient
from odometer.store.derive.license_overlay import FirstRecords, KeyReports, LicenseStates, chunks
from odometer.store.derive.mark import read_mark, write_mark

__all__ = [
    "Derivation",
    "DeriveAgain",
    "Deriver",
    "Eraser",
    "FirstRecords",
    "Held",
    "HeldClient",
    "KeyReports",
    "LicenseStates",
    "catch_up",
    "chunks",
    "known_products",
    "read_mark",
    "write_mark",
]
