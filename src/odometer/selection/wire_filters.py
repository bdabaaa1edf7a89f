"""The wire form of `globalFilters` (chapter 02, Filters): property → the forms of filter that fit it."""

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetPydanticSchema,
    Tag,
    TypeAdapter,
    model_validator,
)
from typing_extensions import TypeAliasType, TypedDict

from odometer.model.properties import CATALOGUE, LEVELS, LICENSE_FLAGS, find
from odometer.selection.reading import unknown_property
from odometer.selection.refusals import member_refused
from odometer.selection.wire import (
    BooleanForm,
    Count,
    DateForm,
    DateRangeForm,
    NullForm,
    NumberForm,
    NumberRangeForm,
    RegexForm,
    StringArrayForm,
    StringForm,
    Text,
    Texts,
    Wire,
    asks_for_null,
    by_type,
)
from odometer.selection.wire_events import CountedElements, CountedEvents

_MAX_OBJECTS: Final = 100
_MAX_CAMPAIGNS: Final = 1_000


class Excluding(Wire):
    """What every filter that is an object may hold."""

    exclude: bool = Field(default=False, description="Everybody else, nulls included unless they matched.")


class ValueFilter(Excluding):
    """What every filter by values may hold."""

    include_null: bool = Field(default=False, description="Nulls too.")


class StringFilter(ValueFilter, StringForm, json_schema_extra={"examples": [{"type": "string", "value": "3.2"}]}):
    """Exactly this text; `<NULL>` and empty text are null."""


class StringArrayFilter(
    ValueFilter, StringArrayForm, json_schema_extra={"examples": [{"type": "stringArray", "value": ["3.2", "3.3"]}]}
):
    """One of these texts; `<NULL>` and empty text are null."""


class RegexFilter(ValueFilter, RegexForm, json_schema_extra={"examples": [{"type": "regex", "value": "3\\..*"}]}):
    """The whole text matches this pattern (RE2)."""


class NumberFilter(ValueFilter, NumberForm, json_schema_extra={"examples": [{"type": "number", "value": 8}]}):
    """Exactly this number."""


class NumberRangeFilter(
    ValueFilter, NumberRangeForm, json_schema_extra={"examples": [{"type": "numberRange", "min": 4, "max": 16}]}
):
    """From min to max, both inclusive; one may be left out."""


class BooleanFilter(ValueFilter, BooleanForm, json_schema_extra={"examples": [{"type": "boolean", "value": True}]}):
    """True or false; `type` may be missing."""


class DateFilter(ValueFilter, DateForm, json_schema_extra={"examples": [{"type": "date", "value": "2031-05-12"}]}):
    """Exactly this day."""


class DateRangeFilter(
    ValueFilter,
    DateRangeForm,
    json_schema_extra={"examples": [{"type": "dateRange", "min": "2031-01-01", "max": "NOW-7"}]},
):
    """From min to max, both inclusive; one may be left out. YYYY-MM-DD, NOW or NOW-<days>."""


class NullFilter(NullForm, ValueFilter, json_schema_extra={"examples": [{"includeNull": True}]}):
    """Only those without a value."""


def _null_alone(given: dict[str, Any]) -> str | None:
    return "null" if asks_for_null(given) else None


_Null = Annotated[NullFilter, Tag("null")]
_String = Annotated[StringFilter, Tag("string")]
_StringArray = Annotated[StringArrayFilter, Tag("stringArray")]
StringPropertyFilter = TypeAliasType(
    "StringPropertyFilter",
    Annotated[
        _String | _StringArray | Annotated[RegexFilter, Tag("regex")] | _Null,
        by_type("string", "stringArray", "regex", without=_null_alone),
    ],
)
LicenseTypeFilter = TypeAliasType(
    "LicenseTypeFilter",
    Annotated[_String | _StringArray | _Null, by_type("string", "stringArray", without=_null_alone)],
)
NumberPropertyFilter = TypeAliasType(
    "NumberPropertyFilter",
    Annotated[
        Annotated[NumberFilter, Tag("number")] | Annotated[NumberRangeFilter, Tag("numberRange")] | _Null,
        by_type("number", "numberRange", without=_null_alone),
    ],
)
BooleanPropertyFilter = TypeAliasType(
    "BooleanPropertyFilter",
    Annotated[
        Annotated[BooleanFilter, Tag("boolean")] | _Null,
        by_type("boolean", without=lambda given: _null_alone(given) or "boolean"),
    ],
)
DatePropertyFilter = TypeAliasType(
    "DatePropertyFilter",
    Annotated[
        Annotated[DateFilter, Tag("date")] | Annotated[DateRangeFilter, Tag("dateRange")] | _Null,
        by_type("date", "dateRange", without=_null_alone),
    ],
)


