"""The histogram of lifetime event use (chapter 04, Lifetime histogram), for those active in a range and those lost."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal, cast

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from typing_extensions import TypedDict

from odometer.errors import Problem, invalid
from odometer.reports.definition import Context
from odometer.reports.shapes.events import Entries, NamedEntry, entries_of, named
from odometer.reports.shapes.exact import hundredths
from odometer.reports.shapes.life_use import LifeRequest, population_of
from odometer.reports.shapes.loss import LossMembers
from odometer.selection import wire
from odometer.selection.events import Entry
from odometer.selection.wire import AtLeastOne, Wire
from odometer.selection.wire_events import EventEntries
from odometer.store.answers.event_distributions import MEASURES, Measure

_MAX_BINS: Final = 1_000
_OPEN: Final = "inf"
_AVERAGE: Final = {"type": "number", "minimum": 0}


class EntryValue(NamedEntry):
    """How many users: of an event or a combination."""

    value: int


class HistogramSummary(TypedDict):
    """Who used each entry at all, and who never did."""

    usedAtLeastOnce: list[EntryValue]
    neverUsed: list[EntryValue]


class Histograms(TypedDict):
    """Bins by label, in their order; each holds every entry, in the order asked for."""

    eventCount: dict[str, list[EntryValue]]
    averageCountPerActiveDay: dict[str, list[EntryValue]]
    averageCountPerActiveWeek: dict[str, list[EntryValue]]
    averageCountPerActiveMonth: dict[str, list[EntryValue]]


class HistogramResult(TypedDict):
    """The summary and the histograms."""

    summary: HistogramSummary
    histograms: Histograms


class HistogramAnswer(TypedDict):
    """How the lifetime use of events is distributed."""

    result: HistogramResult


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("Must not be negative.")
    return value


_Average = Annotated[Decimal, PlainValidator(wire.number), AfterValidator(_not_negative), WithJsonSchema(_AVERAGE)]
_Open = Literal["inf"]
_Counts = Annotated[list[AtLeastOne | _Open], Field(min_length=1, max_length=_MAX_BINS, fail_fast=True)]
_Averages = Annotated[list[_Average | _Open], Field(min_length=1, max_length=_MAX_BINS, fail_fast=True)]


class LowerBounds(Wire, json_schema_extra={"examples": [{"eventCount": 1}]}):
    """The smallest value that is shown, by measure."""

    event_count: AtLeastOne | None = None
    average_count_per_active_day: _Average | None = None
    average_count_per_active_week: _Average | None = None
    average_count_per_active_month: _Average | None = None


class BinUpperBounds(Wire, json_schema_extra={"examples": [{"eventCount": [1, 5, 25, "inf"]}]}):
    """Inclusive upper bounds of the bins, ascending, by measure; the last may be `inf`."""

    event_count: _Counts | None = None
    average_count_per_active_day: _Averages | None = None
    average_count_per_active_week: _Averages | None = None
    average_count_per_active_month: _Averages | None = None


class HistogramRequest(LifeRequest):
    """The members that both histograms have."""

    events: EventEntries = Field(description="Single events and combinations.")
    lower_bounds: LowerBounds | None = Field(
        default=None, alias="lowerBounds", description="Measure → smallest value shown."
    )
    bin_upper_bounds: BinUpperBounds | None = Field(
        default=None, alias="binUpperBounds", description='Measure → inclusive upper bounds, the last may be "inf".'
    )


@dataclass(frozen=True, slots=True)
class Bins:
    """Bins of one measure, in its unit of storage: occurrences, or hundredths of an average.

    Attributes:
        lower: smallest value of the first bin.
        uppers: greatest values of the closed bins, ascending.
        is_open: whether everything beyond is a bin too.

    """

    lower: int
    uppers: tuple[int, ...]
    is_open: bool

    def number_of(self, value: int) -> int | None:
        """The bin that holds a value; None for one that is left out."""
        if value < self.lower:
            return None
        for number, upper in enumerate(self.uppers):
            if value <= upper:
                return number
        return len(self.uppers) if self.is_open else None

    def labels(self, measure: Measure) -> list[str]:
        """The labels of all bins, in order."""
        label = _whole_label if measure is Measure.TIMES else _average_label
        firsts = (self.lower, *self.uppers)
        found = [
            label(first, upper, number) for number, (first, upper) in enumerate(zip(firsts, self.uppers, strict=False))
        ]
        return [*found, label(firsts[-1], None, len(self.uppers))] if self.is_open else found


def _whole_label(first: int, upper: int | None, number: int) -> str:
    # Bins after the first begin one beyond the upper bound before them.
    low = first + 1 if number else first
    if upper is None:
        return f"≥ {low}"
    return str(low) if low == upper else f"{low} - {upper}"


def _average_label(first: int, upper: int | None, number: int) -> str:
    if upper is None:
        return f"> {_decimal(first)}" if number else f"≥ {_decimal(first)}"
    return f"{_decimal(first)} - {_decimal(upper)}"


def _decimal(value: int) -> str:
    """Hundredths as a decimal number with one or two digits behind the point."""
    text = f"{value // 100}.{value % 100:02d}"
    return text.removesuffix("0")


def histogram_answer(request: HistogramRequest, context: Context, losses: LossMembers | None = None) -> HistogramAnswer:
    """The answer body, of those who are lost where `losses` says who is. Raises `Problem`."""
    given = _given_bins(request)
    population = population_of(request, context, losses=losses)
    entries = entries_of(request.events, context)
    size, found = context.questions.distributions(population, entries.sets)
    users = [sum(found.get((number, Measure.TIMES), {}).values()) for number in range(len(entries.listed))]
    histograms: dict[str, dict[str, list[EntryValue]]] = {}
    for measure in MEASURES:
        of_entries = [found.get((number, measure), {}) for number in range(len(entries.listed))]
        bins = given[measure] if measure in given else _default_bins(measure, of_entries)
        histograms[str(measure)] = _histogram(entries, of_entries, bins, measure) if bins else {}
    return {
        "result": {
            "summary": {
                "usedAtLeastOnce": _values(entries.listed, users),
                "neverUsed": _values(entries.listed, [size - its for its in users]),
            },
            "histograms": cast("Histograms", histograms),
        }
    }


def _values(listed: tuple[Entry, ...], values: list[int]) -> list[EntryValue]:
    return [{**named(entry), "value": value} for entry, value in zip(listed, values, strict=True)]


def _histogram(
    entries: Entries, found: list[dict[int, int]], bins: Bins, measure: Measure
) -> dict[str, list[EntryValue]]:
    labels = bins.labels(measure)
    counts = [[0] * len(entries.listed) for _ in labels]
    for entry, of_entry in enumerate(found):
        for value, users in of_entry.items():
            number = bins.number_of(value)
            if number is not None:
                counts[number][entry] += users
    return {label: _values(entries.listed, values) for label, values in zip(labels, counts, strict=True)}


def _default_bins(measure: Measure, found: list[dict[int, int]]) -> Bins | None:
    """Bins over the values of all users of all entries, see the definitions' last paragraph; None without users."""
    pool: dict[int, int] = {}
    for of_entry in found:
        for value, users in of_entry.items():
            pool[value] = pool.get(value, 0) + users
    if not pool:
        return None
    high = _nearest_rank(pool, 95)
    lower, uppers = _whole_bins(high) if measure is Measure.TIMES else _average_bins(high)
    return Bins(lower, uppers, is_open=max(pool) > uppers[-1])


