"""Segments, levels and `segmentBy` (chapter 02): a property and the items that its clients are counted under."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from odometer.errors import Problem, invalid
from odometer.model.properties import LEVELS, LICENSE_FLAGS, Property
from odometer.selection.filters import flag_pair, license_flags, value_tests
from odometer.selection.predicate import (
    AllOf,
    AnyOf,
    AnyValue,
    Flag,
    Holds,
    IsNull,
    Numbers,
    Predicate,
    Texts,
    properties_in,
)
from odometer.selection.reading import NULL_LABEL, Language, named_property
from odometer.selection.wire_segments import (
    BooleanSegment,
    FlagSegment,
    LabelledSegment,
    Levels,
    NullSegment,
    NumberRangeSegment,
    RegexSegment,
    Segments,
    StringArraySegment,
    ValueSegment,
)

_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "string": ("string", "stringArray", "regex"),
    "number": ("number", "numberRange"),
    "boolean": ("boolean",),
}
_FLAG_PAIRS: Final = ("optOut", "backOff")


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


def parse_levels(given: Levels | None, language: Language, *, has_split: bool) -> tuple[Level, ...]:
    """The member `levels`; none are no segmentation. Raises `Problem` naming the member."""
    if given is None:
        return ()
    members = given.given
    names = [f"level{n + 1}" for n in range(len(members))]
    for name in members:
        if name not in names:
            raise invalid(f"levels.{name}", f"There is no {names[-1]} before it.")
    if has_split and len(members) > 1:
        raise invalid("levels.level2", "With a dateSplit there is at most one level.")
    found: list[Level] = []
    for name, level in members.items():
        path = f"levels.{name}"
        read = _level(level.name, level.segments, (f"{path}.property", f"{path}.segments"), language)
        if any(other.name == read.name for other in found):
            raise invalid(f"{path}.property", f"{read.name} is a level already.")
        found.append(read)
    return tuple(found)


def parse_segment_by(name: str | None, segments: Segments | None, language: Language) -> Level | None:
    """One level in the other spelling: the members `segmentBy` and `segments`."""
    if name is None:
        if segments:
            raise invalid("segments", "segments need segmentBy.")
        return None
    return _level(name, segments, ("segmentBy", "segments"), language)


def _level(name: str, segments: Segments | None, paths: tuple[str, str], language: Language) -> Level:
    """A property and its segments; none = every distinct value is an item, null included."""
    member, listed = paths
    prop = None if name == "licenseStatus" or name in _FLAG_PAIRS else _segmentable(name, member, language)
    if not segments:
        if prop is None:
            raise invalid(listed, f"{name} needs segments that name its flags.")
        return Level(prop.name, prop, (Split(Holds(prop, AnyValue()), prop.supports_null, None),), listed)
    found = [
        _flag_segment(name, given, f"{listed}[{place}]")
        if prop is None
        else _segment(prop, given, f"{listed}[{place}]", language)
        for place, given in enumerate(segments)
    ]
    _check_labels(segments, listed)
    return Level(name if prop is None else prop.name, prop, tuple(found), listed)


def _segmentable(name: str, path: str, language: Language) -> Property:
    if name in LEVELS:
        raise invalid(path, f"Name the level: {' or '.join(f'{name}.{level}' for level in LEVELS[name])}.")
    if name in ("lifetimeEventUsage", "reachOutDeliveries"):
        raise invalid(path, f"{name} cannot be segmented.")
    prop = named_property(name, path, language)
    if prop.data_type not in _FORMS:
        raise invalid(path, f"{name} cannot be segmented.")
    return prop


def _check_labels(segments: Segments, listed: str) -> None:
    """The same segmentLabel written twice is refused; labels that come from values join (chapter 02)."""
    written: set[str] = set()
    for place, segment in enumerate(segments):
        label = segment.segment_label
        if label in written:
            raise invalid(f"{listed}[{place}].segmentLabel", f"The label {label!r} is written twice.")
        if label is not None:
            written.add(label)


def _refuse_foreign(given: LabelledSegment, known: Collection[str], path: str) -> None:
    """Raise for a member that belongs to the segments of other properties."""
    allowed = sorted((*known, "segmentLabel"))
    for name in given.model_dump(by_alias=True, exclude_unset=True):
        if name not in allowed:
            raise invalid(f"{path}.{name}", f"There is no such member here; known are {', '.join(allowed)}.")


def _flag_segment(name: str, given: LabelledSegment, path: str) -> Joined:
    _refuse_foreign(given, LICENSE_FLAGS if name == "licenseStatus" else ("current", "historical"), path)
    if given.segment_label is None:
        raise Problem("MISSING_FIELD", "This member is required.", field=f"{path}.segmentLabel")
    flags = given if isinstance(given, FlagSegment) else FlagSegment()
    matches = license_flags(flags) if name == "licenseStatus" else flag_pair(name, flags)
    if matches == AllOf(()):
        wanted = "at least one flag" if name == "licenseStatus" else "current, historical or both"
        raise invalid(path, f"Name {wanted}.")
    return Joined(given.segment_label, matches)


def _segment(prop: Property, given: LabelledSegment, path: str, language: Language) -> Segment:
    form = _checked_form(prop, given, path)
    tests = list(value_tests(prop, form, path, language, or_null=form.include_null))
    label = form.segment_label
    if isinstance(form, NullSegment):
        return Joined(label or NULL_LABEL, IsNull(prop))
    if isinstance(form, StringArraySegment | RegexSegment):
        splits = label is None if form.split is None else form.split
        if splits and label is not None:
            raise invalid(f"{path}.segmentLabel", "The items of a split are named by their values.")
        if form.limit is not None and not splits:
            said = "limit belongs to a segment that splits: one of values or a pattern, without segmentLabel."
            raise invalid(f"{path}.limit", said)
        if splits:
            known = next((test for test in tests if isinstance(test, Holds)), None)
            return Split(known, any(isinstance(test, IsNull) for test in tests), form.limit)
    if label is None and isinstance(form, StringArraySegment | RegexSegment | NumberRangeSegment):
        raise invalid(f"{path}.segmentLabel", "An item that joins values needs a segmentLabel.")
    return Joined(label or _value_label(tests), AnyOf(tuple(tests)))


def _checked_form(prop: Property, given: LabelledSegment, path: str) -> ValueSegment:
    """The segment, whose form has to fit the property; a boolean's `type` may be missing."""
    if isinstance(given, FlagSegment):
        _refuse_foreign(given, ("type", "value", "min", "max", "split", "limit", "includeNull"), path)
    if isinstance(given, NullSegment) and given.include_null:
        return given
    is_boolean = prop.data_type == "boolean"
    forms = [form for form in _FORMS[prop.data_type] if form != "regex" or prop.supports_regex]
    said = f"{prop.name} takes the type {' or '.join(forms)}."
    if not isinstance(given, ValueSegment) or isinstance(given, NullSegment):
        if is_boolean:
            raise Problem("MISSING_FIELD", "This member is required.", field=f"{path}.value")
        raise Problem("MISSING_FIELD", said, field=f"{path}.type")
    kind = getattr(given, "type", None) if is_boolean or "type" in given.model_fields_set else None
    if kind is None:
        raise Problem("MISSING_FIELD", said, field=f"{path}.type")
    if kind not in forms:
        raise invalid(f"{path}.type", said)
    if isinstance(given, BooleanSegment) and type(given.value) is not bool:
        raise invalid(f"{path}.value", "Must be true or false.")
    return given


def _value_label(tests: list[Predicate]) -> str:
    """The label of a single value: the value as text (chapter 02)."""
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
