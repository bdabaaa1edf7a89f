"""The reading door of the store: questions as frozen values, answered by SQL over the derived tables."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from odometer.errors import Problem
from odometer.model.calendar import Split
from odometer.model.events import EventName
from odometer.model.properties import BY_NAME, CUSTOM_SLOTS, Property
from odometer.selection.predicate import EventTest
from odometer.selection.reading import NULL_LABEL
from odometer.store.answers.client_reading import ClientReading
from odometer.store.answers.event_relations import EventSets
from odometer.store.answers.event_usage import Distributions, UseByItem, distributions, use_in_life, use_in_range
from odometer.store.answers.exceptions import MetException, exceptions_sql
from odometer.store.answers.license_usage import LicenseUse, license_installs, license_use
from odometer.store.answers.lines import LineReading
from odometer.store.answers.lives import Amount, Classes, Spread, Turns, spread_in_life, turns, use_classes
from odometer.store.answers.population import Population
from odometer.store.answers.status import ALL_STATUSES, StatusQuestion, StatusSql
from odometer.store.answers.usage import (
    Activity,
    Bucket,
    Occurrences,
    UsageQuestion,
    activity_of,
    activity_sql,
    occurrences_of,
    occurrences_sql,
)
from odometer.store.engine import DATABASE, Engine, Job, Params
from odometer.store.gate import Gate
from odometer.store.records.reading import RawReading
from odometer.store.sql.items import MAX_CELLS, MAX_ITEMS, Kept, limited, spelled, too_many_items
from odometer.store.sql.predicates import Bound, event_condition, full_match

_PATTERN_FAULT: Final = re.compile(r"error: ([a-z ]{1,60}[])]?)")


@dataclass(frozen=True, slots=True)
class Figures:
    """New, active and lost clients of one bucket or item."""

    new: int = 0
    active: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of one item in one bucket.

    Attributes:
        bucket: its first day; None without a split.
        labels: of the item and the items above it, from level 1 down; empty without levels.
        place: number of the segment of the deepest level that gives the item first.
        figures: what was counted.

    """

    bucket: dt.date | None
    labels: tuple[str, ...]
    place: int
    figures: Figures


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
        forms = (rf"\A{pattern}", full_match(pattern))
        try:
            for form in forms:
                self._engine.rows("SELECT match('', {form:String})", {"form": form}, timeout_s=self._timeout_s)
        except Problem as problem:
            told = str(problem.__cause__)
            if "CANNOT_COMPILE_REGEXP" not in told:
                raise
            found = _PATTERN_FAULT.search(told)
            return found[1].strip() if found else "it cannot be compiled"
        return None

    def status_figures(self, question: StatusQuestion) -> list[Counted]:
        """What was counted, in no order; items and buckets with zeros in all figures asked for are missing.

        Raises `Problem` TOO_MANY_SEGMENTS for more than 10,000 items or 200,000 cells.
        """
        sql = StatusSql(question, self._kept(question))
        most = MAX_ITEMS if question.split is None else MAX_CELLS
        rows = self._ask(sql.figures(most + 1), sql.bound.params)
        if question.levels and len(rows) > most:
            raise too_many_items(self._ask(sql.item_count(), sql.bound.params)[0][0], question.levels[-1].path)
        return [
            Counted(
                bucket if question.split else None,
                tuple(
                    spelled(label, is_number=level.is_number)
                    for label, level in zip(labels, question.levels, strict=False)
                ),
                place,
                Figures(*figures),
            )
            for bucket, labels, place, *figures in rows
        ]

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
        params = {"product": product_id, "exact": exact, "pattern": pattern, "after": after}
        wanted = []
        if exact is not None:
            wanted.append("value = {exact:String}")
        if pattern is not None:
            wanted.append(f"value != '{NULL_LABEL}' AND match(value, concat('(?s)', {{pattern:String}}))")
        if after is not None:
            wanted.append("value > {after:String}")
        table = "client_day" if prop.daily else "client"
        sql = f"""
            SELECT if(stored = '', '{NULL_LABEL}', toString(stored)) AS value FROM (
                SELECT {prop.column} AS stored FROM {DATABASE}.{table} WHERE product = {{product:UInt64}}
                GROUP BY stored HAVING sum(sign) > 0
            ) WHERE {" AND ".join(wanted) or "1"} ORDER BY value{f" LIMIT {limit:d}" if limit else ""}"""
        rows = self._ask(sql, {name: value for name, value in params.items() if value is not None})
        return [value for (value,) in rows]

    def matching(self, values: Iterable[str], pattern: str) -> list[str]:
        """The values in which the engine's matcher finds the pattern, in their order."""
        found = self._engine.rows(
            "SELECT arrayFilter(value -> match(value, concat('(?s)', {pattern:String})), {values:Array(String)})",
            {"pattern": pattern, "values": list(values)},
        )
        return list(found[0][0])

    def license_use(self, product_id: int, keys: Sequence[str]) -> dict[str, LicenseUse]:
        """How clients use these license keys; keys that none uses are missing."""
        return license_use(self._ask, product_id, keys)

    def license_installs(self, product_id: int) -> dict[str, int]:
        """How many clients use each license key; keys that none uses are missing."""
        return license_installs(self._ask, product_id)

    def custom_slots_in_use(self, product_id: int) -> frozenset[str]:
        """The custom properties that have a value on any day."""
        slots = [BY_NAME[slot] for slot in CUSTOM_SLOTS]
        counts = ", ".join(f"sumIf(sign, {slot.column} != '') > 0" for slot in slots)
        sql = f"SELECT {counts} FROM {DATABASE}.client_day WHERE product = {{product:UInt64}}"
        row = self._ask(sql, {"product": product_id})[0]
        return frozenset(slot.name for slot, used in zip(slots, row, strict=True) if used)

    def first_seen(self, product_id: int) -> dict[EventName, dt.date]:
        """The day of the first stored occurrence of every event that occurs."""
        sql = f"""
            SELECT event, min(first_day) FROM (
                SELECT event, first_day FROM {DATABASE}.client_event
                WHERE product = {{product:UInt64}} GROUP BY event, first_day HAVING sum(sign) > 0
            ) GROUP BY event"""
        return {EventName.of_key(event): day for event, day in self._ask(sql, {"product": product_id})}

    def first_received(self, product_id: int) -> dict[EventName, int]:
        """When the first record of each event arrived, also of events that no longer occur."""
        sql = f"""
            SELECT category, name, min(first_received_ms) FROM {DATABASE}.event WHERE product = {{product:UInt64}}
            GROUP BY category, name"""
        rows = self._ask(sql, {"product": product_id})
        return {EventName(category, name): received_ms for category, name, received_ms in rows}

    def occurrences(self, question: UsageQuestion) -> dict[tuple[Bucket, EventName], Occurrences]:
        """How often events occurred, by bucket (None without a split); those that did not are missing."""
        return occurrences_of(question, self._ask(occurrences_sql(question), question.params))

    def usage(
        self, question: UsageQuestion
    ) -> tuple[dict[tuple[Bucket, EventName], Occurrences], dict[Bucket, Activity]]:
        """The same, and active clients, sessions and runtime by bucket, of one state; empty buckets are missing."""
        with self._gate.passing():
            occurred = self._rows(occurrences_sql(question), question.params)
            active = self._rows(activity_sql(question), question.params)
        return occurrences_of(question, occurred), activity_of(question, active)

    def event_sets(self, product_id: int, entries: Sequence[Sequence[EventTest]]) -> EventSets:
        """The events that each entry means: those that any of its tests finds among all that were ever received."""
        bound = Bound({"product": product_id})
        found = [[f"({event_condition(test, bound)})" for test in tests] for tests in entries]
        means = ", ".join(" OR ".join(conditions) for conditions in found)
        rows = self._ask(
            f"""SELECT category, name, [{means}] AS means FROM {DATABASE}.event WHERE product = {{product:UInt64}}
            GROUP BY category, name HAVING has(means, 1)""",
            bound.params,
        )
        return EventSets(
            tuple(
                frozenset(EventName(category, name) for category, name, means in rows if means[number])
                for number in range(len(entries))
            )
        )

    def use_in_life(self, population: Population, sets: EventSets) -> UseByItem:
        """How a population used events over its whole life, by item. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.passing():
            return use_in_life(self._rows, population, sets)

    def use_in_range(self, population: Population, sets: EventSets) -> UseByItem:
        """How a population used events on the days of a range, by item. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.passing():
            return use_in_range(self._rows, population, sets)

    def distributions(self, population: Population, sets: EventSets) -> tuple[int, Distributions]:
        """The size of a population, and how its lifetime use of events is distributed."""
        with self._gate.passing():
            return distributions(self._rows, population, sets)

    def use_classes(self, population: Population) -> Classes:
        """How many clients of a population did how much on the days of its range."""
        with self._gate.passing():
            return use_classes(self._rows, population)

    def spread_in_life(self, population: Population, amount: Amount) -> Spread:
        """How a lifetime amount is spread over a population."""
        with self._gate.passing():
            return spread_in_life(self._rows, population, amount)

    def turns(self, population: Population, split: Split, cohorts: Split | None = None) -> Turns:
        """How a population grows old and leaves, by item or install period. Raises `Problem` TOO_MANY_SEGMENTS."""
        with self._gate.passing():
            found = turns(self._rows, population, split, cohorts)
        is_number = population.level is not None and population.level.is_number
        return {spelled(label, is_number=is_number): ages for label, ages in found.items()}

    def exceptions(self, population: Population) -> list[MetException]:
        """The exceptions that a population of clients met in its range, most frequent first, then by names."""
        rows = self._ask(*exceptions_sql(population))
        return [MetException(*row) for row in rows]

    def _ask(self, sql: str, params: Params) -> list[tuple[Any, ...]]:
        """The rows of a question about derived tables, which never sees half of a change."""
        with self._gate.passing():
            return self._rows(sql, params)

    def _rows(self, sql: str, params: Params) -> list[tuple[Any, ...]]:
        return self._engine.rows(sql, params, timeout_s=self._timeout_s)

    def _kept(self, question: StatusQuestion) -> Kept:
        """The values that limits keep, level by level: a lower level is ranked over what the upper ones show."""
        kept: dict[tuple[int, int], tuple[str, ...]] = {}
        for number, level in enumerate(question.levels):
            if not limited(level):
                continue
            sql = StatusSql(replace(question, statuses=ALL_STATUSES, levels=question.levels[: number + 1]), kept)
            found: dict[tuple[int, int], list[str]] = {(number, place): [] for place, _ in limited(level)}
            for place, label in self._ask(sql.largest(), sql.bound.params):
                found[number, place].append(label)
            kept |= {at: tuple(labels) for at, labels in found.items()}
        return kept
