"""Levels as SQL: which items a row of property values is counted under, and which values a `limit` keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from odometer.model.properties import Property
from odometer.selection.reading import NULL_LABEL
from odometer.selection.segments import Joined, Level, Segment, Split
from odometer.store.conditions import Bound, UsedEventsSql, condition, null_condition, value_condition

# Values that a split may show, by (level, segment): what ranking found.
Kept = Mapping[tuple[int, int], tuple[str, ...]]
_NO_ITEM: Final = "CAST([], 'Array(Tuple(String, UInt16))')"


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """SQL of the items that a row counts under, for every depth of the levels.

    A key is a tuple of one array with (label, number of the segment that gives it) for each level down to its depth.
    """

    levels: tuple[Level, ...]
    kept: Kept
    used_events: UsedEventsSql

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties whose values decide."""
        return tuple(dict.fromkeys(prop for level in self.levels for prop in level.properties))

    def columns(self, bound: Bound) -> str:
        """Further columns of a SELECT: `items_0`, `items_1`, ... with each level's (label, place) of the row."""
        return "".join(f", {self._items(number, bound)} AS items_{number}" for number in range(len(self.levels)))

    @property
    def every_depth(self) -> str:
        """An array with the keys of all depths."""
        return f"arrayConcat({', '.join(_keys(0, depth) for depth in range(len(self.levels)))})"

    def _items(self, number: int, bound: Bound) -> str:
        level = self.levels[number]
        found = [
            self._of_segment(level, segment, (number, place), bound) for place, segment in enumerate(level.segments)
        ]
        if len(found) == 1:
            return found[0]
        # Equal labels are one item, at the first place; each client counts once in it (contract 02).
        every = f"arrayConcat({', '.join(found)})"
        return f"arrayFilter((x, n) -> n = 1, {every}, arrayEnumerateUniq(arrayMap(x -> x.1, {every})))"

    def _of_segment(self, level: Level, segment: Segment, at: tuple[int, int], bound: Bound) -> str:
        place = at[1]
        if isinstance(segment, Joined):
            label = bound("String", segment.label)
            return _when(condition(segment.matches, bound, self.used_events), label, place)
        assert level.prop is not None, "only properties split"  # noqa: S101 - how levels are read
        null, label = null_condition(level.prop, level.prop.column), value_label(level.prop)
        parts = []
        if segment.values is not None:
            known = value_condition(segment.values, level.prop.column, bound)
            if at in self.kept:
                known = f"({known}) AND {label} IN {bound('Array(String)', list(self.kept[at]))}"
            parts.append(_when(known, label, place))
        if segment.with_null:
            parts.append(_when(null, f"'{NULL_LABEL}'", place))
        return parts[0] if len(parts) == 1 else f"arrayConcat({', '.join(parts)})"


def _when(is_member: str, label: str, place: int) -> str:
    return f"if({is_member}, [(toString({label}), toUInt16({place}))], {_NO_ITEM})"


def value_label(prop: Property) -> str:
    """SQL of a known value as text."""
    if prop.data_type == "boolean":
        return f"if({prop.column} = 1, 'true', 'false')"
    if prop.data_type == "number":
        return f"toString(assumeNotNull({prop.column}))"
    return f"toString({prop.column})"


def _keys(level: int, deepest: int, chosen: tuple[str, ...] = ()) -> str:
    """An array of keys: every combination of one item of each level from `level` to `deepest`."""
    item = f"i{level}"
    if level == deepest:
        return f"arrayMap({item} -> tuple([{', '.join((*chosen, item))}]), items_{level})"
    return f"arrayFlatten(arrayMap({item} -> {_keys(level + 1, deepest, (*chosen, item))}, items_{level}))"


def limited(level: Level) -> list[tuple[int, Split]]:
    """The splitting segments of a level that have a limit, with their numbers."""
    return [
        (place, segment)
        for place, segment in enumerate(level.segments)
        if isinstance(segment, Split) and segment.limit is not None and segment.values is not None
    ]
