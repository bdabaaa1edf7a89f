"""Histories full of events, and whole requests of the reports that judge clients by them (chapter 04), at random.

T is never before any data.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from tests.oracle.wire import at_ms, day_of
from tests.properties.asking import Form, filter_of, filters
from tests.properties.histories import histories
from tests.properties.levels import GROUPS, ONE_DAY, levels
from tests.properties.values import Strategy
from tests.worlds import ANCHORS, Delivery, World, to_ms

CATEGORIES = ("Edit", "Canvas", "(x", "")
NAMES = ("Crop", "Rotate", "it's")
_USUAL = ("Crop", "Crop", "Crop", "Rotate")
KEYS = tuple((category, name) for category in CATEGORIES for name in NAMES)
# Case does not order them, and one is like a name.
_LABELS = ("any", "Any", "Zürich", "a quote's", "Crop")
# Patterns that Python and RE2 read alike.
_CATEGORY_PATTERNS = (".*", "E.*|C.*", "\\(x", "[^E].*", "(?i)EDIT", "nothing")
_NAME_PATTERNS = (".*", "C.*|R.*", "it's", ".+e", "(?i)crop")
_SILENCES = (1, 3, 7, 14, None)
_DIRECTIONS = st.sampled_from(["asc", "desc", "desc", None])
_SEGMENT_ORDERS = ("alpha", "active", "eventCounts", "uniqueUsersUsedAtLeastOnce", "percentUsedAtLeastOnce", None)
_AVERAGES = ("averageCountPerActiveDay", "averageCountPerActiveWeek", "averageCountPerActiveMonth")
# Hundredths that counts of these worlds meet by their days, weeks and months; far enough apart to be rounded.
_HUNDREDTHS = (0, 10, 33, 50, 67, 100, 133, 150, 200, 250, 300, 333, 500, 1000, 2000)

_CATEGORY: Strategy = st.one_of(
    st.sampled_from([{}, {"category": None}, {"category": "<NULL>"}, {"categoryType": "regex", "category": None}]),
    st.sampled_from(CATEGORIES).map(lambda text: {"category": text}),
    st.sampled_from(_CATEGORY_PATTERNS).map(lambda text: {"categoryType": "regex", "category": text}),
)
_NAME: Strategy = st.one_of(
    st.sampled_from([*NAMES, "?"]).map(lambda text: {"name": text}),
    st.sampled_from(_NAME_PATTERNS).map(lambda text: {"nameType": "regex", "name": text}),
)

Drawn = tuple[Form, dt.date]


@st.composite
def eventful(draw: st.DrawFn, *, own_machines: bool = False) -> World:
    """A dense history (tests.properties.histories) in which most clients do something, some a lot."""
    (quiet,) = draw(histories(own_machines=own_machines))
    clients = sorted({record["clientId"] for record in quiet.records})
    days = sorted({day_of(at_ms(record)) for record in quiet.records})
    some = {
        "clientId": st.sampled_from(clients),
        "type": st.just("event_day"),
        "day": st.sampled_from(days).map(str),
        "category": st.sampled_from([*CATEGORIES[:3], None]),
        "name": st.sampled_from(NAMES),
        "count": st.sampled_from([1, 1, 2, 3, 12, 40, 2**31]),
    }
    done = draw(st.lists(st.fixed_dictionaries(some), min_size=6, max_size=30))
    return [replace(quiet, records=(*quiet.records, *done))]


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """Enough clients for one to lie above the 95th percentile; two on a machine, some with another, quiet day."""
    day = st.sampled_from([ANCHORS[0] + n * ONE_DAY for n in (0, 1, 7, 40)]).map(str)
    records = []
    for number, name in enumerate(draw(st.lists(st.sampled_from(_USUAL), min_size=21, max_size=40))):
        own = {"clientId": f"one-of-many-{number}", "machineId": f"of-{number // 2}", "day": draw(day)}
        count = draw(st.integers(1, 12) | st.integers(1, 90)) if number else draw(st.sampled_from([9, 500, 2**31]))
        records.append({**own, "type": "event_day", "category": "Edit", "name": name, "count": count})
        if draw(st.booleans()):
            records.append({**own, "type": "client_day", "day": draw(day)})
    return [Delivery(tuple(records), to_ms(ANCHORS[0] + 41 * ONE_DAY), "crowd", is_import=True)]


@st.composite
def single_events(draw: st.DrawFn) -> Form:
    """An event by its name, known or not; no category in all its spellings."""
    category = draw(st.sampled_from(["Edit", "Edit", *CATEGORIES, "<NULL>", None, "absent", "edit"]))
    named = {} if category == "absent" else {"category": category}
    types = draw(st.sampled_from([{}, {}, {}, {"categoryType": "string", "nameType": "string"}]))
    return {**types, **named, "name": draw(st.sampled_from([*_USUAL, "it's", "?"]))}


@st.composite
def elements(draw: st.DrawFn) -> Form:
    """An element of a combination."""
    return {**draw(_CATEGORY), **draw(_NAME)}


def known_as(event: Form) -> tuple[str, ...]:
    """What may be asked for once only."""
    if "combiLabel" in event:
        return ("combination", event["combiLabel"])
    category = event.get("category")
    return ("event", "" if category in (None, "<NULL>") else category, event["name"])


def combinations() -> Strategy:
    """Combinations, whose elements may overlap."""
    parts = {"combiLabel": st.sampled_from(_LABELS), "combiArray": st.lists(elements(), min_size=1, max_size=3)}
    return st.fixed_dictionaries(parts)


def events() -> Strategy:
    """The `events` of a request."""
    one = single_events() | single_events() | combinations()
    return st.lists(one, min_size=1, max_size=5, unique_by=known_as)


def event_flags() -> Strategy:
    """Flags of some events; the rest has both."""
    both = st.sampled_from([(False, False), (True, False), (True, False), (True, True)])
    return st.dictionaries(st.sampled_from(KEYS), both, max_size=6)


@st.composite
def ranges(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date, silence: int) -> Drawn:
    """A range, mostly that of all data, and T."""
    late = [*[day + silence * ONE_DAY for day in reversed(days)] * 3, last, last + ONE_DAY]
    today = draw(st.sampled_from([day for day in late if day >= last]))
    start, stop = min(days), max(days)
    if draw(st.integers(0, 3)) == 0:
        near = [day + n * ONE_DAY for day in days for n in (-4, -1, 0, 0, 1, 5)]
        start = draw(st.sampled_from(near))
        stop = max(start, draw(st.sampled_from([*near, max(days), today])))
    ends_now = start <= today and draw(st.integers(0, 5)) == 0
    return {"startDate": str(start), "stopDate": "NOW" if ends_now else str(stop)}, today


@st.composite
def _filters(draw: st.DrawFn, days: Sequence[dt.date], today: dt.date) -> Form | None:
    """Mostly none: who is left out does nothing."""
    kind = draw(st.sampled_from(["none", "none", "none", "any", "usage"]))
    if kind == "usage":
        return {"lifetimeEventUsage": draw(filter_of("lifetimeEventUsage", days, today))}
    return draw(filters(days, today)) if kind == "any" else None


@st.composite
def segments(draw: st.DrawFn) -> Form:
    """`segmentBy` and `segments`: one level in the other spelling."""
    drawn = draw(levels(most=1))
    if not drawn:
        return draw(st.sampled_from([{}, {"segmentBy": None, "segments": None}]))
    level = drawn["level1"]
    return {"segmentBy": level["property"], **({"segments": level["segments"]} if "segments" in level else {})}


@st.composite
def _sorting(draw: st.DrawFn) -> Form:
    orders = {
        "events": st.sampled_from(["alpha", "eventCounts", "uniqueUsersUsedAtLeastOnce", None]),
        "eventsDirection": _DIRECTIONS,
        "segments": st.sampled_from(_SEGMENT_ORDERS),
        "segmentsDirection": _DIRECTIONS,
    }
    sorting = draw(st.fixed_dictionaries({}, optional=orders))
    return draw(st.sampled_from([{"sorting": sorting}, {"sorting": sorting}, {"sorting": None}, {}]))


@st.composite
def _table_members(draw: st.DrawFn) -> Form:
    paging = [{}, {}, {"page": None}, {"page": 1}, {"pageSize": 2}]
    page = {"page": draw(st.integers(1, 3)), "pageSize": draw(st.integers(1, 4))}
    return {
        **draw(segments()),
        **draw(st.fixed_dictionaries({}, optional={"events": st.none() | events()})),
        **draw(st.fixed_dictionaries({}, optional={"categorizeEvents": st.sampled_from([True, True, False, None])})),
        **draw(_sorting()),
        **draw(st.sampled_from([*paging, page, page])),
    }


def _number(hundredths: int, rest: str) -> float:
    """A number of so many hundredths, perhaps with a third decimal that is rounded away, up from a half."""
    text = f"{hundredths // 100}.{hundredths % 100:02}{rest}"
    return int(text[:-3]) if text.endswith(".00") else float(text)


@st.composite
def _average_bounds(draw: st.DrawFn) -> tuple[float, list[float | str]]:
    places = draw(st.lists(st.sampled_from(_HUNDREDTHS), min_size=1, max_size=5, unique=True).map(sorted))
    lower = draw(st.sampled_from([place for place in _HUNDREDTHS if place <= places[0]]))
    uppers: list[float | str] = [_number(place, draw(st.sampled_from(["", "", "4", "5"]))) for place in places]
    return _number(lower, ""), uppers


@st.composite
def _count_bounds(draw: st.DrawFn) -> tuple[float, list[float | str]]:
    uppers = draw(st.lists(st.sampled_from([1, 2, 3, 4, 5, 6, 8, 10, 15, 30]), min_size=1, max_size=5, unique=True))
    lower = draw(st.integers(1, min(uppers)))
    return lower, [*sorted(uppers)]


@st.composite
def _bins(draw: st.DrawFn) -> Form:
    """Bounds of some keys; the others get default bins."""
    if draw(st.integers(0, 2)) == 0:
        return draw(st.sampled_from([{}, {"lowerBounds": None}, {"lowerBounds": {}, "binUpperBounds": {}}]))
    lower: Form = {}
    upper: Form = {}
    for key in draw(st.lists(st.sampled_from(["eventCount", *_AVERAGES]), min_size=1, max_size=4, unique=True)):
        lower[key], bounds = draw(_count_bounds() if key == "eventCount" else _average_bounds())
        upper[key] = draw(st.sampled_from([bounds, bounds, [*bounds, "inf"], [*bounds, "inf"], ["inf"]]))
    return {"lowerBounds": lower, "binUpperBounds": upper}


@st.composite
def _histogram_members(draw: st.DrawFn) -> Form:
    return {"events": draw(events()), **draw(_bins())}


@st.composite
def _lifetimes(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date, members: Strategy) -> Drawn:
    span, today = draw(ranges(days, last, 7))
    return {**span, **draw(_who(days, today)), **draw(members)}, today


@st.composite
def _losses(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date, members: Strategy) -> Drawn:
    silence = draw(st.sampled_from(_SILENCES))
    span, today = draw(ranges(days, last, silence or 40))
    lost = {"daysUntilDeclaredLost": silence, "dateReportedLost": draw(st.sampled_from([None, "dateLastSeen"]))}
    if draw(st.booleans()):
        # Losses are declared after the days of the data.
        lost["dateReportedLost"] = "dateDeclaredLost"
        span["stopDate"] = max(span["stopDate"], str(today))
    return {**span, **draw(_who(days, today)), **lost, **draw(members)}, today


@st.composite
def _who(draw: st.DrawFn, days: Sequence[dt.date], today: dt.date) -> Form:
    group_by = draw(st.sampled_from([*(None,) * 6, "clientId", *GROUPS]))
    return {"groupBy": group_by, "globalFilters": draw(_filters(days, today))}


@st.composite
def full_reports(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> Drawn:
    """A request of advanced/fullReport, and T."""
    span, today = draw(ranges(days, last, 7))
    optional = {
        "events": st.none() | events(),
        "sort": st.sampled_from(["alpha", "eventCounts", "eventCounts", None]),
        "sortDirection": _DIRECTIONS,
    }
    members = {**draw(segments()), **draw(st.fixed_dictionaries({}, optional=optional))}
    return {**span, "globalFilters": draw(_filters(days, today)), **members}, today


def lifetime_tables(days: Sequence[dt.date], last: dt.date) -> st.SearchStrategy[Drawn]:
    """Requests of lifetime/dataTable, each with its T."""
    return _lifetimes(days, last, _table_members())


def lifetime_histograms(days: Sequence[dt.date], last: dt.date) -> st.SearchStrategy[Drawn]:
    """Requests of lifetime/histogram, each with its T."""
    return _lifetimes(days, last, _histogram_members())


def churn_tables(days: Sequence[dt.date], last: dt.date) -> st.SearchStrategy[Drawn]:
    """Requests of churn/lifetime/dataTable, each with its T."""
    return _losses(days, last, _table_members())


def churn_histograms(days: Sequence[dt.date], last: dt.date) -> st.SearchStrategy[Drawn]:
    """Requests of churn/lifetime/histogram, each with its T."""
    return _losses(days, last, _histogram_members())


# By the name of the report; each takes the active days of a world and its last day.
REQUESTS: dict[str, Callable[[Sequence[dt.date], dt.date], st.SearchStrategy[Drawn]]] = {
    "lifetime_data_table": lifetime_tables,
    "lifetime_histogram": lifetime_histograms,
    "full_report": full_reports,
    "churn_data_table": churn_tables,
    "churn_event_histogram": churn_histograms,
}
