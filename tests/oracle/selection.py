"""Filters (chapter 02): whether a client, as one of its days shows it, is one of those asked for."""

import datetime as dt
import re
from fractions import Fraction
from typing import Any

from tests.oracle.history import Life
from tests.oracle.wire import DAILY, exact, is_null

Given = dict[str, Any]
# What a property can be: text, number, flag or date; None is null.
Known = str | Fraction | bool | dt.date | None

FAMILIES = {
    "os": ("platform", "version", "edition"),
    "geography": ("continent", "country", "usState"),
    "gpu": ("vendor", "model"),
}
FLAGGED = {
    "licenseStatus": ("activated", "allowed", "blocked", "expired"),
    "optOut": ("current", "historical"),
    "backOff": ("current", "historical"),
}
_OLD_NAMES = {"whitelisted": "allowed", "blacklisted": "blocked"}


def passes(life: Life, day: dt.date, filters: Given | None, today: dt.date) -> bool:
    """Whether all filters hold for a client as it was on one of its active days."""
    return all(_holds(name, given, life, day, today) for name, given in (filters or {}).items())


def known(life: Life, day: dt.date, name: str) -> Known:
    """The value of a property: of that day if it is a daily one, else the last known."""
    if name in DAILY:
        value = life.days[day].values[name]
    elif name in ("clientId", "optOut.current", "optOut.historical", "backOff.current", "backOff.historical"):
        # Nobody is ever told to back off today.
        own: dict[str, Known] = {"clientId": life.client, "optOut.current": life.opt_out_current}
        return {**own, "optOut.historical": life.opt_out_historical}.get(name, False)
    elif name in ("dateInstalled", "dateLastSeen"):
        return life.install if name == "dateInstalled" else life.last_seen
    elif name == "lifetimeSessionCount":
        return Fraction(sum(told.sessions for told in life.days.values()))
    elif name == "lifetimeRuntimeMinutes":
        # Shown, and so compared, with six decimals.
        return Fraction(round(Fraction(sum(told.runtime_ms for told in life.days.values()), 60_000) * 10**6), 10**6)
    else:
        value = life.current.get(name)
    return value if value is None or isinstance(value, str | bool) else Fraction(value)


def flags_hold(name: str, given: Given, life: Life, day: dt.date) -> bool:
    """Whether every flag that is named (licenseStatus, optOut, backOff) is as wanted."""
    wanted = {_OLD_NAMES.get(flag, flag): value for flag, value in given.items()}
    named = [flag for flag in FLAGGED[name] if wanted.get(flag) is not None]
    return all(known(life, day, f"{name}.{flag}") == wanted[flag] for flag in named)


def matches(form: Given, value: Known, today: dt.date) -> bool:
    """Whether a value has one of the forms of the table."""
    wanted = form.get("value")
    if value is None:
        texts = [wanted] if form.get("type") == "string" else wanted if form.get("type") == "stringArray" else None
        return bool(form.get("includeNull")) or any(is_null(one) for one in texts or [])
    if form.get("type") == "stringArray":
        return value in form["value"]
    if form.get("type") == "regex":
        return re.fullmatch(str(wanted), str(value), re.DOTALL | re.ASCII) is not None
    if form.get("type") in ("numberRange", "dateRange"):
        low, high = (comparable(form.get(bound), value, today) for bound in ("min", "max"))
        return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]
    return wanted is not None and comparable(wanted, value, today) == value


def comparable(wanted: Any, value: Known, today: dt.date) -> Known:
    """What a request says, as the kind of thing that it is compared with."""
    if wanted is not None and isinstance(value, dt.date):
        return day_named(wanted, today)
    return Fraction(exact(wanted)) if wanted is not None and isinstance(value, Fraction) else wanted


def day_named(text: str, today: dt.date) -> dt.date:
    """A date as requests write it: YYYY-MM-DD, NOW or NOW-n."""
    if not text.startswith("NOW"):
        return dt.date.fromisoformat(text)
    return today - dt.timedelta(days=int(text[4:] or 0))


def _holds(name: str, given: Any, life: Life, day: dt.date, today: dt.date) -> bool:
    if name == "licenseStatus":
        return any(flags_hold(name, one, life, day) for one in given)
    if name == "lifetimeEventUsage":
        return all(_used(element, life) for element in given)
    # The whole object is turned round: everybody else, whoever that is.
    return _met(name, given, life, day, today) != bool(given.get("exclude"))


def _met(name: str, given: Given, life: Life, day: dt.date, today: dt.date) -> bool:
    if name in FLAGGED:
        return flags_hold(name, given, life, day)
    if name == "reachOutDeliveries":
        return any((mode, one) in life.deliveries for mode in ("auto", "manual") for one in given.get(mode) or [])
    if name in FAMILIES:
        named = [level for level in FAMILIES[name] if given.get(level) is not None]
        return any(
            matches({**given, "value": given[level]}, known(life, day, f"{name}.{level}"), today) for level in named
        )
    return matches(given, known(life, day, name), today)


def _used(element: Given, life: Life) -> bool:
    """Whether the lifetime count over all events that the element matches lies in its bounds."""
    count = 0
    for told in life.days.values():
        for key, (times, _) in told.events.items():
            if is_matched(element, key):
                count += times
    most = element.get("max")
    least = element.get("min")
    if least is None:
        least = 0 if most == 0 else 1
    return bool(least <= count and (most is None or count <= most))


def is_matched(element: Given, key: tuple[str, str]) -> bool:
    """Whether an event element (chapter 04) matches the event of a category ("" for none) and name."""
    category, name = key
    return _fits(element, "category", category) and _fits(element, "name", name)


def _fits(element: Given, member: str, text: str) -> bool:
    """Whether category or name fits; no category is "" here, which only a null category means."""
    wanted = element.get(member)
    if is_null(wanted):
        return text == ""
    if (element.get(f"{member}Type") or "string") == "regex":
        return text != "" and re.fullmatch(str(wanted), text, re.DOTALL | re.ASCII) is not None
    return text == wanted
