"""A stored record: the columns of the append-only truth, and the names of its types (chapter 09)."""

from typing import Final, NotRequired, TypedDict

SUMMED_TYPES: Final = frozenset({"client_day", "event_day"})
OPT_TYPES: Final = frozenset({"opt_out", "opt_in"})
LIVE_TYPES: Final = frozenset(
    {
        "session_start",
        "session_stop",
        "heartbeat",
        "properties",
        "event",
        "custom_event",
        "exception",
        "license",
        "reachout_delivered",
        *OPT_TYPES,
    }
)
MAX_SEQ: Final = 2**62 - 1


class RecordRow(TypedDict):
    """One row of the table `records`, ready to be appended; empty text and 0 stand for nothing sent.

    The store adds `product`, `received_ms` (except where a raw event file tells it), `batch_id`, `ingest_no`.
    """

    client: str
    seq: int  # 0: sent without; then `hash` is its identity
    hash: str  # decimal text of the 128-bit hash of the canonical form, "0" with seq
    at_ms: int  # as sent, milliseconds since 1970 UTC; of a summed record midnight of its day
    used_ms: int  # after the clock rule
    day: str  # UTC day of used_ms, YYYY-MM-DD
    type: str
    machine: str
    session: str
    category: str
    name: str
    count: int
    value: str | None  # decimal text, at most 6 decimals
    text: str
    sessions: int
    runtime_ms: int  # -1: not sent
    continent: str
    country: str
    us_state: str
    set: dict[str, str]  # property name to value as text; "" clears
    data: str  # JSON of what only raw exports, custom events, exceptions and deliveries need; "" = nothing
    received_ms: NotRequired[int]  # when it was accepted before, by the store that a raw event file comes from
    canonical: str  # of a record without seq that can decide a last value; "" otherwise
