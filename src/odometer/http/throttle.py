"""Login throttling: how many failures an address may have within a sliding window, in all and with one user name.

A user name alone is never locked: whoever knows it could keep its owner out from anywhere. An address is not locked for
names that have signed in from it: many people may share it, and one of them could keep out the others.
"""

import hashlib
import ipaddress
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from odometer.errors import Problem
from odometer.http.known_names import KnownNames

# Beyond this many remembered names and addresses the outdated ones are dropped.
_TIDY_ABOVE: Final = 10_000
_IPV6_HOME_BITS: Final = 64


class LoginThrottle:
    """Counts attempts in the memory of this process. An attempt counts as failed until it is taken back.

    Counting first means that many attempts at the same moment cannot slip through together.
    """

    def __init__(self, per_user: int, per_address: int, window_minutes: int, monotonic_s: Callable[[], float]) -> None:
        self._limits = {"user": per_user, "address": per_address}
        self._window_s = window_minutes * 60
        self._monotonic_s = monotonic_s
        self._failures: dict[tuple[str, str], deque[float]] = {}
        self._known = KnownNames()
        self._lock = threading.Lock()

    def check_address(self, address: str) -> None:
        """Raise `Problem` TOO_MANY_REQUESTS when nobody may sign in from the address now; counts nothing."""
        home = _home_of(address)
        with self._lock:
            now = self._monotonic_s()
            if not self._known.has_any(home, now):
                self._refuse_for(self._wait_s(("address", home), now))

    def begin(
        self, user_name: str, address: str, *, unlocked_ms: int = 0, is_unlocked: bool = False
    ) -> Callable[[], None]:
        """Count an attempt; call what is returned unless it has failed.

        Raises `Problem` TOO_MANY_REQUESTS, counting nothing, when the address had too many failures, with this user
        name or in all; in all does not matter to a name that has signed in from there lately (`welcome`), or that an
        operator has unlocked lately (`is_unlocked`). Failures with the name from before `unlocked_ms` are forgiven.
        """
        user_key, home = _key_of(user_name), _home_of(address)
        keys = [("user", f"{user_key} {unlocked_ms} {home}"), ("address", home)]
        with self._lock:
            now = self._monotonic_s()
            self._tidy(now)
            deciding = keys[:1] if is_unlocked or self._known.has(user_key, home, now) else keys
            self._refuse_for(max(self._wait_s(key, now) for key in deciding))
            for key in keys:
                self._failures.setdefault(key, deque()).append(now)
        return lambda: self._take_back(keys, now)

    def welcome(self, user_name: str, address: str) -> None:
        """Remember for 30 days that this user has signed in from there."""
        with self._lock:
            self._known.note(_key_of(user_name), _home_of(address), self._monotonic_s())

    @staticmethod
    def _refuse_for(wait_s: float) -> None:
        if wait_s > 0:
            minutes = math.ceil(wait_s / 60)
            message = f"Too many failed logins; try again in {minutes:,} minute{'s' if minutes > 1 else ''}."
            raise Problem("TOO_MANY_REQUESTS", message, retry_after_s=math.ceil(wait_s))

    def _wait_s(self, key: tuple[str, str], now: float) -> float:
        """Seconds until the key has less failures than allowed; 0 = now."""
        found = self._failures.get(key, deque())
        while found and found[0] <= now - self._window_s:
            found.popleft()
        allowed = self._limits[key[0]]
        return found[len(found) - allowed] + self._window_s - now if len(found) >= allowed else 0.0

    def _take_back(self, keys: list[tuple[str, str]], at: float) -> None:
        with self._lock:
            for key in keys:
                if at in self._failures.get(key, ()):
                    self._failures[key].remove(at)

    def _tidy(self, now: float) -> None:
        if len(self._failures) > _TIDY_ABOVE:
            oldest = now - self._window_s
            self._failures = {key: found for key, found in self._failures.items() if found and found[-1] > oldest}


def _key_of(user_name: str) -> str:
    return hashlib.sha256(user_name.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def _home_of(address: str) -> str:
    """The address, for IPv6 its network: one household has 2^64 addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), _IPV6_HOME_BITS), strict=False))