def _nearest_rank(pool: dict[int, int], percent: int) -> int:
    rank = math.ceil(Fraction(percent * sum(pool.values()), 100))
    for value in sorted(pool):
        rank -= pool[value]
        if rank <= 0:
            return value
    raise AssertionError(pool)


def _whole_bins(high: int) -> tuple[int, tuple[int, ...]]:
    width = 1 if high <= 10 else math.ceil(high / 8)
    return 1, tuple(range(width, math.ceil(high / width) * width + 1, width))


def _average_bins(high: int) -> tuple[int, tuple[int, ...]]:
    width = next(width for width in _widths() if math.ceil(high / width) <= 10)
    return 0, tuple(range(width, max(1, math.ceil(high / width)) * width + 1, width))


def _widths() -> Iterator[int]:
    """0.1, 0.2, 0.5, 1, 2, 5, 10, ... in hundredths."""
    power = 10
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10


def _given_bins(request: HistogramRequest) -> dict[Measure, Bins]:
    """The bins that lowerBounds and binUpperBounds ask for."""
    lowers, uppers = (
        {} if bounds is None else bounds.model_dump(by_alias=True, exclude_none=True)
        for bounds in (request.lower_bounds, request.bin_upper_bounds)
    )
    for name in MEASURES:
        if (name in lowers) != (name in uppers):
            path = "binUpperBounds" if name in lowers else "lowerBounds"
            raise Problem("MISSING_FIELD", "A measure has both bounds or none.", field=f"{path}.{name}")
    return {name: _bins(name, lowers[name], uppers[name]) for name in MEASURES if name in lowers}


def _bins(measure: Measure, lower: int | Decimal, uppers: list[int | Decimal | Literal["inf"]]) -> Bins:
    first = _stored(measure, lower)
    is_open = uppers[-1] == _OPEN
    closed: list[int] = []
    for index, given in enumerate(uppers[:-1] if is_open else uppers):
        at = f"binUpperBounds.{measure}[{index}]"
        if given == _OPEN:
            raise invalid(at, 'Only the last bound may be "inf".')
        upper = _stored(measure, given)
        if upper < first or (closed and upper <= closed[-1]):
            raise invalid(at, "Upper bounds ascend, the first of them from the lower bound on.")
        closed.append(upper)
    return Bins(first, tuple(closed), is_open)


def _stored(measure: Measure, value: int | Decimal) -> int:
    """A bound in the measure's unit of storage."""
    return int(value) if measure is Measure.TIMES else hundredths(value)
