"""Selections read as requests read them: JSON by its model, then the model into predicates."""

from typing import Any

from pydantic import TypeAdapter

from odometer.model.properties import Property
from odometer.selection import filters, grouping, segments
from odometer.selection.predicate import Predicate
from odometer.selection.reading import Language
from odometer.selection.refusals import read_as
from odometer.selection.wire import Text
from odometer.selection.wire_filters import GlobalFilters
from odometer.selection.wire_segments import Levels, Segments


def read(kind: Any, value: object, path: str) -> Any:
    """The value of a member by its type; null is absent."""
    return None if value is None else read_as(TypeAdapter[Any](kind), value, path)


def parse_filters(given: object, language: Language) -> Predicate:
    return filters.parse_filters(read(GlobalFilters, given, "globalFilters"), language)


def parse_levels(given: object, language: Language, *, has_split: bool) -> tuple[segments.Level, ...]:
    return segments.parse_levels(read(Levels, given, "levels"), language, has_split=has_split)


def parse_segment_by(name: object, given: object, language: Language) -> segments.Level | None:
    named, listed = read(Text, name, "segmentBy"), read(Segments, given, "segments")
    return segments.parse_segment_by(named, listed, language)


def parse_group_by(name: object, language: Language) -> Property | None:
    return grouping.parse_group_by(read(grouping.GroupBy, name, "groupBy"), language)
