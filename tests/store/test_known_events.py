"""Which events are known, since when, and that no order of arrival, replay or rebuild changes it."""

import datetime as dt
from typing import Any

from odometer.model.events import EventName
from tests.conftest import Store
from tests.event_reports import asked
from tests.worlds import Delivery, feed, to_ms

CLIENT = {"clientId": "client-0001"}
FIRST_MS, LATER_MS = to_ms(dt.date(2031, 6, 20)), to_ms(dt.date(2031, 6, 21))


def _event(seq: int, day: str, name: str, **members: Any) -> dict[str, Any]:
    return {**CLIENT, "seq": seq, "type": "event", "at": f"{day}T10:00:00Z", "name": name, **members}


def known(store: Store, product: int) -> dict[EventName, tuple[dt.date, int]]:
    """First day and first arrival of every event that occurs."""
    received = store.questions.first_received(product)
    return {event: (day, received[event]) for event, day in store.questions.first_seen(product).items()}


def test_late_data_moves_the_first_day_and_not_the_moment_when_the_event_was_new(store: Store) -> None:
    product = feed(store, [Delivery((_event(5, "2031-05-13", "Crop", category="Edit"),), FIRST_MS, "one")])
    assert known(store, product) == {EventName("Edit", "Crop"): (dt.date(2031, 5, 13), FIRST_MS)}
    late = (_event(2, "2031-04-01", "Crop", category="Edit"), _event(3, "2031-04-02", "Crop"))

    feed(store, [Delivery(late, LATER_MS, "late")], product=product)

    expected = {
        EventName("Edit", "Crop"): (dt.date(2031, 4, 1), FIRST_MS),
        EventName("", "Crop"): (dt.date(2031, 4, 2), LATER_MS),
    }
    assert known(store, product) == expected
    store.derivation.derive_since(product, 0)
    assert known(store, product) == expected


def test_an_event_whose_occurrences_are_all_gone_is_not_known(store: Store) -> None:
    """An opt-out that turns up late takes the event with it; custom events never are in the list."""
    custom = {**CLIENT, "seq": 6, "type": "custom_event", "at": "2031-05-12T09:00:00Z", "name": "Form", "data": []}
    product = feed(store, [Delivery((_event(5, "2031-05-13", "Crop"), custom), FIRST_MS, "one")])
    assert set(known(store, product)) == {EventName("", "Crop")}
    opt_out = {**CLIENT, "seq": 1, "type": "opt_out", "at": "2031-05-01T09:00:00Z"}

    feed(store, [Delivery((opt_out,), LATER_MS, "late")], product=product)

    assert known(store, product) == {}


def test_ten_thousand_events(store: Store) -> None:
    records = [
        {**CLIENT, "type": "event_day", "day": "2031-05-13", "category": f"C{n % 100}", "name": f"E{n}"}
        for n in range(10_000)
    ]

    product = feed(store, [Delivery(tuple(records), FIRST_MS, "", is_import=True)])

    assert len(known(store, product)) == 10_000
    today, span = dt.date(2031, 6, 20), {"startDate": "2031-05-01", "stopDate": "2031-05-31"}
    sorting = {"events": "eventCounts", "eventsDirection": "desc"}
    page = asked(store, product, "lifetime_data_table", {**span, "page": 100, "sorting": sorting}, today)
    assert page["totalEvents"] == 10_000
    # All counts are equal: the last page ends with the last event in alphabetical order.
    assert [(event["eventCategory"], event["eventName"]) for event in page["result"][-2:]] == [
        ("C99", "E999"),
        ("C99", "E9999"),
    ]
    everything = {
        "combiLabel": "all",
        "combiArray": [{"category": "C.*", "categoryType": "regex", "name": "E.*", "nameType": "regex"}],
    }
    full = asked(store, product, "full_report", {**span, "events": [everything]}, today)["result"]["detailedReport"]
    assert (full[0]["data"]["eventCounts"], full[0]["data"]["usageFrequency"]["≥ 5001"]) == (10_000, 1)
