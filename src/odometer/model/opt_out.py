"""The opt-out rule of chapter 09: which records count, judged by the nearest opt record before them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

K = TypeVar("K")


@dataclass(frozen=True, slots=True, order=True)
class OptRecord:
    """An opt_out (`is_out`) or opt_in; `seq` is 0 when it was sent without one."""

    seq: int
    used_ms: int
    canonical: str
    is_out: bool


def counts(seq: int, used_ms: int, opts: Iterable[OptRecord]) -> bool:
    """Whether a record counts: its nearest opt record of smaller seq (without seq: of earlier time) is no opt_out.

    A record with a seq looks at opt records without one, by time, only where none with a seq precedes it.
    """
    if seq:
        before = [opt for opt in opts if 0 < opt.seq < seq]
        if before:
            return not max(before).is_out
        opts = [opt for opt in opts if not opt.seq]
    before = [opt for opt in opts if opt.used_ms < used_ms]
    return not before or not max(before, key=lambda opt: (opt.used_ms, opt)).is_out


def by_client(rows: Iterable[tuple[K, int, int, str, Any]]) -> dict[K, list[OptRecord]]:
    """Opt records by their client, from rows of the client's key and the members of `OptRecord`."""
    found: dict[K, list[OptRecord]] = {}
    for client, seq, used_ms, canonical, is_out in rows:
        found.setdefault(client, []).append(OptRecord(seq, used_ms, canonical, bool(is_out)))
    return found


def sent_after_opt_out(
    records: Iterable[tuple[str, int, int, int]], opts: dict[str, list[OptRecord]]
) -> list[tuple[str, int, int]]:
    """The identities (client, seq, hash) of the records that do not count; `records` add the used time to it."""
    return [(client, seq, hash_) for client, seq, hash_, used_ms in records if not counts(seq, used_ms, opts[client])]


def is_out_now(opts: Iterable[OptRecord]) -> bool:
    """Whether the greatest opt record is an opt_out (optOut.current)."""
    greatest = max(opts, default=None)
    return greatest is not None and greatest.is_out
