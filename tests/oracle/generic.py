"""The answers of generic/dateRange and generic/current (chapter 03), from requests as they are sent."""

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from tests.oracle.groups import grouped, until
from tests.oracle.history import Life
from tests.oracle.segments import Level, apply_limits, levels_of
from tests.oracle.selection import Given, day_named, passes
from tests.oracle.status import STATUSES, Count, Question, as_last_known, buckets, in_buckets

Path = tuple[str, ...]
Figures = dict[str, int]
Judge = Callable[[Iterable[Life], Question], Iterator[Count]]


def date_range(lives: Iterable[Life], request: Given, *, today: dt.date, silence: int) -> Given:
    """The answer body of generic/dateRange; `silence` is the product's setting."""
    question = _question(request, today, silence)
    table = _Table(request, lives, question, in_buckets)
    if question.split is None:
        return {"result": table.body()}
    return {"result": {str(bucket): table.body_at(bucket) for bucket in buckets(question)}}


def current(lives: Iterable[Life], request: Given, *, today: dt.date, silence: int) -> Given:
    """The answer body of generic/current."""
    question = _question({**request, "stopDate": str(today), "dateSplit": None}, today, silence)
    return {"result": _Table(request, lives, question, as_last_known).body()}


def _question(request: Given, today: dt.date, silence: int) -> Question:
    start = request.get("startDate")
    return Question(
        start=None if start is None else day_named(start, today),
        stop=day_named(request["stopDate"], today),
        split=request.get("dateSplit"),
        silence=request.get("daysUntilDeclaredLost") or silence,
        when_declared=request.get("dateReportedLost") == "dateDeclaredLost",
        today=today,
    )


class _Table:
    """The figures of every item in every bucket, by the labels that lead to it; () is everyone."""

    def __init__(self, request: Given, lives: Iterable[Life], question: Question, judge: Judge) -> None:
        who = grouped(until(lives, question.today), request.get("groupBy"))
        filters = request.get("globalFilters")
        self._asked = [status for status in STATUSES if status in request["clientStatus"]]

        def counts(asked: Question) -> list[Count]:
            return [one for one in judge(who, asked) if passes(one.life, one.day, filters, question.today)]

        told = counts(question)
        self._levels = levels_of(request)
        # Whatever statuses are asked for: the items kept are the same.
        apply_limits(self._levels, told, counts(replace(question, split=None)))
        self._figures: dict[tuple[dt.date | None, Path], Figures] = defaultdict(lambda: dict.fromkeys(self._asked, 0))
        # What lies below each path: items of a split only where something is there, named ones always.
        self._below: dict[Path, set[str]] = defaultdict(set)
        for one in told:
            if one.status in self._asked:
                self._add(one)

    def _add(self, one: Count) -> None:
        chosen = []
        for level in self._levels:
            labels = level.labels(one.life, one.day)
            if not labels:
                break
            level.note(labels)
            chosen.append(list(labels))
        for depth in range(len(chosen) + 1):
            for path in itertools.product(*chosen[:depth]):
                self._figures[one.bucket, path][one.status] += 1
                if path:
                    self._below[path[:-1]].add(path[-1])

    def _items(self, level: Level, path: Path) -> list[str]:
        return level.ordered(self._below[path].union(level.named))

    def body(self, path: Path = ()) -> Given:
        """The figures at a path without a split: bare where there are no levels, else with all that lies below."""
        deeper = self._levels[len(path) :]
        if not self._levels:
            return self._figures[None, ()]
        shaped: Given = {"totals": self._figures[None, path]} if path else {}
        if deeper:
            shaped[f"level{len(path) + 1}"] = {
                label: self.body((*path, label)) for label in self._items(deeper[0], path)
            }
        return shaped

    def body_at(self, bucket: dt.date | None) -> Any:
        """The figures of one bucket of a split: of everyone, or of every item of the one level."""
        if not self._levels:
            return self._figures[bucket, ()]
        return {label: self._figures[bucket, (label,)] for label in self._items(self._levels[0], ())}
