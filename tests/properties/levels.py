"""Segments, levels and whole requests of the generic reports, drawn at random."""

import datetime as dt
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.oracle.selection import FLAGGED
from tests.properties.asking import FLAGS, NUMBERS, PLAIN, TEXTS, Form, conditions, filters, flags, is_daily

ONE_DAY = dt.timedelta(days=1)
# With a third of a minute every value would be an item: how such a number is written is nobody's business here.
_NO_VALUES = ("lifetimeRuntimeMinutes",)
SEGMENTABLE = (*PLAIN, *FLAGGED)
GROUPS = ("machineId", "licenseKey", "C04")
STATUSES = ["new", "active", "lost"]


@st.composite
def _segment(draw: st.DrawFn, name: str, number: int, *, limits: bool) -> Form:
    """One segment object; named ones get the number in their name, or join the item of a value."""
    if name in FLAGGED:
        return {"segmentLabel": f"item {number}", **draw(flags(name))}
    form = draw(conditions(name))
    label = f"item {number}"
    if name in TEXTS and draw(st.integers(0, 5)) == 0:
        label = f"{TEXTS[name][number % len(TEXTS[name])]}"
    if form.get("type") == "numberRange":
        return {**form, "segmentLabel": label}
    if form.get("type") not in ("stringArray", "regex"):
        return {**form, "segmentLabel": label} if draw(st.booleans()) else form
    spelling: Form = draw(
        st.sampled_from(
            [{}, {"split": True}, {"split": True}, {"split": False, "segmentLabel": label}, {"segmentLabel": label}]
        )
    )
    if limits and "segmentLabel" not in spelling:
        spelling = {**spelling, "limit": draw(st.integers(1, 3))}
    return {**form, **spelling}


@st.composite
def _limited(draw: st.DrawFn) -> Form:
    """A level whose limit is sure to leave something out where clients differ."""
    name = draw(st.sampled_from(["prodVersion", "prodVersion", "prodEdition", "prodBuild", "C20", "os.platform"]))
    form: Form = {"type": "regex", "value": draw(st.sampled_from([".*", ".*", "[^2]*"]))}
    if draw(st.integers(0, 3)) == 0:
        form = {"type": "stringArray", "value": list(TEXTS[name])}
    segments = [{**form, "limit": draw(st.sampled_from([1, 1, 2])), "includeNull": draw(st.booleans())}]
    if draw(st.integers(0, 3)) == 0:
        segments.insert(draw(st.integers(0, 1)), draw(_segment(name, 1, limits=True)))
    return {"property": name, "segments": segments}


@st.composite
def level_of(draw: st.DrawFn, name: str) -> Form:
    """One level; without segments every value is an item."""
    limits = draw(st.integers(0, 2)) > 0
    must = name in FLAGGED or name in _NO_VALUES
    count = draw(st.sampled_from([1, 2, 3] if must else [0, 1, 2, 3]))
    segments = [draw(_segment(name, number, limits=limits)) for number in range(count)]
    labels = [segment["segmentLabel"] for segment in segments if "segmentLabel" in segment]
    if len(labels) != len(set(labels)):
        segments = segments[:1]
    if segments:
        return {"property": name, "segments": segments}
    return {"property": name, **draw(st.sampled_from([{}, {"segments": []}, {"segments": None}]))}


@st.composite
def levels(draw: st.DrawFn, *, most: int, daily: bool = False) -> Form | None:
    """The `levels` of a request."""
    names = [name for name in SEGMENTABLE if is_daily(name) or not daily]
    chosen = st.sampled_from(["prodVersion", "prodEdition", "os.version"]) | st.sampled_from(names)
    count = draw(st.sampled_from([0, 1, 1, 2, 2, 3]))
    asked = draw(st.lists(chosen, min_size=min(count, most), max_size=min(count, most), unique=True))
    if not asked:
        return draw(st.sampled_from([None, {}]))
    found = [draw(level_of(name)) for name in asked]
    if draw(st.integers(0, 3)) == 0:
        limited = draw(_limited())
        found = [one for one in found if one["property"] != limited["property"]][: most - 1]
        if most > 1 and draw(st.booleans()):
            # A level above that many clients are not in: they must not be ranked below it.
            some = draw(st.lists(st.sampled_from(TEXTS["clientId"]), min_size=2, max_size=4, unique=True))
            found = [{"property": "clientId", "segments": [{"type": "stringArray", "value": some, "limit": 3}]}]
        found.insert(draw(st.integers(0, len(found))), limited)
    return {f"level{depth}": one for depth, one in enumerate(found, 1)}


@st.composite
def date_ranges(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> tuple[Form, dt.date]:
    """A request of generic/dateRange and T; T lies before data only where days after it leave no trace."""
    present = draw(st.integers(0, 2)) > 0
    silence = draw(st.sampled_from([1, 3, 7, 14, None]))
    late = [last, last + ONE_DAY, *(day + (silence or 40) * ONE_DAY for day in days)]
    today = draw(st.sampled_from([day for day in late if day >= last] if present else days))
    near = [day + n * ONE_DAY for day in days for n in (-4, -1, 0, 0, 1, 5)]
    start, stop = min(days), max(days)
    if draw(st.integers(0, 2)) == 0:
        start = draw(st.sampled_from(near))
        stop = max(start, draw(st.sampled_from([*near, max(days), today])))
    split = draw(st.sampled_from([None, None, "day", "week", "week", "month"]))
    request = {
        "startDate": str(start),
        "stopDate": str(stop),
        "dateSplit": split,
        "levels": draw(levels(most=1 if split else 3, daily=not present)),
        **draw(_common(days, today, silence, present=present)),
    }
    return request, today


@st.composite
def currents(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> tuple[Form, dt.date]:
    """A request of generic/current and T, which is not before any data."""
    silence = draw(st.sampled_from([1, 3, 7, 14, None]))
    late = [last, last + ONE_DAY, *(day + (silence or 40) * ONE_DAY for day in days)]
    today = draw(st.sampled_from([day for day in late if day >= last]))
    starts = [day for day in (*days, *(day + ONE_DAY for day in days), min(days) - ONE_DAY) if day <= today]
    request = {
        "startDate": draw(st.sampled_from([None, *map(str, starts)])),
        "levels": draw(levels(most=3)),
        **draw(_common(days, today, silence, present=True)),
    }
    return request, today


@st.composite
def _common(draw: st.DrawFn, days: Sequence[dt.date], today: dt.date, silence: int | None, *, present: bool) -> Form:
    ungrouped = [None, None, None, "clientId"]
    return {
        "clientStatus": draw(st.just(STATUSES) | st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3)),
        "daysUntilDeclaredLost": silence,
        "dateReportedLost": draw(st.sampled_from([None, "dateLastSeen", "dateDeclaredLost", "dateDeclaredLost"])),
        "globalFilters": draw(filters(days, today, daily=not present)),
        "groupBy": draw(st.sampled_from([*ungrouped, *GROUPS] if present else ungrouped)),
    }


# Properties whose every value can be an item: exhaustive and disjoint.
PARTITIONS = tuple(name for name in (*TEXTS, *NUMBERS, "touchScreen", *FLAGS) if name not in _NO_VALUES)
