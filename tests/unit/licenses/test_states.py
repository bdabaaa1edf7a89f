"""States of a key by day, from its changes (chapter 07)."""

import datetime as dt

from odometer.licenses.states import state_at, states_of
from odometer.model.licenses import Action, LicenseChange, LicenseKey

FIRST = dt.date(2031, 6, 10)


def changed(number: int, day: int, action: Action = Action.UPDATED, **values: object) -> LicenseChange:
    key = LicenseKey(key="K", added=FIRST, **values)  # type: ignore[arg-type] # any members, by name
    return LicenseChange(number, dt.date(2031, 6, day), 0, "test", action, key)


def test_without_changes_there_is_nothing() -> None:
    assert states_of([]) == []
    assert not state_at([], FIRST).holds


def test_a_key_may_expire_between_changes_and_come_back() -> None:
    """Expiry on the 12th with a change on the 20th: expired from the 13th to the 19th."""
    changes = [changed(1, 10, expiry=dt.date(2031, 6, 12)), changed(2, 20, expiry=None)]

    assert [(state.first_day.day, state.expired) for state in states_of(changes)] == [
        (10, False),
        (13, True),
        (20, False),
    ]


def test_a_change_on_the_day_of_expiring_replaces_it() -> None:
    """The change of the 13th is what the 13th has at its end."""
    changes = [changed(1, 10, expiry=dt.date(2031, 6, 12)), changed(2, 13, expiry=dt.date(2031, 6, 30))]

    assert [(state.first_day.day, state.expired) for state in states_of(changes)][:2] == [(10, False), (13, False)]


def test_what_is_expired_already_stays_so() -> None:
    assert [state.expired for state in states_of([changed(1, 10, expired=True, expiry=FIRST)])] == [True]
    assert [state.expired for state in states_of([changed(1, 10, expiry=dt.date(1969, 1, 1))])] == [True]
    assert [state.expired for state in states_of([changed(1, 10, expiry=dt.date.max)])] == [False]


def test_a_deleted_key_does_not_expire() -> None:
    changes = [changed(1, 10), changed(2, 12, Action.DELETED, expiry=dt.date(2031, 6, 14))]

    assert [(state.first_day.day, state.holds) for state in states_of(changes)] == [(10, True), (12, False)]
