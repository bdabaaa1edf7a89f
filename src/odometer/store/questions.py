"""The reading door of the store: questions as frozen values, answered by SQL over the derived tables."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from odometer.model.calendar import Split
from odometer.model.events import EventName
from odometer.model.properties import Property
from odometer.selection.predicate import EventTest
from odometer.store.answers.amounts import Amount
from odometer.store.answers.client_reading import ClientReading
from odometer.store.answers.event_distributions import Distributions, distributions
from odometer.store.answers.event_usage import LifeUsage, RangeUsage, UsageTable, use_in_life, use_in_range
from odometer.store.answers.exceptions import MetException, exceptions
from odometer.store.answers.known_events import EventSets, event_sets, first_received, first_seen
from odometer.store.answers.license_usage import LicenseUse, license_installs, license_use
from odometer.store.answers.lifetime_distribution import LifetimeDistribution, lifetime_distribution
from odometer.store.answers.lines import LineReading
from odometer.store.answers.patterns import matching, pattern_fault
from odometer.store.answers.population import Population
from odometer.store.answers.property_values import custom_slots_in_use, property_values
from odometer.store.answers.retention import Retention, retention
from odometer.store.answers.status import Counted, StatusQuestion, status_figures
from odometer.store.answers.usage import Activity, Bucket, Occurrences, UsageQuestion, activity, occurrences
from odometer.store.answers.usage_classes import Classes, use_classes
from odometer.store.engine import Engine, Job, Params
from odometer.store.gate import Gate
from odometer.store.records import RawReading


class Questions:
    """Answers questions from one view of the derived tables. Blocking; call it from worker threads."""

    def __init__(self, engine: Engine, gate: Gate, as_of_ms: Callable[[], int], timeout_s: float) -> None:
        self._engine = engine
        self._gate = gate
        self._timeout_s = timeout_s
        self.as_of_ms = as_of_ms
        self.clients = ClientReading(engine, gate, timeout_s)
        self.lines = LineReading(engine, gate, timeout_s)
        self.raw = RawReading(engine)

    def ping(self) -> None:
        """Raise `Problem` when the store does not answer."""
        self._engine.rows("SELECT 1")

    def stop(self, job: Job) -> None:
        """Stop what the job is asking; see `working_on`."""
        self._engine.stop(job)

    def pattern_fault(self, pattern: str) -> str | None:
        """Why the engine's matcher does not take the regular expression; None when it does.

        By itself as well as where it stands for the whole text: `a)|(b` would be valid there only. The anchor keeps
        the engine from passing patterns that it thinks it can search for without compiling them.
        """
        return pattern_fault(self._rows, pattern)

    def status_figures(self, question: StatusQuestion) -> list[Counted]:
        """What was counted, in no order; items and buckets with zeros in all figures asked for are missing.

        Raises `Problem` TOO_MANY_SEGMENTS for more than 10,000 items or 200,000 cells.
        """
        return status_figures(self._ask, question)

    def property_values(
        self,
        product_id: int,
        prop: Property,
        *,
        exact: str | None = None,
        pattern: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """The distinct values of a text property over all that is stored, `<NULL>` among them, in code point order.

        Those equal to `exact`, those in which `pattern` is found, those behind `after`; at most `limit`.
        """
        return property_values(self._ask, product_id, prop, exact=exact, pattern=pattern, after=after, limit=limit)

    def matching(self, values: Iterable[str], pattern: str) -> list[str]:
        """The values in which the engine's matcher finds the pattern, in their order."""
        return matching(self._engine.rows, values, pattern)

    def license_use(self, product_id: int, keys: Sequence[str]) -> dict[str, LicenseUse]:
        """How clients use these license keys; keys that none uses are missing."""
        return license_use(self._ask, product_id, keys)

    def license_installs(self, product_id: int) -> dict[str, int]:
        """How many clients use each license key; keys that none uses are missing."""
        return license_installs(self._ask, product_id)

    def custom_slots_in_use(self, product_id: int) -> frozenset[str]:
        """The custom properties that have a value on any day."""
        return custom_slots_in_use(self._ask, product_id)

    def first_seen(self, product_id: int) -> dict[EventName, dt.date]:
        """The day of the first stored occurrence of every event that occurs."""
        return first_seen(self._ask, product_id)

    def first_received(self, product_id: int) -> dict[EventName, int]:
        """When the first record of each event arrived, also of events that no longer occur."""
        return first_received(self._ask, product_id)

    def occurrences(self, question: UsageQuestion) -> dict[tuple[Bucket, EventName], Occurrences]:
        """How often events occurred, by bucket (None without a split); those that did not are missing."""
        return occurrences(self._ask, question)

    def usage(
        self, question: UsageQuestion
    ) -> tuple[dict[tuple[Bucket, EventName], Occurrences], dict[Bucket, Activity]]:
        """The same, and active clients, sessions and runtime by bucket, of one state; empty buckets are missing."""
        with self._gate.reading():
            return occurrences(self._rows, question), activity(self._rows, question)

    def event_sets(self, product_id: int, entries: Sequence[Sequence[EventTest]]) -> EventSets:
        """The events that each entry means: those that any of its tests finds among all that were ever received."""
        return event_sets(self._ask, product_id, entries)

    def use_in_life(self, population: Population, sets: EventSets) -> UsageTable[LifeUsage]:
        """How a population used events over its whole life, by item. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.reading():
            return use_in_life(self._rows, population, sets)

    def use_in_range(self, population: Population, sets: EventSets) -> UsageTable[RangeUsage]:
        """How a population used events on the days of a range, by item. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.reading():
            return use_in_range(self._rows, population, sets)

    def distributions(self, population: Population, sets: EventSets) -> tuple[int, Distributions]:
        """The size of a population, and how its lifetime use of events is distributed."""
        with self._gate.reading():
            return distributions(self._rows, population, sets)

    def use_classes(self, population: Population) -> Classes:
        """How many clients of a population did how much on the days of its range."""
        with self._gate.reading():
            return use_classes(self._rows, population)

    def lifetime_distribution(self, population: Population, amount: Amount) -> LifetimeDistribution:
        """How a lifetime amount is spread over a population."""
        with self._gate.reading():
            return lifetime_distribution(self._rows, population, amount)

    def retention(self, population: Population, split: Split, cohorts: Split | None = None) -> Retention:
        """How a population grows old and leaves, by item or install period. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.reading():
            return retention(self._rows, population, split, cohorts)

    def exceptions(self, population: Population) -> list[MetException]:
        """The exceptions that a population of clients met in its range, most frequent first, then by names."""
        return exceptions(self._ask, population)

    def _ask(self, sql: str, params: Params) -> list[tuple[Any, ...]]:
        """The rows of a question about derived tables, which never sees half of a change."""
        with self._gate.reading():
            return self._rows(sql, params)

    def _rows(self, sql: str, params: Params) -> list[tuple[Any, ...]]:
        return self._engine.rows(sql, params, timeout_s=self._timeout_s)
