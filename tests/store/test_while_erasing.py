"""What answers say while a client is erased: those of before, until they are those of a world without it."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from odometer.store.derive.erase import Eraser
from tests.conftest import Store
from tests.event_reports import asked
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
RANGE = {"startDate": "2031-06-01", "stopDate": "NOW"}
ROTATE = {"category": None, "name": "Rotate"}


def event(client: str, seq: int, name: str) -> dict[str, Any]:
    return {"clientId": client, "seq": seq, "type": "event", "at": "2031-06-10T10:00:00Z", "name": name}


def arrives(store: Store, product: int, *records: dict[str, Any]) -> None:
    feed(store, [Delivery(records, to_ms(TODAY) + records[0]["seq"], "b")], product=product)


def users(store: Store, product: int) -> tuple[int, int]:
    """Who used Rotate at least once, and who never did."""
    summary = asked(store, product, "lifetime_histogram", {**RANGE, "events": [ROTATE]}, TODAY)["result"]["summary"]
    return summary["usedAtLeastOnce"][0]["value"], summary["neverUsed"][0]["value"]


def test_a_newcomer_does_not_take_the_number_of_who_is_being_erased(store: Store) -> None:
    product = store.new_product()
    for number, client in enumerate(("client-01", "client-02", "client-09"), 1):
        arrives(store, product, event(client, number, "Rotate"))
    seen = []

    def derive_again(of: int, clients: Sequence[str]) -> bool:
        # The records are gone; everything that reports read is still there.
        seen.append(users(store, product))
        arrives(store, product, event("client-10", 4, "Rotate"))
        seen.append(users(store, product))
        store.derivation.derive_clients(of, clients)
        return True

    Eraser(store.engine, store.gate, store.derivation, derive_again).erase(product, ["client-09"])

    assert seen == [(3, 0), (4, 0)]
    assert users(store, product) == (3, 0)
    # Its number is free now, and the next one may have it.
    arrives(store, product, event("client-11", 5, "Crop"))
    assert users(store, product) == (3, 1)
    numbers = store.engine.rows(
        "SELECT count(), uniqExact(client_no) FROM odometer.client_number WHERE product = {p:UInt64}", {"p": product}
    )
    assert numbers == [(4, 4)]


def test_who_comes_back_meanwhile_is_a_new_client_with_a_number_of_its_own(store: Store) -> None:
    product = store.new_product()
    arrives(store, product, event("client-01", 1, "Rotate"))
    arrives(store, product, event("client-09", 2, "Rotate"))

    def derive_again(of: int, clients: Sequence[str]) -> bool:
        arrives(store, product, event("client-09", 3, "Crop"))
        store.derivation.derive_clients(of, clients)
        return True

    Eraser(store.engine, store.gate, store.derivation, derive_again).erase(product, ["client-09"])
    arrives(store, product, event("client-12", 4, "Rotate"))

    assert users(store, product) == (2, 1)


def test_events_are_known_as_long_as_they_occur(store: Store) -> None:
    """The list of events asks for both: when an event was new, and since when it occurs."""
    product = store.new_product()
    arrives(store, product, event("client-09", 1, "Only"), event("client-09", 2, "Rotate"))
    arrives(store, product, event("client-01", 3, "Rotate"))

    def derive_again(of: int, clients: Sequence[str]) -> bool:
        received = store.questions.first_received(product)
        assert set(store.questions.first_seen(product)) <= set(received)
        store.derivation.derive_clients(of, clients)
        return True

    Eraser(store.engine, store.gate, store.derivation, derive_again).erase(product, ["client-09"])

    received = store.questions.first_received(product)
    assert {event.name: ms for event, ms in received.items()} == {"Rotate": to_ms(TODAY) + 3}
    assert set(store.questions.first_seen(product)) == set(received)
