"""The wire form of segments and levels (chapter 02, Segments): the items that clients are counted under."""

from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, Field, Tag, WithJsonSchema
from typing_extensions import TypeAliasType

from odometer.model.properties import LICENSE_FLAGS
from odometer.selection.reading import NULL_LABEL
from odometer.selection.wire import (
    AtLeastOne,
    BooleanForm,
    NullForm,
    NumberForm,
    NumberRangeForm,
    RegexForm,
    StringArrayForm,
    StringForm,
    Text,
    Wire,
    by_type,
)
from odometer.selection.wire_filters import FlagPair, LicenseFlags

MAX_SEGMENTS: Final = 100
_MAX_LABEL: Final = 256
_FLAGS: Final = frozenset((*LICENSE_FLAGS, "current", "historical"))


def _no_null_label(label: str) -> str:
    if label == NULL_LABEL:
        raise ValueError(f"A label has 1 to {_MAX_LABEL} characters and is not {NULL_LABEL}.")
    return label


SegmentLabel = Annotated[Text, Field(min_length=1, max_length=_MAX_LABEL), AfterValidator(_no_null_label)]


class LabelledSegment(Wire):
    """What every segment may hold."""

    absent: ClassVar[tuple[str, ...]] = ("type", "value", "min", "max", "split", "limit", "includeNull")

    segment_label: SegmentLabel | None = Field(default=None, description="The name of the item.")


class ValueSegment(LabelledSegment):
    """What every segment of values may hold."""

    include_null: bool = Field(default=False, description="Nulls too, when splitting as the item `<NULL>`.")


class _Splitting(ValueSegment):
    """What segments that may be one item per value may hold beside."""

    split: bool | None = Field(
        default=None, description="One item per value; absent: true without segmentLabel, false with it."
    )
    limit: AtLeastOne | None = Field(default=None, description="At most so many items, the largest, when splitting.")


class StringSegment(ValueSegment, StringForm, json_schema_extra={"examples": [{"type": "string", "value": "3.2"}]}):
    """One item: exactly this text."""


class StringArraySegment(
    _Splitting,
    StringArrayForm,
    json_schema_extra={"examples": [{"type": "stringArray", "value": ["3.2", "3.3"], "segmentLabel": "Current"}]},
):
    """These texts, each an item or all of them one."""


class RegexSegment(
    _Splitting,
    RegexForm,
    json_schema_extra={"examples": [{"type": "regex", "value": "3\\..*", "split": True, "limit": 10}]},
):
    """The texts that match this pattern (RE2), each an item or all of them one."""


class NumberSegment(ValueSegment, NumberForm, json_schema_extra={"examples": [{"type": "number", "value": 8}]}):
    """One item: exactly this number."""


class NumberRangeSegment(
    ValueSegment,
    NumberRangeForm,
    json_schema_extra={"examples": [{"type": "numberRange", "min": 4, "max": 16, "segmentLabel": "4 to 16"}]},
):
    """One item: the numbers from min to max; segmentLabel is required."""


class BooleanSegment(ValueSegment, BooleanForm, json_schema_extra={"examples": [{"type": "boolean", "value": True}]}):
    """One item: true or false; `type` may be missing."""

    # Whether `type` or `value` is at fault, only the property tells.
    value: Annotated[Any, WithJsonSchema({"type": "boolean"})]


class NullSegment(NullForm, ValueSegment, json_schema_extra={"examples": [{"includeNull": True}]}):
    """One item: those without a value."""

    absent: ClassVar[tuple[str, ...]] = LabelledSegment.absent


class FlagSegment(
    LabelledSegment,
    LicenseFlags,
    FlagPair,
    json_schema_extra={
        "examples": [{"segmentLabel": "Paid", "activated": True}, {"segmentLabel": "Opted out", "current": True}]
    },
):
    """One item of licenseStatus (its flags), or of optOut and backOff (current, historical); it needs a label."""


def _without_type(given: dict[str, Any]) -> str:
    named = {name for name, value in given.items() if value is not None}
    if named & _FLAGS:
        return "flags"
    if "value" in named:
        return "boolean"
    return "null" if "includeNull" in named else "flags"


Segment = TypeAliasType(
    "Segment",
    Annotated[
        Annotated[StringSegment, Tag("string")]
        | Annotated[StringArraySegment, Tag("stringArray")]
        | Annotated[RegexSegment, Tag("regex")]
        | Annotated[NumberSegment, Tag("number")]
        | Annotated[NumberRangeSegment, Tag("numberRange")]
        | Annotated[BooleanSegment, Tag("boolean")]
        | Annotated[NullSegment, Tag("null")]
        | Annotated[FlagSegment, Tag("flags")],
        by_type("string", "stringArray", "regex", "number", "numberRange", "boolean", without=_without_type),
    ],
)
Segments = Annotated[list[Segment], Field(max_length=MAX_SEGMENTS, fail_fast=True)]


class LevelRequest(
    Wire,
    json_schema_extra={
        "examples": [
            {"property": "prodEdition", "segments": [{"type": "regex", "value": ".*", "split": True}]},
        ]
    },
):
    """A property and its segments."""

    name: Text = Field(alias="property", description="Dotted name.")
    segments: Segments | None = Field(default=None, description="Absent: every distinct value is an item.")


class Levels(
    Wire, json_schema_extra={"examples": [{"level1": {"property": "prodEdition"}, "level2": {"property": "ram"}}]}
):
    """Up to three levels of segmentation, without a gap; at most one with a dateSplit."""

    level1: LevelRequest | None = None
    level2: LevelRequest | None = None
    level3: LevelRequest | None = None

    @property
    def given(self) -> dict[str, LevelRequest]:
        """The levels that are named."""
        levels = {"level1": self.level1, "level2": self.level2, "level3": self.level3}
        return {name: level for name, level in levels.items() if level is not None}
