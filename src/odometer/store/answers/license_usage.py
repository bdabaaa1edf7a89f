"""How many clients use which license key, and until when: of the last known keys in the table `client`."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from odometer.model.properties import BY_NAME
from odometer.store.answers.ask import Ask
from odometer.store.tables import CLIENT

_KEY: Final = BY_NAME["licenseKey"].column


@dataclass(frozen=True, slots=True)
class LicenseUse:
    """Clients whose last known key is one, and the latest day one of them was active (None = there is none)."""

    installs: int
    last_seen: dt.date | None


NOT_USED: Final = LicenseUse(0, None)


def license_installs(ask: Ask, product_id: int) -> dict[str, int]:
    """How many clients use each key; keys without one are missing."""
    rows = ask(
        f"""
        SELECT {_KEY}, sum(sign) AS clients FROM {CLIENT}
        WHERE product = {{product:UInt64}} AND {_KEY} != '' GROUP BY {_KEY} HAVING clients > 0""",
        {"product": product_id},
    )
    return {key: int(clients) for key, clients in rows}


def license_use(ask: Ask, product_id: int, keys: Sequence[str]) -> dict[str, LicenseUse]:
    """The use of these keys; those without a client are missing.

    A client that was seen again may still have its old row beside the one that takes it away: only what is left for
    a key and a day counts.
    """
    if not keys:
        return {}
    rows = ask(
        f"""
        SELECT {_KEY}, sum(clients), max(last_seen) FROM (
            SELECT {_KEY}, last_seen, sum(sign) AS clients FROM {CLIENT}
            WHERE product = {{product:UInt64}} AND {_KEY} IN {{keys:Array(String)}}
            GROUP BY {_KEY}, last_seen HAVING clients > 0
        ) GROUP BY {_KEY}""",
        {"product": product_id, "keys": list(keys)},
    )
    return {key: LicenseUse(int(clients), last_seen) for key, clients, last_seen in rows}
