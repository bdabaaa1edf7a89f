"""Segments and levels (chapter 02): under which labels a client counts, and in which order items come."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.history import Life
from tests.oracle.selection import FLAGGED, Given, Known, comparable, flags_hold, known, matches
from tests.oracle.status import Count
from tests.oracle.wire import is_null, shortest

NULL = "<NULL>"
# Dates are no segments: no form here depends on today.
_NO_DATES = dt.date.min
# Where an item stands: number of its object, nulls last in it, then numbers by value and texts by code point.
Place = tuple[int, bool, Fraction, str]


@dataclass(slots=True)
class Piece:
    """One segment object; `kept` are the labels that its limit lets through."""

    number: int
    name: str
    given: Given
    kept: set[str] | None = None

    @property
    def splits(self) -> bool:
        """One item per distinct value; a piece that says nothing stands for every value."""
        if not self.given:
            return True
        said = self.given.get("split")
        return self.given.get("type") in ("stringArray", "regex") and (
            bool(said) if said is not None else self.given.get("segmentLabel") is None
        )

    @property
    def label(self) -> str:
        """The name of the one item of a piece that does not split."""
        said: str | None = self.given.get("segmentLabel")
        if said is not None:
            return said
        wanted = self.given.get("value")
        return NULL if is_null(wanted) else label_of(comparable(wanted, _like(wanted), _NO_DATES))

    def place(self, value: Known = None) -> Place:
        """Where its item stands, or the item of a value."""
        if not self.splits:
            return (self.number, False, Fraction(0), self.label)
        size = value if isinstance(value, Fraction) else Fraction(0)
        return (self.number, value is None, size, label_of(value))

    def found(self, life: Life, day: dt.date) -> Place | None:
        """The place of the item in which a client counts, as it was on a day."""
        if self.name in FLAGGED:
            return self.place() if flags_hold(self.name, self.given, life, day) else None
        value = known(life, day, self.name)
        if self.given and not matches(self.given, value, _NO_DATES):
            return None
        place = self.place(value)
        let_through = self.kept is None or place[3] == NULL or place[3] in self.kept
        return place if let_through else None


@dataclass(slots=True)
class Level:
    """One level of a request."""

    pieces: list[Piece]
    places: dict[str, Place] = field(default_factory=dict)

    @property
    def named(self) -> list[str]:
        """The labels of items that exist in any case."""
        return [piece.label for piece in self.pieces if not piece.splits]

    def labels(self, life: Life, day: dt.date) -> dict[str, Place]:
        """The items in which a client counts, each once, at the first place."""
        found: dict[str, Place] = {}
        for piece in self.pieces:
            place = piece.found(life, day)
            if place is not None:
                found.setdefault(place[3], place)
        return found

    def note(self, labels: dict[str, Place]) -> None:
        """Remember where items stand."""
        for label, place in labels.items():
            self.places[label] = min(place, self.places.get(label, place))

    def ordered(self, labels: Iterable[str]) -> list[str]:
        """Labels in the order of the answer."""
        return sorted(labels, key=lambda label: self.places[label])


def label_of(value: Known) -> str:
    """The label of a value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return shortest(float(value)) if isinstance(value, Fraction) else str(value)


def _like(wanted: Any) -> Known:
    return Fraction(0) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else ""


def levels_of(request: Given) -> list[Level]:
    """The levels of a request; no segments means one piece that stands for every value."""
    found = []
    for _, given in sorted((request.get("levels") or {}).items()):
        segments = given.get("segments") or [{}]
        pieces = [Piece(number, given["property"], segment) for number, segment in enumerate(segments)]
        level = Level(pieces)
        for piece in pieces:
            if not piece.splits:
                level.note({piece.label: piece.place()})
        found.append(level)
    return found


def apply_limits(levels: list[Level], counts: list[Count], whole: list[Count]) -> None:
    """Decide what the limits let through, level by level.

    Of the items that the request gives with all three statuses (`counts`), those with the largest active, new, lost
    figures of the same request without a split (`whole`), zeros included; ties by label. A limit that is not reached
    changes nothing so. Clients that no item above holds do not count.
    """
    for depth, level in enumerate(levels):
        above = levels[:depth]
        for piece in level.pieces:
            most = piece.given.get("limit") if piece.splits else None
            if most is None:
                continue
            candidates = {label for _, label in _yielded(piece, above, counts)}
            figures = {label: [0, 0, 0] for label in candidates}
            for status, label in _yielded(piece, above, whole):
                if label in figures:
                    figures[label][("active", "new", "lost").index(status)] -= 1
            piece.kept = set(sorted(candidates, key=lambda label: (figures[label], label))[:most])


def _yielded(piece: Piece, above: list[Level], counts: list[Count]) -> list[tuple[str, str]]:
    """Status and label of every client that a piece splits off below some item of every level above."""
    found = []
    for one in counts:
        place = piece.found(one.life, one.day)
        if place is not None and place[3] != NULL and all(level.labels(one.life, one.day) for level in above):
            found.append((one.status, place[3]))
    return found
