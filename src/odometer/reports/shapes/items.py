"""Items of one level in an answer (chapters 04, 05): which there are, and their alphabetical order."""

from collections.abc import Iterable

from odometer.selection.reading import NULL_LABEL
from odometer.selection.segments import Joined, Level
from odometer.store.answers.event_usage import Item


def with_named(level: Level, items: dict[str, Item]) -> dict[str, Item]:
    """The items that somebody is in, and those that segments name."""
    return {**{label: Item(label) for label in named_labels(level)}, **items}


def named_labels(level: Level) -> list[str]:
    """The labels of the items that segments name: they are there even when nobody is in them."""
    return [segment.label for segment in level.segments if isinstance(segment, Joined)]


def alphabetical_labels(labels: Iterable[str], *, turned: bool = False) -> list[str]:
    """By code point; `<NULL>` is last in both directions."""
    ordered = sorted(labels, reverse=turned)
    ordered.sort(key=lambda label: label == NULL_LABEL)
    return ordered
