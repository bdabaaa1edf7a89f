"""Searching the license key registry (contract 07): keys page by page, with what clients make of them."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from odometer.model.licenses import KeyFilters, LicenseKey
from odometer.store.conditions import full_match
from odometer.store.license_use import NOT_USED, LicenseUse
from odometer.store.questions import Questions

_LOOK: Final = 10_000
# Keys hold no control characters, so nothing lies between a key and this.
_NEXT: Final = "\x01"


class KeyBook(Protocol):
    """Where keys are kept; see `odometer.accounts.license_keys`."""

    def page(
        self, product_id: int, filters: KeyFilters, today: dt.date, start: str | None, limit: int
    ) -> list[LicenseKey]:
        """The keys from `start` on in byte order that pass what the book can tell."""


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """A key and how it is used."""

    key: LicenseKey
    use: LicenseUse


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Keys in byte order; `next_key` is the first of the next page, None at the end."""

    keys: tuple[KeyInUse, ...]
    next_key: str | None


@dataclass(frozen=True, slots=True)
class Search:
    """One question to the registry: the keys of a product from `start` on that pass the filters."""

    product_id: int
    filters: KeyFilters
    today: dt.date
    start: str | None
    size: int

    def page(self, book: KeyBook, questions: Questions) -> KeyPage:
        """Answer it. Filters by use count all keys in one query; others only those of the page."""
        counts = self.filters.installs is not None or self.filters.over_quota is not None
        use = questions.license_use(self.product_id) if counts else {}
        found: list[LicenseKey] = []
        for keys in self._looks(book, must_sift=counts or self.filters.pattern is not None):
            found += self._sifted(keys, use, questions)
            if len(found) > self.size:
                break
        shown = found[: self.size]
        if not counts:
            use = questions.license_use(self.product_id, [key.key for key in shown])
        ahead = found[self.size].key if len(found) > self.size else None
        return KeyPage(tuple(KeyInUse(key, use.get(key.key, NOT_USED)) for key in shown), ahead)

    def _looks(self, book: KeyBook, *, must_sift: bool) -> Iterator[list[LicenseKey]]:
        """The keys that the book gives, some at a time."""
        limit, start = _LOOK if must_sift else self.size + 1, self.start
        while True:
            keys = book.page(self.product_id, self.filters, self.today, start, limit)
            yield keys
            if len(keys) < limit:
                return
            start = keys[-1].key + _NEXT

    def _sifted(
        self, keys: Sequence[LicenseKey], use: Mapping[str, LicenseUse], questions: Questions
    ) -> list[LicenseKey]:
        """Those that also pass what only the analytics store can tell."""
        filters = self.filters
        if filters.pattern is not None:
            matching = set(questions.matching([key.key for key in keys], full_match(filters.pattern)))
            keys = [key for key in keys if key.key in matching]
        if filters.installs is not None:
            keys = [key for key in keys if filters.installs.holds(use.get(key.key, NOT_USED).installs)]
        if filters.over_quota is not None:
            keys = [key for key in keys if filters.over_quota.holds(over_quota(key, use.get(key.key, NOT_USED)))]
        return list(keys)


def over_quota(key: LicenseKey, use: LicenseUse) -> int:
    """How many clients too many use the key; negative: free places."""
    return use.installs - key.install_quota
