"""Whose records and derived rows a statement of derivation is about."""

from dataclasses import dataclass
from typing import Any, Final

from odometer.store.records import IS_LINE
from odometer.store.tables import RECORDS

# Greater than every ingest_no.
EVERYTHING: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Scope:
    """The clients of one product that a statement is about: a list, or a range of ids (`low` to `high`).

    `with_duplicates` tells that some record is stored more than once, so that reading has to tell them apart;
    `with_registry` that the license key registry decides over some license types and flags;
    `with_lines` leaves only those clients that have custom events or exceptions.
    """

    product_id: int
    clients: tuple[str, ...] | None = None
    low: str = ""
    high: str = ""
    up_to: int = EVERYTHING
    with_duplicates: bool = True
    with_registry: bool = False
    with_lines: bool = False

    @property
    def condition(self) -> str:
        """SQL on `product` and `client`, with bound parameters."""
        if self.clients is not None:
            return "product = {product:UInt64} AND client IN {clients:Array(String)}"
        return "product = {product:UInt64} AND client BETWEEN {low:String} AND {high:String}"

    @property
    def records(self) -> str:
        """The same for the table `records`, without commits after `up_to`: those may be half written."""
        stored = self.condition + " AND ingest_no <= {up_to:UInt64}"
        if not self.with_lines:
            return stored
        return f"{stored} AND client IN (SELECT client FROM {RECORDS} WHERE {stored} AND {IS_LINE})"

    @property
    def params(self) -> dict[str, Any]:
        """The parameters that `condition` and `records` bind."""
        shared = {"product": self.product_id, "up_to": self.up_to}
        if self.clients is not None:
            return {**shared, "clients": list(self.clients)}
        return {**shared, "low": self.low, "high": self.high}
