"""An erasure of clients: what it removed, and how far its traces are gone from the disk (chapter 09, Deleting)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What is remembered of an erasure; once it is done, it does not tell who was erased.

    Attributes:
        receipt_id: what the receipt is known by.
        product_id: of one product.
        erased_ms: when it was begun; when it is done, no answer knows the clients.
        clients: how many there were.
        records: how many of theirs were removed.
        months: the partitions of the analytics store that held them.
        pending: the clients, until it is done.
        rewritten_ms: when these had been written anew, by the engine's clock; None = not yet.
        cleaned_ms: when what was there before had left the disk; None = not yet.

    """

    receipt_id: str
    product_id: int
    erased_ms: int
    clients: int = 0
    records: int = 0
    months: frozenset[str] = frozenset()
    pending: tuple[str, ...] = ()
    rewritten_ms: int | None = None
    cleaned_ms: int | None = None
