"""The event reports give the oracle's figures on every history, and agree with each other (chapters 04, 10)."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Store, tried
from tests.event_reports import asked, expected
from tests.generic import assert_same, by_engine
from tests.oracle.history import lives
from tests.properties.event_asking import REQUESTS, crowds, event_flags, eventful
from tests.properties.histories import days_of, last_day, lives_of
from tests.worlds import ANCHORS, World, feed, received, worlds

ONE_DAY = dt.timedelta(days=1)
EVENTS: list[dict[str, str | None]] = [
    {"category": category, "name": name}
    for category in ("Edit", "Canvas", None, "<NULL>")
    for name in ("Crop", "Rotate", "?")
]
_CHOSEN = st.lists(
    st.sampled_from(EVENTS),
    min_size=1,
    max_size=4,
    unique_by=lambda event: (event["name"], event["category"] or "<NULL>"),
)
_SPLITS = st.sampled_from(["day", "week", "month"])
_DIVISORS = st.sampled_from(["users", "sessions", "runtime", None])


@st.composite
def timelines(draw: st.DrawFn) -> dict[str, Any]:
    request = {"dateSplit": draw(_SPLITS), "events": draw(_CHOSEN), "divisor": draw(_DIVISORS)}
    return request | draw(st.sampled_from([{}, {"dataView": "customValues"}]))


@st.composite
def spans(draw: st.DrawFn, days: list[dt.date]) -> tuple[dict[str, Any], dt.date]:
    """A range, and T before, in or after it."""
    first, last = sorted(draw(st.lists(st.sampled_from(days), min_size=2, max_size=2)))
    around = {
        "startDate": str(first - draw(st.integers(0, 3)) * ONE_DAY),
        "stopDate": str(last + draw(st.integers(0, 9)) * ONE_DAY),
    }
    return around, draw(st.sampled_from([*days, max(days) + 30 * ONE_DAY]))


def _days(world: World) -> list[dt.date]:
    return sorted({day for life in lives(received(world)).values() for day in life.days}) or [ANCHORS[0]]


@tried(3)
@given(data=st.data(), world=worlds(), pause=st.none() | st.integers(0, 5))
def test_every_answer_is_the_oracles(store: Store, data: st.DataObject, world: World, pause: int | None) -> None:
    product = feed(store, world, pause=pause)
    found = lives(received(world)).values()
    for _ in range(6):
        span, today = data.draw(spans(_days(world)))
        timeline = {**span, **data.draw(timelines())}
        for name, request in (("basic_data_table", span), ("basic_timeline", timeline)):
            wanted = expected(name, found, request, today)
            assert_same(asked(store, product, name, request, today), wanted, request, today)


@tried(3)
@given(data=st.data(), world=worlds())
def test_days_of_the_timeline_add_up_to_the_table(store: Store, data: st.DataObject, world: World) -> None:
    product = feed(store, world)
    span, today = data.draw(spans(_days(world)))
    table = asked(store, product, "basic_data_table", span, today)["result"]
    for category in table:
        for name, figures in category["categoryEventsData"].items():
            event = {"category": category["category"], "name": name}
            for split in ("day", "week", "month"):
                request = {**span, "dateSplit": split, "events": [event]}
                by_bucket = asked(store, product, "basic_timeline", request, today)["result"].values()
                assert sum(entry["value"] for (entry,) in by_bucket) == figures["eventUsage"]["cumulativeUsageCount"]


@tried(3)
@given(data=st.data(), world=worlds())
def test_inactive_events_are_left_out_of_the_table_and_not_of_the_timeline(
    store: Store, data: st.DataObject, world: World
) -> None:
    product = feed(store, world)
    span, today = data.draw(spans(_days(world)))
    flags = {(category, "Crop"): (False, False) for category in ("", "Edit", "Canvas")}
    shown = asked(store, product, "basic_data_table", span, today, flags)["result"]
    every = asked(store, product, "basic_data_table", span, today)["result"]

    assert all("Crop" not in category["categoryEventsData"] for category in shown)
    rest = {(c["category"], name): d for c in every for name, d in c["categoryEventsData"].items() if name != "Crop"}
    assert rest == {(c["category"], name): d for c in shown for name, d in c["categoryEventsData"].items()}
    timeline = {**span, "dateSplit": "month", "events": [{"category": "Edit", "name": "Crop"}]}
    assert asked(store, product, "basic_timeline", timeline, today, flags) == asked(
        store, product, "basic_timeline", timeline, today
    )


@tried(10)
@given(data=st.data(), world=eventful() | crowds())
def test_every_report_about_users_is_the_oracles(store: Store, data: st.DataObject, world: World) -> None:
    product = feed(store, world)
    found = lives_of(world)
    for name, requests in REQUESTS.items():
        for _ in range(3):
            request, today = data.draw(requests(days_of(found), last_day(world)))
            flags = data.draw(event_flags())
            answered = asked(store, product, name, request, today, flags)
            assert_same(answered, expected(name, found, request, today, flags), {"report": name, **request}, today)


@tried(3)
@given(data=st.data(), world=eventful())
def test_reports_agree_with_each_other(store: Store, data: st.DataObject, world: World) -> None:
    """FullReport over everybody: its counts are the basic table's, its population the active of the range."""
    product = feed(store, world)
    span, today = data.draw(spans(_days(world)))
    table = asked(store, product, "basic_data_table", span, today)["result"]
    full = asked(store, product, "full_report", span, today)["result"]["detailedReport"]
    by_name = {(event["category"], event["name"]): event["data"] for event in full}
    assert {event: data["eventCounts"] for event, data in by_name.items()} == {
        (category["category"], name): figures["eventUsage"]["cumulativeUsageCount"]
        for category in table
        for name, figures in category["categoryEventsData"].items()
    }
    active = by_engine(store, product, {**span, "clientStatus": ["active"]}, today)["result"]["active"]
    for figures in by_name.values():
        assert figures["uniqueUsersUsedAtLeastOnce"] + figures["uniqueUsersNeverUsed"] == active


@tried(2)
@given(data=st.data(), world=worlds(steady=True))
def test_merging_changes_nothing(store: Store, data: st.DataObject, world: World) -> None:
    """The sums that lie beside the rows outlive the collapsing of rows that were replaced."""
    product = feed(store, world, pause=data.draw(st.integers(0, 3)))
    span, today = data.draw(spans(_days(world)))
    reports = ("basic_data_table", "full_report", "lifetime_data_table")
    before = [asked(store, product, name, span, today) for name in reports]
    for table in ("event_day", "client_event"):
        store.engine.command(f"OPTIMIZE TABLE odometer.{table} FINAL")
    assert [asked(store, product, name, span, today) for name in reports] == before
