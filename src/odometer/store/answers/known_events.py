"""Which events a product has: those that an entry of a request means, and since when each one is known."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from odometer.model.events import EventName
from odometer.selection.predicate import EventTest
from odometer.store.answers.ask import Ask
from odometer.store.sql.predicates import Bound, event_condition
from odometer.store.tables import CLIENT_EVENT, EVENT


@dataclass(frozen=True, slots=True)
class EventSets:
    """The entries of a request, each as the events that count for it; an event may count for several."""

    entries: tuple[frozenset[EventName], ...]

    @property
    def are_single(self) -> bool:
        """Whether no entry has two events and no event two entries: then a row of storage is a user of an entry."""
        return all(len(events) <= 1 for events in self.entries) and len(self.by_event()) == sum(map(len, self.entries))

    def by_event(self) -> dict[EventName, tuple[int, ...]]:
        """The numbers of the entries that each event counts for."""
        found: dict[EventName, list[int]] = {}
        for number, events in enumerate(self.entries):
            for event in events:
                found.setdefault(event, []).append(number)
        return {event: tuple(numbers) for event, numbers in found.items()}


def event_sets(ask: Ask, product_id: int, entries: Sequence[Sequence[EventTest]]) -> EventSets:
    """The events that each entry means: those that any of its tests finds among all that were ever received."""
    bound = Bound({"product": product_id})
    found = [[f"({event_condition(test, bound)})" for test in tests] for tests in entries]
    means = ", ".join(" OR ".join(conditions) for conditions in found)
    rows = ask(
        f"""SELECT category, name, [{means}] AS means FROM {EVENT} WHERE product = {{product:UInt64}}
        GROUP BY category, name HAVING has(means, 1)""",
        bound.params,
    )
    return EventSets(
        tuple(
            frozenset(EventName(category, name) for category, name, means in rows if means[number])
            for number in range(len(entries))
        )
    )


def first_seen(ask: Ask, product_id: int) -> dict[EventName, dt.date]:
    """The day of the first stored occurrence of every event that occurs."""
    sql = f"""
        SELECT event, min(first_day) FROM (
            SELECT event, first_day FROM {CLIENT_EVENT}
            WHERE product = {{product:UInt64}} GROUP BY event, first_day HAVING sum(sign) > 0
        ) GROUP BY event"""
    return {EventName.of_key(event): day for event, day in ask(sql, {"product": product_id})}


def first_received(ask: Ask, product_id: int) -> dict[EventName, int]:
    """When the first record of each event arrived, also of events that no longer occur."""
    sql = f"""
        SELECT category, name, min(first_received_ms) FROM {EVENT} WHERE product = {{product:UInt64}}
        GROUP BY category, name"""
    return {EventName(category, name): received_ms for category, name, received_ms in ask(sql, {"product": product_id})}
