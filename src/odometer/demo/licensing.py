"""Who may use Facet CAD how: plans, trials, license keys, and companies whose people share one key."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any, Final

from odometer.demo.choice import Weighted
from odometer.demo.product import ENTERPRISE, PRO, RESELLERS, STANDARD
from odometer.demo.timeline import Timeline

TRIAL_DAYS: Final = 30
TERM_DAYS: Final = 365

# Share of installations that belong to a company, and how unevenly they spread (the first companies are large).
_COMPANY_SHARE: Final = 0.13
_SKEW: Final = 2.4
_CLIENTS_A_COMPANY: Final = 70
_KEY_SIGNS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

# One key of this product went round on the net; it was blocked late in the history.
LEAKED_KEY: Final = "FC-PRO-LEAK-7HQ2"
LEAKED_QUOTA: Final = 3
LEAK_BLOCKED_AT: Final = 0.72


def new_key(prefix: str, rng: Random) -> str:
    """A random key such as `FC-PRO-7HQ2-M4XB`."""
    signs = [_KEY_SIGNS[rng.getrandbits(5)] for _ in range(8)]
    return f"FC-{prefix}-{''.join(signs[:4])}-{''.join(signs[4:])}"


@dataclass(frozen=True, slots=True)
class Company:
    """A customer with one key for all seats.

    Attributes:
        key: the license key.
        edition: what its people install.
        quota: seats paid for; some companies have more people than seats.
        site: its customer number (C05).
        reseller: who sold it, None when it bought directly (C04).
        upgrade_lag: mean days that its administrators take to roll a release out; None: they stay where they are.
        expires: day number on which the definitions ends and is not renewed, None when it is.

    """

    key: str
    edition: str
    quota: int
    site: str
    reseller: str | None
    upgrade_lag: float | None
    expires: int | None


_EDITIONS: Final = Weighted([(STANDARD, 30), (PRO, 40), (ENTERPRISE, 30)])


class Companies:
    """The companies of a history; each is made from the seed and its number when it is asked for."""

    def __init__(self, seed: int, clients: int, timeline: Timeline) -> None:
        self._seed = seed
        self._people = clients * _COMPANY_SHARE
        self._timeline = timeline
        self.count = max(3, clients // _CLIENTS_A_COMPANY)
        self.company = lru_cache(maxsize=4096)(self._company)

    def employer(self, uniform: float) -> Company:
        """The company of an employee; low numbers are the large ones."""
        return self.company(int(self.count * uniform**_SKEW))

    def _company(self, number: int) -> Company:
        rng = Random(f"{self._seed}/company/{number}")
        edition = _EDITIONS.pick(rng.random())
        share = ((number + 1) / self.count) ** (1 / _SKEW) - (number / self.count) ** (1 / _SKEW)
        # A seventh of the companies has too few seats; the others a few to spare.
        generosity = rng.uniform(0.45, 0.8) if rng.random() < 0.14 else rng.uniform(1.1, 1.6)
        lag = None if rng.random() < 0.06 else 15 + 75 * rng.random()
        expires = int(self._timeline.last * rng.uniform(0.3, 0.95)) if rng.random() < 0.05 else None
        return Company(
            key=new_key(edition[:3].upper(), rng),
            edition=edition,
            quota=max(1, round(self._people * share * generosity)),
            site=f"S-{10000 + number}",
            reseller=RESELLERS.pick(rng.random()) if rng.random() < 0.55 else None,
            upgrade_lag=lag,
            expires=expires,
        )


def license_keys(seed: int, clients: int, months: int, today: dt.date) -> Iterator[dict[str, Any]]:
    """The vendor's own list of keys to the same history: entries for the license key registry (chapter 07).

    Keys of single buyers are not listed; the registry collects them from what clients report.
    """
    timeline = Timeline(months, today)
    companies = Companies(seed, clients, timeline)
    for number in range(companies.count):
        company = companies.company(number)
        expiry = None if company.expires is None else timeline.days[company.expires]
        yield _registry_entry(company.key, company.quota, expiry=expiry, allowed=company.edition == ENTERPRISE)
    yield _registry_entry(LEAKED_KEY, LEAKED_QUOTA, blocked=True)


def _registry_entry(
    key: str, quota: int, *, expiry: str | None = None, allowed: bool = False, blocked: bool = False
) -> dict[str, Any]:
    return {
        "licenseKey": key,
        "licenseType": "purchased",
        "licenseStatus": {"activated": True, "allowed": allowed, "blocked": blocked, "expired": False},
        "expiryDate": expiry,
        "installQuota": quota,
    }
