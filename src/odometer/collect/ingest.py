"""Receiving a live batch (chapter 09): parse, append exactly once, tell the sender what became of each record."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from odometer.clock import Clock
from odometer.collect.envelope import ParsedBatch, ParseOptions, is_small, parse_batch
from odometer.store.records import Appended, Batch, Writer


@dataclass(frozen=True, slots=True)
class Receipt:
    """A batch on its way to disk: `stored` resolves when it is durable, `answer` then says what the sender is told."""

    parsed: ParsedBatch
    stored: Future[Appended]

    def answer(self) -> dict[str, Any]:
        """The answer body; the three counts sum to the records sent. Call it when `stored` is done."""
        stored = self.stored.result()
        unwelcome = [
            *(
                self._refusal(place, "OPTED_OUT", "This client has opted out of usage collection.")
                for place in stored.opted_out
            ),
            *(self._refusal(place, "BLOCKED", "This client is blocked.") for place in stored.blocked),
        ]
        refused = [item.as_dict() for item in self.parsed.refused if item.key is None or item.key not in stored.known]
        rejected = sorted([*refused, *unwelcome], key=lambda item: item["index"])
        duplicates = stored.duplicates + len(self.parsed.refused) - len(refused)
        more = {"ignored": self.parsed.ignored.counts, "conflicts": stored.conflicts}
        return {
            "accepted": len(self.parsed.rows) - stored.duplicates - len(unwelcome),
            "duplicates": duplicates,
            "rejected": rejected,
            "backOffDays": 0,
            "disabled": stored.disabled,
            **{name: value for name, value in more.items() if value},
        }

    def _refusal(self, place: int, code: str, message: str) -> dict[str, Any]:
        index, seq = self.parsed.positions[place], self.parsed.rows[place]["seq"]
        return {"index": index, "seq": seq, "code": code, "field": None, "message": message}


# Reads a body: `parse_batch`, or the same in another process.
Parse = Callable[[bytes, ParseOptions, int], ParsedBatch]


class Ingest:
    """Takes batches of any product; the caller has checked the ingestion key."""

    def __init__(self, writer: Writer, clock: Clock, parse_large: Parse = parse_batch) -> None:
        """`parse_large` reads bodies that are not small."""
        self._writer = writer
        self._clock = clock
        self._parse_large = parse_large

    def receive_small(self, product_id: int, body: bytes, options: ParseOptions) -> Receipt | None:
        """As `receive` for a body that takes some milliseconds; None, and nothing done, for a larger one."""
        return self._receive(parse_batch, product_id, body, options) if is_small(body, options) else None

    def receive(self, product_id: int, body: bytes, options: ParseOptions) -> Receipt:
        """Parse a body and hand it to the writer. Blocking for as long as parsing takes.

        Raises `Problem`: MALFORMED_JSON, INVALID_FIELD, BODY_TOO_LARGE for the envelope, BUSY when behind.
        """
        return self._receive(self._parse_large, product_id, body, options)

    def _receive(self, parse: Parse, product_id: int, body: bytes, options: ParseOptions) -> Receipt:
        received_ms = self._clock.now_ms()
        parsed = parse(body, options, received_ms)
        refused = [one.key for one in parsed.refused if one.key]
        batch = Batch(product_id, parsed.batch_id, received_ms, parsed.rows, refused, parsed.sender)
        return Receipt(parsed, self._writer.append(batch))
