"""Valid filters, segments, levels and groups of the query language, drawn at random."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.oracle.selection import FAMILIES, FLAGGED
from tests.oracle.wire import DAILY
from tests.properties.histories import CLIENTS
from tests.properties.values import (
    AWKWARD,
    CAMPAIGNS,
    CORES,
    EDITIONS,
    KEYS,
    LICENSE_TYPES,
    MACHINES,
    RAM,
    SITES,
    UBUNTU,
    VERSIONS,
    Strategy,
)

Form = dict[str, Any]

TEXTS: dict[str, tuple[str, ...]] = {
    "prodVersion": VERSIONS,
    "prodEdition": EDITIONS,
    "prodBuild": AWKWARD,
    "C04": SITES,
    "C20": AWKWARD[:3],
    "vm": ("a.b",),
    "licenseType": LICENSE_TYPES,
    "os.platform": ("Linux", "BeOS"),
    "os.version": (UBUNTU["os.version"],),
    "os.edition": ("Linux Ubuntu 24.04 LTS",),
    "geography.continent": ("Europe", "North America"),
    "geography.country": ("MT", "US"),
    "geography.usState": ("UT",),
    "gpu.vendor": ("Acme",),
    "gpu.model": ("G1",),
    "clientId": CLIENTS,
    "machineId": MACHINES,
    "licenseKey": KEYS,
}
NUMBERS: dict[str, tuple[float, ...]] = {
    "cpuCores": (*CORES, 8.0, 3),
    "ram": RAM,
    "lifetimeSessionCount": (0, 1, 2, 4),
    "lifetimeRuntimeMinutes": (0, 1, 1.5, 0.33),
}
FLAGS = tuple(f"{name}.{flag}" for name, flags in FLAGGED.items() for flag in flags)
_NEVER_NULL = ("clientId", "lifetimeSessionCount", "lifetimeRuntimeMinutes", *FLAGS)
# Patterns that Python and RE2 read alike.
PATTERNS = (
    ".*",
    ".+",
    "[0-9]+",
    "\\d+|a.b",
    "a.b",
    "a\\.b",
    "a\\|b",
    "1|2",
    "1",
    "(1|3)0?.*",
    "[^a]*",
    "\\(x|\\\\d",
    ".*'.*",
    "two.lines",
    "Z\\w+",
    "Z.rich",
    "..",
    "(?i)PRO|std",
    "Linux.*",
    "[A-Z]{2}",
    ".*[-_][a-zB].*",
    "[KM]-?1",
    "日.",
)
_BOTH = st.booleans()


def _text_forms(name: str) -> Strategy:
    values = st.sampled_from([*TEXTS[name], *TEXTS[name], "<NULL>", "nobody"])
    several = st.lists(values, min_size=1, max_size=4)
    forms: list[Strategy] = [
        st.fixed_dictionaries({"type": st.just("string"), "value": values}),
        st.fixed_dictionaries({"type": st.just("stringArray"), "value": several}),
    ]
    if name != "licenseType":
        forms.append(st.fixed_dictionaries({"type": st.just("regex"), "value": st.sampled_from(PATTERNS)}))
    return st.one_of(forms)


@st.composite
def _bounds(draw: st.DrawFn, kind: str, values: Sequence[Any]) -> Form:
    low, high = sorted(draw(st.lists(st.sampled_from(values), min_size=2, max_size=2)))
    bounds = draw(st.sampled_from([{"min": low}, {"max": high}, {"min": low, "max": high}]))
    return {"type": kind, **bounds}


def _number_forms(name: str) -> Strategy:
    values = NUMBERS[name]
    one = st.fixed_dictionaries({"type": st.just("number"), "value": st.sampled_from(values)})
    return one | _bounds("numberRange", values)


_FLAG_FORMS = st.fixed_dictionaries({"value": _BOTH}, optional={"type": st.just("boolean")})


@st.composite
def conditions(draw: st.DrawFn, name: str) -> Form:
    """A form for one property, perhaps with nulls; what filters and segments have in common."""
    forms = _text_forms(name) if name in TEXTS else _number_forms(name) if name in NUMBERS else _FLAG_FORMS
    form: Form = draw(forms)
    if name in _NEVER_NULL:
        return form
    said = draw(st.sampled_from([None, None, False, True, "alone"]))
    if said == "alone":
        return {"includeNull": True}
    return form if said is None else {**form, "includeNull": said}


@st.composite
def flags(draw: st.DrawFn, name: str, *, old_names: bool = False) -> Form:
    """Wanted states of a licenseStatus, optOut or backOff."""
    known = ["whitelisted", "blacklisted", "expired"] if old_names else FLAGGED[name]
    named = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
    return {flag: draw(_BOTH) for flag in named}


@st.composite
def _family(draw: st.DrawFn, name: str) -> Form:
    """A filter on bare os, geography or gpu: one form, a value for each level named."""
    levels = draw(st.lists(st.sampled_from(FAMILIES[name]), min_size=1, max_size=3, unique=True))
    kind = draw(st.sampled_from(["string", "stringArray", "regex"]))
    found: Form = {"type": kind}
    for level in levels:
        value = draw(st.sampled_from([*TEXTS[f"{name}.{level}"], "<NULL>", "nobody"]))
        found[level] = draw(st.sampled_from(PATTERNS)) if kind == "regex" else [value] if kind != "string" else value
    return {**found, **draw(st.sampled_from([{}, {"includeNull": True}]))}


_CATEGORY = st.sampled_from(
    [
        {"category": "Edit"},
        {"category": "(x"},
        {"category": None},
        {},
        {"category": "<NULL>", "categoryType": "string"},
        {"categoryType": "regex", "category": ".*"},
        {"categoryType": "regex", "category": "Edit|.x"},
    ]
)
_NAME = st.sampled_from(
    [{"name": "Crop"}, {"name": "it's", "nameType": "string"}, {"nameType": "regex", "name": "R.*|C.*"}]
)
_TIMES = st.sampled_from([{"min": 1}, {"max": 0}, {"max": 2}, {"min": 0, "max": 3}, {"min": 3}, {"min": 2, "max": 6}])
_ELEMENT = st.builds(lambda *parts: {key: part[key] for part in parts for key in part}, _CATEGORY, _NAME, _TIMES)
_SHOWN = st.lists(st.sampled_from([*CAMPAIGNS, 99]), min_size=1, max_size=2, unique=True)
_DELIVERIES = st.fixed_dictionaries({"auto": _SHOWN}, optional={"manual": _SHOWN}) | st.fixed_dictionaries(
    {"manual": _SHOWN}
)


@st.composite
def _dates(draw: st.DrawFn, days: Sequence[dt.date], today: dt.date) -> Form:
    """One of the two dates; days of the past as NOW-n now and then."""

    def named(day: dt.date) -> str:
        ago = (today - day).days
        return f"NOW-{ago}" if 0 <= ago <= 9999 and draw(_BOTH) else str(day)

    low, high = sorted(draw(st.lists(st.sampled_from(days), min_size=2, max_size=2)))
    bounds = {"min": named(low), "max": named(high)}
    kept = draw(st.sampled_from([("min",), ("max",), ("min", "max")]))
    if draw(st.integers(0, 4)) == 0:
        return {"type": "date", "value": bounds["min"]}
    return {"type": "dateRange", **{bound: bounds[bound] for bound in kept}}


PLAIN = (*TEXTS, *NUMBERS, "touchScreen", *FLAGS)
OBJECTS = (*FAMILIES, "optOut", "backOff", "reachOutDeliveries", "dateInstalled", "dateLastSeen")
LISTS = ("licenseStatus", "lifetimeEventUsage")


@st.composite
def filter_of(draw: st.DrawFn, name: str, days: Sequence[dt.date], today: dt.date) -> Any:
    """A filter on one name of the table."""
    if name == "licenseStatus":
        return draw(st.lists(flags(name) | flags(name, old_names=True), min_size=1, max_size=2))
    if name == "lifetimeEventUsage":
        return draw(st.lists(_ELEMENT, min_size=1, max_size=2))
    if name in FAMILIES:
        form = draw(_family(name))
    elif name in FLAGGED:
        form = draw(flags(name))
    elif name == "reachOutDeliveries":
        form = draw(_DELIVERIES)
    else:
        form = draw(_dates(days, today) if name.startswith("date") else conditions(name))
    return {**form, **draw(st.sampled_from([{}, {}, {"exclude": True}, {"exclude": False}]))}


def is_daily(name: str) -> bool:
    """Whether days after T leave no trace in what the name means."""
    return name in DAILY or name in ("os", "geography", "licenseStatus")


@st.composite
def filters(draw: st.DrawFn, days: Sequence[dt.date], today: dt.date, *, daily: bool = False) -> Form | None:
    """Filters of a request, mostly one or none; `daily`: only on properties that are kept by day."""
    names = [name for name in (*PLAIN, *OBJECTS, *LISTS) if is_daily(name) or not daily]
    # The common ones are drawn more often: they are where clients differ.
    chosen = st.sampled_from(["prodVersion", "prodEdition", "os", "licenseStatus"]) | st.sampled_from(names)
    count = draw(st.sampled_from([0, 0, 1, 1, 1, 2]))
    asked = draw(st.lists(chosen, min_size=count, max_size=count, unique=True))
    if not asked:
        return draw(st.sampled_from([None, {}]))
    return {name: draw(filter_of(name, days, today)) for name in asked}
