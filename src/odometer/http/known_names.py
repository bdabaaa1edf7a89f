"""Who has signed in from where lately: they are let in although others behind the same address fail again and again."""

from collections import OrderedDict
from typing import Final

_DAYS: Final = 30
_REMEMBER_S: Final = _DAYS * 86_400
_AT_MOST: Final = 10_000


class KnownNames:
    """Pairs of a name and an address in the memory of this process, those that were used last; not for many threads."""

    def __init__(self, at_most: int = _AT_MOST) -> None:
        self._at_most = at_most
        # The one that was used longest ago comes first.
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._names: dict[str, set[str]] = {}

    def note(self, name: str, address: str, now: float) -> None:
        """The name has signed in from the address."""
        self._seen.pop((name, address), None)
        self._seen[name, address] = now
        self._names.setdefault(address, set()).add(name)
        self._forget(now)

    def has(self, name: str, address: str, now: float) -> bool:
        """Whether this name has signed in from the address."""
        self._forget(now)
        return name in self._names.get(address, ())

    def has_any(self, address: str, now: float) -> bool:
        """Whether any name has."""
        self._forget(now)
        return address in self._names

    def _forget(self, now: float) -> None:
        while self._seen:
            (name, address), at = next(iter(self._seen.items()))
            if len(self._seen) <= self._at_most and at > now - _REMEMBER_S:
                return
            del self._seen[name, address]
            self._names[address].discard(name)
            if not self._names[address]:
                del self._names[address]
