"""What the registry said of a key at the end of each day, from the changes of the key (chapter 07)."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from odometer.model.licenses import Action, LicenseChange, LicenseState

_DAY: Final = dt.timedelta(days=1)
# The store's calendar ends here; no record lies beyond.
_LAST_DAY: Final = dt.date(2149, 6, 5)


def states_of(changes: Sequence[LicenseChange]) -> list[LicenseState]:
    """The states of a key by their first days: from each day on it was what that day's last change made of it.

    `changes` in the order in which they hold. A key expires by itself on the day after its expiry date.
    """
    last = {change.day: change for change in changes}
    found: list[LicenseState] = []
    for day, until in pairwise([*sorted(last), _LAST_DAY]):
        change = last[day]
        if change.action == Action.DELETED:
            found.append(LicenseState(day, holds=False))
            continue
        found.append(_state(change, day))
        expiry = change.after.expiry
        if expiry is not None and not found[-1].expired and expiry < until - _DAY:
            found.append(_state(change, expiry + _DAY))
    return found


def state_at(changes: Sequence[LicenseChange], day: dt.date) -> LicenseState:
    """What the registry said at the end of a day."""
    said = [state for state in states_of(changes) if state.first_day <= day]
    return said[-1] if said else LicenseState(day, holds=False)


def _state(change: LicenseChange, day: dt.date) -> LicenseState:
    key = change.after
    return LicenseState(
        first_day=day,
        holds=True,
        license_type=key.license_type,
        activated=key.activated,
        allowed=key.allowed,
        blocked=key.blocked,
        expired=key.is_expired(day),
    )
