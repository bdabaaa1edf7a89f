"""The wire form of the license key registry (chapter 07): filters of a search, entries of an update."""

import unicodedata
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Tag, TypeAdapter, model_validator
from pydantic.alias_generators import to_camel

from odometer.model.licenses import MAX_KEY
from odometer.model.properties import LICENSE_TYPES
from odometer.selection.reading import NULL_LABEL
from odometer.selection.refusals import member_refused
from odometer.selection.wire import (
    Count,
    DateForm,
    DateRangeForm,
    DayText,
    Form,
    NumberForm,
    NumberRangeForm,
    RegexForm,
    StringArrayForm,
    StringForm,
    Text,
    Wire,
    by_type,
)
from odometer.selection.wire_filters import LicenseFlags, LicenseFlagSets

MAX_ENTRIES: Final = 10_000


def _license_type(text: str) -> str:
    if text not in LICENSE_TYPES:
        raise ValueError(f"Must be one of {', '.join(LICENSE_TYPES)}.")
    return text


def _key(key: str) -> str:
    if not 0 < len(key) <= MAX_KEY:
        raise ValueError(f"A license key has 1 to {MAX_KEY} characters.")
    if any(unicodedata.category(sign) == "Cc" for sign in key):
        raise ValueError("A license key holds no control characters.")
    if key == NULL_LABEL:
        raise ValueError(f"{NULL_LABEL} stands for no key.")
    return key


LicenseType = Annotated[Text, AfterValidator(_license_type), Field(json_schema_extra={"enum": list(LICENSE_TYPES)})]
Key = Annotated[
    Text, AfterValidator(_key), Field(json_schema_extra={"minLength": 1, "maxLength": MAX_KEY, "examples": ["K-7F31"]})
]
Keys = Annotated[list[Key], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]


class LicenseTypeForm(Form, json_schema_extra={"examples": [{"type": "string", "value": "purchased"}]}):
    """Exactly this license type."""

    type: Literal["string"]
    value: LicenseType


class LicenseTypesForm(Form, json_schema_extra={"examples": [{"type": "stringArray", "value": ["purchased", "nfr"]}]}):
    """One of these license types."""

    type: Literal["stringArray"]
    value: Annotated[list[LicenseType], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]


class NoDateForm(Form, json_schema_extra={"examples": [{"type": "null"}]}):
    """Keys that never expire."""

    type: Literal["null"]


_Day = Annotated[DateForm, Tag("date")]
_Days = Annotated[DateRangeForm, Tag("dateRange")]
KeyFilter = Annotated[
    Annotated[StringForm, Tag("string")]
    | Annotated[StringArrayForm, Tag("stringArray")]
    | Annotated[RegexForm, Tag("regex")],
    by_type("string", "stringArray", "regex"),
]
TypeFilter = Annotated[
    Annotated[LicenseTypeForm, Tag("string")] | Annotated[LicenseTypesForm, Tag("stringArray")],
    by_type("string", "stringArray"),
]
DayFilter = Annotated[_Day | _Days, by_type("date", "dateRange")]
ExpiryFilter = Annotated[_Day | _Days | Annotated[NoDateForm, Tag("null")], by_type("date", "dateRange", "null")]
CountFilter = Annotated[
    Annotated[NumberForm, Tag("number")] | Annotated[NumberRangeForm, Tag("numberRange")],
    by_type("number", "numberRange"),
]


class RegistryFilters(Wire, json_schema_extra={"examples": [{"overQuotaCount": {"type": "numberRange", "min": 1}}]}):
    """Filters of keys, all of which must hold; without any: all keys."""

    license_key: KeyFilter | None = None
    license_type: TypeFilter | None = None
    license_status: LicenseFlagSets | None = None
    added_date: DayFilter | None = None
    expiry_date: ExpiryFilter | None = None
    auto_collected: bool | None = None
    over_quota_count: CountFilter | None = None
    install_quota: CountFilter | None = None
    install_count: CountFilter | None = None

    @model_validator(mode="before")
    @classmethod
    def _none_null(cls, data: Any) -> Any:  # noqa: ANN401 - raw JSON
        return _without_nulls(data, data, "A filter cannot be null.")


def _without_nulls(data: Any, names: Any, message: str) -> Any:  # noqa: ANN401 - raw JSON
    """The data, of whose members those named are not null."""
    if isinstance(data, dict):
        for name in names:
            if data.get(name, name) is None:
                raise member_refused(name, message)
    return data


def _flags_not_null(data: Any) -> Any:  # noqa: ANN401 - raw JSON
    return _without_nulls(data, data, "Must be true or false.")


class KeyEntry(BaseModel):
    """A key and what to set of it; what is not named stays as it is."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, alias_generator=to_camel)

    license_key: Key
    # These may be absent and not null; who reads them asks first whether they are named.
    license_type: LicenseType = Field(default_factory=str)
    license_status: Annotated[LicenseFlags, BeforeValidator(_flags_not_null)] = Field(default_factory=LicenseFlags)
    install_quota: Count = Field(default_factory=int)
    expiry_date: DayText | None = Field(default=None, description="YYYY-MM-DD, NOW or NOW-<days>; null: never.")

    @model_validator(mode="before")
    @classmethod
    def _none_null(cls, data: Any) -> Any:  # noqa: ANN401 - raw JSON
        return _without_nulls(data, [name for name in ENTRY_MEMBERS if name != "expiryDate"], _ONE_MAY_BE_NULL)


_ONE_MAY_BE_NULL: Final = "Only expiryDate may be null."
# The members of an entry of `keyUpdates`.
ENTRY_MEMBERS: Final = tuple(str(field.alias) for field in KeyEntry.model_fields.values())
KeyEntries = Annotated[list[KeyEntry], Field(min_length=1, max_length=MAX_ENTRIES, fail_fast=True)]
ENTRY: Final[TypeAdapter[KeyEntry]] = TypeAdapter(KeyEntry)
ENTRIES: Final[TypeAdapter[list[KeyEntry]]] = TypeAdapter(KeyEntries)
