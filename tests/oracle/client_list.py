"""The clients of a product one by one (chapter 06): their last known values, and their days in a range."""

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from tests.oracle.groups import until
from tests.oracle.history import Life
from tests.oracle.selection import FAMILIES, FLAGGED, Given, Known, day_named, known, passes
from tests.oracle.wire import DAILY

PAGE = 200
OLD_FLAGS = {"licenseStatus.whitelisted": "licenseStatus.allowed", "licenseStatus.blacklisted": "licenseStatus.blocked"}
NUMBERS = (
    *("cpuCores", "ram", "displayCount", "resolutionWidth", "resolutionHeight", "screenPpi", "javaVmRam"),
    *("lifetimeSessionCount", "lifetimeRuntimeMinutes"),
)
FLAGS = tuple(f"{name}.{flag}" for name, flags in FLAGGED.items() for flag in flags)
DATES = ("dateInstalled", "dateLastSeen")
LISTS = ("lifetimeEventUsage", "reachOutDeliveries.auto", "reachOutDeliveries.manual")
TEXTS = (
    *(name for name in DAILY if name not in FLAGS),
    *("licenseKey", "machineId", "osWordLength", "formFactor", "cpuType", "vm"),
    *(f"gpu.{level}" for level in FAMILIES["gpu"]),
    *("dotNetVersion", "javaVersion", "javaVendor", "javaRuntime", "javaGraphics", "javaVmVersion", "javaVmName"),
)
# Everything that can be asked of a client beside its id.
PROPERTIES = (*TEXTS, *NUMBERS, "touchScreen", *FLAGS, *DATES, *LISTS)


def clients(lives: Iterable[Life], request: Given, today: dt.date) -> list[Given]:
    """All clients that pass the filters, as objects, in the byte order of their ids."""
    everyone = until(lives, today)
    names = campaign_names(everyone)
    asked = [life for life in everyone if passes(life, life.last_seen, request.get("globalFilters"), today)]
    return [_shown(life, request, today, names) for life in sorted(asked, key=lambda life: life.client.encode())]


def page(lives: Iterable[Life], request: Given, today: dt.date, size: int = PAGE) -> Given:
    """The answer body of clientPropertyList."""
    start = (request.get("startAtClientId") or "").encode()
    found = [one for one in clients(lives, request, today) if one["clientId"].encode() >= start]
    if len(found) <= size:
        return {"result": found, "reachedEnd": True}
    return {"result": found[:size], "reachedEnd": False, "nextClientId": found[size]["clientId"]}


def campaign_names(lives: Iterable[Life]) -> dict[int, str]:
    """What each campaign is called: by the record of the latest moment that names it, whichever client's."""
    told = sorted((moment, name, campaign) for life in lives for moment, campaign, name in life.campaign_names)
    return {campaign: name for _, name, campaign in told}


def _shown(life: Life, request: Given, today: dt.date, names: dict[int, str]) -> Given:
    found: Given = {"clientId": life.client}
    for name in request.get("properties") or []:
        found[name] = life.client if name == "clientId" else _value(life, life.last_seen, name, names)
    wanted = request.get("retDailyData")
    if wanted is not None:
        start, stop = day_named(wanted["startDate"], today), day_named(wanted["stopDate"], today)
        found["dailyData"] = [
            {"date": str(day), **{name: _value(life, day, name, names) for name in wanted.get("properties") or []}}
            for day in sorted(life.days)
            if start <= day <= stop
        ]
    return found


def _value(life: Life, day: dt.date, name: str, names: dict[int, str]) -> Any:
    if name == "lifetimeEventUsage":
        return _usage(life)
    if name.startswith("reachOutDeliveries."):
        mode = name.partition(".")[2]
        shown = sorted(campaign for one, campaign in life.deliveries if one == mode)
        return [{"reachoutId": campaign, "name": names.get(campaign)} for campaign in shown]
    return _plain(name, known(life, day, OLD_FLAGS.get(name, name)))


def _plain(name: str, value: Known) -> Any:
    if value is None:
        return None if name in (*NUMBERS, "touchScreen") else "<NULL>"
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    return str(value) if isinstance(value, dt.date) else value


def _usage(life: Life) -> list[Given]:
    counts: dict[tuple[str, str], int] = {}
    for told in life.days.values():
        for event, (count, _) in told.events.items():
            counts[event] = counts.get(event, 0) + count
    named = sorted(counts.items(), key=lambda one: [(text.casefold(), text) for text in one[0]])
    return [
        {"eventCategory": category or None, "eventName": name, "eventCount": count}
        for (category, name), count in named
        if count > 0
    ]
