"""Erasures as the book of them holds them."""

from dataclasses import replace

from odometer.accounts.erasures import Erasures
from odometer.model.erasure import Erasure


def note(book: Erasures, erasure: Erasure, actor: str = "ada") -> None:
    """Note one as an erasure does: begun, what was found, done."""
    book.begin(replace(erasure, pending=("client-01",)))
    book.note_found(erasure.receipt_id, clients=erasure.clients, records=erasure.records, months=erasure.months)
    book.finish(erasure.receipt_id, actor=actor)
