"""Levels as SQL: which items a row of property values is counted under, and which values a `limit` keeps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from odometer.model.properties import Property
from odometer.selection.reading import NULL_LABEL
from odometer.selection.segments import Joined, Level, Segment, Split, number_label
from odometer.store.sql.predicates import Bound, UsedEventsSql, condition, null_condition, value_condition

_EXPONENT: Final = re.compile(r"-?[0-9.]+e-?[0-9]+")
# Values that a split may show, by (level, segment): what ranking found.
LimitedValues = Mapping[tuple[int, int], tuple[str, ...]]
_NO_ITEM: Final = "CAST([], 'Array(Tuple(String, UInt16))')"
# Equal labels are one item, at its first segment; each client counts once in it (chapter 02).
_FIRST_OF_LABEL: Final = "arrayFilter((x, n) -> n = 1, row_items, arrayEnumerateUniq(arrayMap(x -> x.1, row_items)))"
# Stands for "no item of this level": the totals of the item above.
_ALL: Final = "tuple('', toUInt16(65535))"


@dataclass(frozen=True, slots=True)
class Items:
    """SQL of the items that rows of property values count under, for every depth of the levels.

    An item is a tuple of its label and the number of the segment that gives it.
    """

    levels: tuple[Level, ...]
    limited_values: LimitedValues
    used_events: UsedEventsSql

    @property
    def properties(self) -> tuple[Property, ...]:
        """The properties whose values decide."""
        return _properties(self.levels)

    def by_item(self, counted: str, bound: Bound) -> str:
        """Rows (bucket, labels, segment_no, new, active, lost) from rows (bucket, values, new, active, lost).

        Labels lead down to the item, segment_no tells the segment that gives it; one item may have several rows.
        Level by level, summing up in between: where segments overlap, items multiply, but values that no further
        level asks for do not.
        """
        sql = counted
        for number in range(len(self.levels)):
            sql = self._one_level_down(sql, number, bound)
        depth = len(self.levels)
        path = f"arrayFilter(item -> item != {_ALL}, [{', '.join(f'item_{n}' for n in range(depth))}])"
        return f"""
            SELECT bucket, arrayMap(item -> item.1, path) AS labels, path[-1].2 AS segment_no,
                new_{depth} AS new, active_{depth} AS active, lost_{depth} AS lost
            FROM (SELECT *, {path} AS path FROM ({sql}))"""

    def _one_level_down(self, sql: str, number: int, bound: Bound) -> str:
        items = "row_items" if len(self.levels[number].segments) == 1 else _FIRST_OF_LABEL
        if number:
            items = f"if(item_{number - 1} = {_ALL}, [{_ALL}], arrayConcat([{_ALL}], {items}))"
        above = "".join(f", item_{n}" for n in range(number))
        values = "".join(f", {prop.column}" for prop in _properties(self.levels[number + 1 :]))
        old = f"_{number}" if number else ""
        sums = ", ".join(f"sum({name}{old}) AS {name}_{number + 1}" for name in ("new", "active", "lost"))
        return f"""
            SELECT bucket{above}, arrayJoin({items}) AS item_{number}{values}, {sums}
            FROM (SELECT *, {self.items_of_row(number, bound)} AS row_items FROM ({sql}))
            GROUP BY bucket{above}, item_{number}{values}"""

    def distinct(self, number: int, bound: Bound) -> str:
        """The same as `items_of_row`, each label once."""
        row_items = self.items_of_row(number, bound)
        if len(self.levels[number].segments) == 1:
            return row_items
        return f"arrayMap(row_items -> {_FIRST_OF_LABEL}, [{row_items}])[1]"

    def items_of_row(self, number: int, bound: Bound) -> str:
        """An array with the items that the segments of a level give a row; one label may be there twice."""
        level = self.levels[number]
        found = [
            self._of_segment(level, segment, (number, segment_no), bound)
            for segment_no, segment in enumerate(level.segments)
        ]
        return found[0] if len(found) == 1 else f"arrayConcat({', '.join(found)})"

    def of_limited(self, number: int, bound: Bound) -> tuple[str, str]:
        """SQL of the numbers of the limited segments that a row's value passes, and of that value's label."""
        gives, label = [], ""
        for segment_no, segment in limited(self.levels[number]):
            assert segment.values is not None  # noqa: S101 - see `limited`
            label = value_label(segment.values.prop)
            matches = value_condition(segment.values, segment.values.prop.column, bound)
            gives.append(f"if({matches}, [{segment_no}], CAST([], 'Array(UInt16)'))")
        return f"arrayConcat({', '.join(gives)})", label

    def _of_segment(self, level: Level, segment: Segment, at: tuple[int, int], bound: Bound) -> str:
        segment_no = at[1]
        if isinstance(segment, Joined):
            label = bound("String", segment.label)
            return _when(condition(segment.matches, bound, self.used_events), label, segment_no)
        assert level.prop is not None, "only properties split"  # noqa: S101 - how levels are read
        null, label = null_condition(level.prop, level.prop.column), value_label(level.prop)
        parts = []
        if segment.values is not None:
            known = value_condition(segment.values, level.prop.column, bound)
            if at in self.limited_values:
                known = f"({known}) AND {label} IN {bound('Array(String)', list(self.limited_values[at]))}"
            parts.append(_when(known, label, segment_no))
        if segment.with_null:
            parts.append(_when(null, f"'{NULL_LABEL}'", segment_no))
        return parts[0] if len(parts) == 1 else f"arrayConcat({', '.join(parts)})"


def _when(is_member: str, label: str, segment_no: int) -> str:
    return f"if({is_member}, [(toString({label}), toUInt16({segment_no}))], {_NO_ITEM})"


def value_label(prop: Property) -> str:
    """SQL of a known value as text."""
    if prop.data_type == "boolean":
        return f"if({prop.column} = 1, 'true', 'false')"
    if prop.data_type == "number":
        return f"toString(assumeNotNull({prop.column}))"
    return f"toString({prop.column})"


def _properties(levels: tuple[Level, ...]) -> tuple[Property, ...]:
    return tuple(dict.fromkeys(prop for level in levels for prop in level.properties))


def limited(level: Level) -> list[tuple[int, Split]]:
    """The splitting segments of a level that have a limit, with their numbers."""
    return [
        (segment_no, segment)
        for segment_no, segment in enumerate(level.segments)
        if isinstance(segment, Split) and segment.limit is not None and segment.values is not None
    ]


def spelled(label: str, *, is_number: bool) -> str:
    """The label as it is shown; the engine writes very small numbers with an exponent."""
    return number_label(Decimal(label)) if is_number and _EXPONENT.fullmatch(label) else label