def _text_or_texts(given: object) -> str:
    return "texts" if isinstance(given, list) else "text"


LevelValue = Annotated[Annotated[Text, Tag("text")] | Annotated[Texts, Tag("texts")], Discriminator(_text_or_texts)]


class LevelsFilter(ValueFilter):
    """Levels of a group, of which any may match; each takes the value of the type: a text, texts or a pattern."""

    levels: ClassVar[tuple[str, ...]]

    type: Literal["string", "stringArray", "regex"] | None = None

    def given(self) -> dict[str, str | list[str]]:
        """The levels that are named, and their values."""
        values = {level: getattr(self, name) for name, level in self._names()}
        return {level: value for level, value in values.items() if value is not None}

    @classmethod
    def _names(cls) -> list[tuple[str, str]]:
        return [(name, str(field.alias)) for name, field in cls.model_fields.items() if field.alias in cls.levels]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = self.given()
        if not given:
            raise ValueError(f"Name at least one of {', '.join(self.levels)}.")
        if self.type is None:
            raise member_refused("type", "Takes the type string or stringArray or regex.", "MISSING_FIELD")
        for level, value in given.items():
            if isinstance(value, list) != (self.type == "stringArray"):
                raise member_refused(level, "Must be text." if isinstance(value, list) else "Must be a list.")
        return self


class OsFilter(LevelsFilter, json_schema_extra={"examples": [{"type": "string", "version": "Microsoft Windows 11"}]}):
    """Levels of the operating system, of which any may match; each takes the value of the type."""

    levels: ClassVar[tuple[str, ...]] = LEVELS["os"]

    platform: LevelValue | None = None
    version: LevelValue | None = None
    edition: LevelValue | None = None


class GeographyFilter(LevelsFilter, json_schema_extra={"examples": [{"type": "stringArray", "country": ["DE", "AT"]}]}):
    """Levels of the place, of which any may match; each takes the value of the type."""

    levels: ClassVar[tuple[str, ...]] = LEVELS["geography"]

    continent: LevelValue | None = None
    country: LevelValue | None = None
    us_state: LevelValue | None = None


class GpuFilter(LevelsFilter, json_schema_extra={"examples": [{"type": "regex", "model": "GeForce.*"}]}):
    """Levels of the graphics card, of which any may match; each takes the value of the type."""

    levels: ClassVar[tuple[str, ...]] = LEVELS["gpu"]

    vendor: LevelValue | None = None
    model: LevelValue | None = None


class FlagPair(Wire):
    """`current` is now, `historical` is ever; both must hold."""

    current: bool | None = None
    historical: bool | None = None


