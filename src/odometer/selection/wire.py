"""The wire form of the query language (chapter 02): what its objects have in common, and the forms of values.

A model says what an object may hold: types, members, sizes. What takes the catalogue or the product is left to the
pass that makes predicates of models: `filters`, `segments`, `events`, `grouping`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic.alias_generators import to_camel

from odometer.selection.reading import MAX_PATTERN
from odometer.selection.refusals import WRONG_TYPE, member_refused

MAX_TEXTS: Final = 10_000
_BEYOND: Final = 10**18
_TINIEST_EXPONENT: Final = -400
_HUGE: Final = 2**63


def whole(value: object) -> object:
    """30.0 is an integer, "30" and true are not (chapter 00)."""
    # The bound comes first: writing 1e1000000 out as an integer would take the processor for half a minute.
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and -_HUGE < value < _HUGE
        and value == value.to_integral_value()
    ):
        return int(value)
    return value


def number(value: object) -> Decimal:
    """A finite number of a reasonable size; text and booleans are none."""
    if type(value) is float:
        value = Decimal(repr(value))
    if type(value) is not int and not (type(value) is Decimal and value.is_finite()):
        raise ValueError("Must be a number.")
    found = Decimal(value)
    exponent = found.as_tuple().exponent
    if not -_BEYOND < found < _BEYOND or (isinstance(exponent, int) and exponent < _TINIEST_EXPONENT):
        raise ValueError("Must lie between -10^18 and 10^18.")
    return found


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("Holds a NUL character.")
    return text


def _day_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("A date must be text: YYYY-MM-DD, NOW or NOW-<days>.")
    return value


# Which day it is, the pass says: NOW is the caller's today.
DayText = Annotated[str, Field(json_schema_extra={"examples": ["2031-05-12", "NOW-7"]}), BeforeValidator(_day_text)]
Text = Annotated[str, AfterValidator(_no_nul)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=MAX_TEXTS, fail_fast=True)]
# How long a pattern may be, the pass says: in other members it depends on the type whether a text is a pattern.
PatternText = Annotated[Text, Field(json_schema_extra={"maxLength": MAX_PATTERN})]
Number = Annotated[Decimal, PlainValidator(number), WithJsonSchema({"type": "number"})]
# Bounds stand before the validator, so that the schema has them.
Count = Annotated[int, Field(ge=0, lt=_BEYOND), BeforeValidator(whole)]
AtLeastOne = Annotated[int, Field(ge=1, lt=_BEYOND), BeforeValidator(whole)]


class Wire(BaseModel):
    """Base of all objects of the language: nothing is coerced, null is absent, an unknown member is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)
    # Members that may stand there as null, as they belong to another form.
    absent: ClassVar[tuple[str, ...]] = ()
    known: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **_given: Any) -> None:  # noqa: ANN401 - whatever pydantic is given
        cls.known = frozenset(field.alias or name for name, field in cls.model_fields.items())

    @model_validator(mode="before")
    @classmethod
    def _known_and_given(cls, data: Any) -> Any:  # noqa: ANN401 - raw JSON
        """The members that are not null; an unknown one is refused, null or not."""
        if not isinstance(data, dict):
            raise ValueError(f"Must be an object with members such as {', '.join(sorted(cls.known))}.")
        for key, value in data.items():
            if key not in cls.known and not (value is None and key in cls.absent):
                message = f"There is no such member here; known are {', '.join(sorted(cls.known))}."
                raise member_refused(key, message)
        return {key: value for key, value in data.items() if value is not None}


def by_type(*forms: str, without: Callable[[dict[str, Any]], str | None] = lambda _given: None) -> Discriminator:
    """Tells forms by their member `type`; `without` names the form of an object that has none."""

    def form_of(given: object) -> str | None:
        # What is no object, any form refuses.
        if not isinstance(given, dict):
            return forms[0]
        kind = given.get("type")
        if kind is None:
            return without(given)
        return kind if isinstance(kind, str) and kind in forms else None

    return Discriminator(form_of, WRONG_TYPE, f"Takes the type {' or '.join(forms)}.")


def asks_for_null(given: dict[str, Any]) -> bool:
    """Whether `includeNull` stands alone, but for `exclude`."""
    wanted = given.get("includeNull")
    others = (key for key, value in given.items() if value is not None and key not in ("includeNull", "exclude"))
    return wanted is not None and wanted is not False and next(others, None) is None


class Form(Wire):
    """Base of the forms of values: a member of another form may stand there as null."""

    absent: ClassVar[tuple[str, ...]] = ("type", "value", "min", "max")


class StringForm(Form):
    """Exactly this text."""

    type: Literal["string"]
    value: Text


class StringArrayForm(Form):
    """One of these texts."""

    type: Literal["stringArray"]
    value: Texts


class RegexForm(Form):
    """The whole text matches this pattern (RE2)."""

    type: Literal["regex"]
    value: PatternText


class NumberForm(Form):
    """Exactly this number."""

    type: Literal["number"]
    value: Number


class NumberRangeForm(Form):
    """From min to max, both inclusive; one may be left out."""

    type: Literal["numberRange"]
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        check_given(self.min, self.max)
        check_order(self.min, self.max)
        return self


class BooleanForm(Form):
    """True or false."""

    type: Literal["boolean"] = "boolean"
    value: bool


class DateForm(Form):
    """Exactly this day."""

    type: Literal["date"]
    value: DayText


class DateRangeForm(Form):
    """From min to max, both inclusive; one may be left out. YYYY-MM-DD, NOW or NOW-<days>."""

    type: Literal["dateRange"]
    min: DayText | None = None
    max: DayText | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        check_given(self.min, self.max)
        return self


class NullForm(Form):
    """Only those without a value."""

    include_null: bool


def check_given(low: object, high: object) -> None:
    """Refuse a range without bounds."""
    if low is None and high is None:
        raise member_refused("min", "Give min, max or both.", "MISSING_FIELD")


def check_order(low: Decimal | int | None, high: Decimal | int | None) -> None:
    """Refuse `min` when it lies beyond `max`; None is open."""
    if low is not None and high is not None and low > high:
        raise member_refused("min", f"min {low} is greater than max {high}.")
