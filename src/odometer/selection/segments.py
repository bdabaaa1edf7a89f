"""Segments, levels and `segmentBy` (contract 02): a property and the items that its clients are counted under."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from odometer.errors import invalid
from odometer.model.properties import LEVELS, LICENSE_FLAGS, Property
from odometer.selection.filters import (
    FLAG_PAIRS,
    PAIR_KEYS,
    VALUE_KEYS,
    flag_pair,
    form_of,
    includes_null,
    license_flags,
    value_tests,
)
from odometer.selection.predicate import AnyOf, AnyValue, Flag, Holds, IsNull, Numbers, Predicate, Texts, properties_in
from odometer.selection.reading import (
    NULL_LABEL,
    Json,
    Language,
    as_flag,
    as_list,
    as_object,
    as_text,
    as_whole,
    is_null_text,
    named_property,
    required,
)

MAX_SEGMENTS: Final = 100
MAX_LEVELS: Final = 3
_MAX_LABEL: Final = 256
_VALUE_SEGMENT_KEYS: Final = (*VALUE_KEYS, "split", "segmentLabel", "limit")
_SPLITTING: Final = ("stringArray", "regex")
_SEGMENTABLE: Final = ("string", "number", "boolean")


@dataclass(frozen=True, slots=True)
class Joined:
    """One item, there even with zeros: all whom the predicate holds for."""

    label: str
    matches: Predicate


@dataclass(frozen=True, slots=True)
class Split:
    """One item for each known value that passes (None: no known value does), named by it.

    Attributes:
        values: which known values.
        with_null: nulls are the item `<NULL>`.
        limit: at most so many items beside `<NULL>`, the largest; None = all.

    """

    values: Holds | None
    with_null: bool
    limit: int | None


Segment = Joined | Split


@dataclass(frozen=True, slots=True)
class Level:
    """One level of segmentation.

    Attributes:
        name: the catalogue's name, or licenseStatus, optOut, backOff.
        prop: whose values split; None for the flags.
        segments: in request order; never empty.
        path: of the level in the request, for refusals.

    """

    name: str
    prop: Property | None
    segments: tuple[Segment, ...]
    path: str

    @property
    def is_number(self) -> bool:
        """Whether the values that split are numbers."""
        return self.prop is not None and self.prop.data_type == "number"

    @property
    def properties(self) -> tuple[Property, ...]:
        """All properties whose values decide the items."""
        found = [self.prop] if self.prop else []
        for segment in self.segments:
            if isinstance(segment, Joined):
                found += properties_in(segment.matches)
        return tuple(dict.fromkeys(found))


def parse_levels(value: object, language: Language, *, has_split: bool) -> tuple[Level, ...]:
    """The member `levels`; absent, null and `{}` are no segmentation. Raises `Problem` naming the member."""
    if value in (None, {}):
        return ()
    allowed = [f"level{n + 1}" for n in range(MAX_LEVELS)]
    members = as_object(value, "levels", allowed)
    names = allowed[: len(members)]
    for name in members:
        if name not in names:
            raise invalid(f"levels.{name}", f"There is no {names[-1]} before it.")
    if has_split and len(members) > 1:
        raise invalid("levels.level2", "With a dateSplit there is at most one level.")
    found: list[Level] = []
    for name in names:
        path = f"levels.{name}"
        level = as_object(members[name], path, ("property", "segments"))
        read = parse_level(required(level, "property", path), level.get("segments"), path, language)
        if any(other.name == read.name for other in found):
            raise invalid(f"{path}.property", f"{read.name} is a level already.")
        found.append(read)
    return tuple(found)


def parse_segment_by(name: object, segments: object, language: Language) -> Level | None:
    """One level in the other spelling: the members `segmentBy` and `segments`."""
    if name is None:
        if segments not in (None, []):
            raise invalid("segments", "segments need segmentBy.")
        return None
    return parse_level(name, segments, "", language)


def parse_level(name: object, segments: object, path: str, language: Language) -> Level:
    """A property and its segments; none = every distinct value is an item, null included."""
    member, listed = (f"{path}.property", f"{path}.segments") if path else ("segmentBy", "segments")
    text = as_text(name, member)
    prop = None if text == "licenseStatus" or text in FLAG_PAIRS else _segmentable(text, member, language)
    if prop is not None and segments in (None, []):
        with_null = prop.supports_null
        return Level(prop.name, prop, (Split(Holds(prop, AnyValue()), with_null, None),), listed)
    if segments in (None, []):
        raise invalid(listed, f"{text} needs segments that name its flags.")
    found = []
    for place, given in enumerate(as_list(segments, listed, MAX_SEGMENTS)):
        at = f"{listed}[{place}]"
        found.append(_flag_segment(text, given, at) if prop is None else _segment(prop, given, at, language))
    _check_labels(found, listed)
    return Level(text if prop is None else prop.name, prop, tuple(segment for segment, _ in found), listed)


def _segmentable(name: str, path: str, language: Language) -> Property:
    if name in LEVELS:
        raise invalid(path, f"Name the level: {' or '.join(f'{name}.{level}' for level in LEVELS[name])}.")
    if name in ("lifetimeEventUsage", "reachOutDeliveries"):
        raise invalid(path, f"{name} cannot be segmented.")
    prop = named_property(name, path, language)
    if prop.data_type not in _SEGMENTABLE:
        raise invalid(path, f"{name} cannot be segmented.")
    return prop


Named = tuple[Segment, str | None]


def _check_labels(found: list[Named], listed: str) -> None:
    """The same segmentLabel written twice is refused; labels that come from values join (contract 02)."""
    written: set[str] = set()
    for place, (_, label) in enumerate(found):
        if label in written:
            raise invalid(f"{listed}[{place}].segmentLabel", f"The label {label!r} is written twice.")
        if label is not None:
            written.add(label)


def _label(members: Json, path: str) -> str | None:
    return _required_label(members, path) if "segmentLabel" in members else None


def _required_label(members: Json, path: str) -> str:
    label = as_text(required(members, "segmentLabel", path), f"{path}.segmentLabel")
    if is_null_text(label) or len(label) > _MAX_LABEL:
        raise invalid(f"{path}.segmentLabel", f"A label has 1 to {_MAX_LABEL} characters and is not {NULL_LABEL}.")
    return label


def _flag_segment(name: str, value: object, path: str) -> Named:
    keys = tuple(LICENSE_FLAGS) if name == "licenseStatus" else PAIR_KEYS
    members = as_object(value, path, (*keys, "segmentLabel"))
    label = _required_label(members, path)
    if name == "licenseStatus":
        return Joined(label, license_flags(members, path, ("segmentLabel",))), label
    return Joined(label, flag_pair(name, members, path)), label


def _segment(prop: Property, value: object, path: str, language: Language) -> Named:
    members = as_object(value, path, _VALUE_SEGMENT_KEYS)
    label = _label(members, path)
    if members.keys() <= {"includeNull", "segmentLabel"} and includes_null(prop, members, path):
        return Joined(label or NULL_LABEL, IsNull(prop)), label
    kind = form_of(prop, members, path)
    splits = _splits(members, kind, label, path)
    limit = as_whole(members["limit"], f"{path}.limit", 1) if "limit" in members else None
    if limit is not None and not splits:
        raise invalid(
            f"{path}.limit", "limit belongs to a segment that splits: one of values or a pattern, without segmentLabel."
        )
    tested: Json = {key: members[key] for key in VALUE_KEYS if key in members}
    tests = list(value_tests(prop, tested, path, language))
    if splits:
        known = next((test for test in tests if isinstance(test, Holds)), None)
        return Split(known, any(isinstance(test, IsNull) for test in tests), limit), None
    if label is None and (kind in _SPLITTING or kind == "numberRange"):
        raise invalid(f"{path}.segmentLabel", "An item that joins values needs a segmentLabel.")
    return Joined(label or _value_label(tests), AnyOf(tuple(tests))), label


def _splits(members: Json, kind: object, label: str | None, path: str) -> bool:
    """Whether the segment is one item per value; without `split` it is when it has no label."""
    if kind not in _SPLITTING:
        if "split" in members:
            raise invalid(f"{path}.split", f"The form {kind} is one item: only {' and '.join(_SPLITTING)} split.")
        return False
    splits = as_flag(members["split"], f"{path}.split") if "split" in members else label is None
    if splits and label is not None:
        raise invalid(f"{path}.segmentLabel", "The items of a split are named by their values.")
    return splits


def _value_label(tests: list[Predicate]) -> str:
    """The label of a single value: the value as text (contract 02)."""
    for test in tests:
        match test:
            case Holds(_, Flag(value)):
                return "true" if value else "false"
            case Holds(_, Numbers(Decimal() as low, _)):
                return number_label(low)
            case Holds(_, Texts((text,))):
                return text
            case _:
                continue
    return NULL_LABEL


def number_label(number: Decimal) -> str:
    """The shortest plain decimal text of a number: `8` for 8.0."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