class FlagPairFilter(Excluding, FlagPair, json_schema_extra={"examples": [{"current": False, "historical": True}]}):
    """`current` is now, `historical` is ever; both must hold."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.current is None and self.historical is None:
            raise ValueError("Name current, historical or both.")
        return self


class LicenseFlags(Wire, json_schema_extra={"examples": [{"activated": True, "expired": False}]}):
    """Flags of a license, all of which must hold; `whitelisted` and `blacklisted` are old names of two of them."""

    activated: bool | None = None
    allowed: bool | None = None
    blocked: bool | None = None
    expired: bool | None = None
    whitelisted: bool | None = None
    blacklisted: bool | None = None

    @property
    def flags(self) -> dict[str, bool]:
        """The flags that are named, by property."""
        return {LICENSE_FLAGS[flag]: getattr(self, flag) for flag in LICENSE_FLAGS if getattr(self, flag) is not None}

    @property
    def short_flags(self) -> dict[str, bool]:
        """The flags that are named, by the last part of their properties."""
        return {name.partition(".")[2]: value for name, value in self.flags.items()}

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for old in ("whitelisted", "blacklisted"):
            prop = LICENSE_FLAGS[old]
            if getattr(self, old) is not None and getattr(self, prop.partition(".")[2]) is not None:
                raise member_refused(old, f"{prop} is named twice, under its old and its new name.")
        return self


def _names_a_flag(given: LicenseFlags) -> LicenseFlags:
    if not given.flags:
        raise ValueError("Name at least one flag.")
    return given


NamedFlags = Annotated[LicenseFlags, AfterValidator(_names_a_flag)]
LicenseFlagSets = Annotated[list[NamedFlags], Field(min_length=1, max_length=_MAX_OBJECTS, fail_fast=True)]
Campaigns = Annotated[list[Count], Field(min_length=1, max_length=_MAX_CAMPAIGNS, fail_fast=True)]


class DeliveriesFilter(ValueFilter, json_schema_extra={"examples": [{"auto": [41, 17]}]}):
    """ReachOut campaigns by number, shown automatically or manually: was shown any of them."""

    auto: Campaigns | None = None
    manual: Campaigns | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.auto is None and self.manual is None and not self.include_null:
            raise ValueError("Name auto, manual or both.")
        return self


OneValueFilter = (
    StringFilter
    | StringArrayFilter
    | RegexFilter
    | NumberFilter
    | NumberRangeFilter
    | BooleanFilter
    | DateFilter
    | DateRangeFilter
    | NullFilter
)
Filter = OneValueFilter | LevelsFilter | FlagPairFilter | DeliveriesFilter | list[CountedEvents] | list[LicenseFlags]
_BY_DATA_TYPE: Final[dict[str, Any]] = {
    "string": StringPropertyFilter,
    "number": NumberPropertyFilter,
    "boolean": BooleanPropertyFilter,
    "date": DatePropertyFilter,
}
_BY_NAME: Final[dict[str, Any]] = {
    "licenseStatus": LicenseFlagSets,
    "os": OsFilter,
    "geography": GeographyFilter,
    "gpu": GpuFilter,
    "optOut": FlagPairFilter,
    "backOff": FlagPairFilter,
    "lifetimeEventUsage": CountedElements,
    "reachOutDeliveries": DeliveriesFilter,
    **{prop.name: _BY_DATA_TYPE[prop.data_type] for prop in CATALOGUE if prop.data_type in _BY_DATA_TYPE},
    "licenseType": LicenseTypeFilter,
    **{f"licenseStatus.{flag}": BooleanPropertyFilter for flag in LICENSE_FLAGS},
}
# Made of the catalogue, so that each property shows the forms that it takes.
_typed_dict: Final[Any] = TypedDict
_MEMBERS: Final = _typed_dict("GlobalFilters", _BY_NAME, total=False)
_MEMBERS.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
_MEMBERS.__doc__ = "Property → filter; all filters must hold. Absent, null or without members: everybody."


def _known(data: Any) -> Any:  # noqa: ANN401 - raw JSON
    """Refuses at the first name that is no property, and at a filter that is null."""
    if not isinstance(data, dict):
        raise ValueError("Must be an object of properties and their filters.")
    for name, given in data.items():
        if given is None:
            raise member_refused(name, "A filter cannot be null.")
        if name not in _BY_NAME:
            if find(name) is None:
                raise member_refused(name, unknown_property(name), "UNKNOWN_PROPERTY")
            raise member_refused(name, f"Filter by {name.partition('.')[0]} instead.")
    return data


# The filters that are given, by property.
GlobalFilters = Annotated[
    dict[str, Filter], BeforeValidator(_known), GetPydanticSchema(lambda _source, handler: handler(_MEMBERS))
]
FILTERS: Final[TypeAdapter[GlobalFilters]] = TypeAdapter(GlobalFilters)


def filters_as_sent(filters: GlobalFilters) -> dict[str, Any]:
    """The filters as JSON, only what was named of each."""

    def sent(one: Wire) -> dict[str, Any]:
        return one.model_dump(by_alias=True, exclude_unset=True)

    return {
        name: [sent(one) for one in given] if isinstance(given, list) else sent(given)
        for name, given in filters.items()
    }
