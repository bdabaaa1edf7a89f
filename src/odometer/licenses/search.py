"""Searching the license key registry (chapter 07): keys page by page, with what clients make of them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from odometer.model.licenses import KEY_END, KeyFilters, LicenseKey
from odometer.model.patterns import full_match
from odometer.store.answers.license_usage import NOT_USED, LicenseUse
from odometer.store.questions import Questions

_LOOK: Final = 50_000


class KeyBook(Protocol):
    """Where keys are kept; see `odometer.accounts.license_keys`."""

    def page(
        self, product_id: int, filters: KeyFilters, today: dt.date, start: str | None, limit: int
    ) -> list[LicenseKey]:
        """The keys from `start` on in byte order that pass what the book can tell."""

    def quotas(
        self, product_id: int, filters: KeyFilters, today: dt.date, start: str | None, limit: int
    ) -> list[tuple[str, int]]:
        """As `page`, but only the keys and their quotas."""

    def get(self, product_id: int, keys: Iterable[str]) -> dict[str, LicenseKey]:
        """Those of the keys that there are."""


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
        """Answer it; one query counts the clients of the page."""
        filters = self.filters
        if filters.pattern is None and filters.installs is None and filters.over_quota is None:
            keys = book.page(self.product_id, filters, self.today, self.start, self.size + 1)
            ahead = keys[self.size].key if len(keys) > self.size else None
        else:
            names = self._sifted(book, questions)
            ahead = names[self.size] if len(names) > self.size else None
            held = book.get(self.product_id, names[: self.size])
            keys = [held[name] for name in names[: self.size] if name in held]
        shown = keys[: self.size]
        use = questions.license_use(self.product_id, [key.key for key in shown])
        return KeyPage(tuple(KeyInUse(key, use.get(key.key, NOT_USED)) for key in shown), ahead)

    def _sifted(self, book: KeyBook, questions: Questions) -> list[str]:
        """The first keys, one more than a page has, that also pass what only the analytics store can tell.

        Filters by use count the clients of all keys in one query.
        """
        filters = self.filters
        counts: dict[str, int] = {}
        if filters.installs is not None or filters.over_quota is not None:
            counts = questions.license_installs(self.product_id)
        found: list[str] = []
        start = self.start
        while True:
            look = book.quotas(self.product_id, filters, self.today, start, _LOOK)
            found += self._matching([key for key, quota in look if self._counts(counts.get(key, 0), quota)], questions)
            if len(look) < _LOOK or len(found) > self.size:
                return found
            start = look[-1][0] + KEY_END

    def _counts(self, installs: int, quota: int) -> bool:
        by_use, over = self.filters.installs, self.filters.over_quota
        return (by_use is None or by_use.holds(installs)) and (over is None or over.holds(installs - quota))

    def _matching(self, keys: list[str], questions: Questions) -> list[str]:
        pattern = self.filters.pattern
        return keys if pattern is None or not keys else questions.matching(keys, full_match(pattern))


def over_quota(key: LicenseKey, use: LicenseUse) -> int:
    """How many clients too many use the key; negative: free places."""
    return use.installs - key.install_quota
