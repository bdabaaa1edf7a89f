"""The wire form of event elements (chapter 04, The events member)."""

from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from typing_extensions import TypeAliasType

from odometer.selection.wire import Count, Text, Wire, check_order

MAX_ELEMENTS: Final = 50
MAX_LABEL: Final = 256
_COMBINATION: Final = ("combiLabel", "combiArray")
_CATEGORY: Final = "Null, empty or absent: events without a category."


def _exact(value: object) -> object:
    if value != "string":
        raise ValueError("Patterns are for the elements of a combination only.")
    return value


_Exact = Annotated[Literal["string"], BeforeValidator(_exact)]
_Kind = Literal["string", "regex"]


class SingleEvent(Wire, json_schema_extra={"examples": [{"category": "Canvas", "name": "Rotate"}]}):
    """One event, by category and name."""

    absent: ClassVar[tuple[str, ...]] = _COMBINATION

    category: Text | None = Field(default=None, description=_CATEGORY)
    name: Text
    category_type: _Exact = "string"
    name_type: _Exact = "string"


class EventElement(
    Wire, json_schema_extra={"examples": [{"category": "Export", "nameType": "regex", "name": "PDF.*"}]}
):
    """Events whose category and name are equal to these texts, or match these patterns."""

    category: Text | None = Field(default=None, description=_CATEGORY)
    name: Text
    category_type: _Kind = "string"
    name_type: _Kind = "string"


class CountedEvents(EventElement, json_schema_extra={"examples": [{"category": "Export", "name": "PDF", "min": 3}]}):
    """Events, and how often a client caused them in its life: min is 1 where absent, and 0 where max is 0."""

    min: Count | None = None
    max: Count | None = None

    @property
    def least(self) -> int:
        """The lower bound, by default what is sensible."""
        if self.min is not None:
            return self.min
        return 0 if self.max == 0 else 1

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.least, self.max)
        return self


class EventCombination(
    Wire,
    json_schema_extra={
        "examples": [
            {"combiLabel": "Any export", "combiArray": [{"category": "Export", "nameType": "regex", "name": ".*"}]}
        ]
    },
):
    """Events that are counted as if they were one: everything that any of the elements finds."""

    combi_label: Annotated[Text, Field(min_length=1, max_length=MAX_LABEL)]
    combi_array: Annotated[list[EventElement], Field(min_length=1, max_length=MAX_ELEMENTS, fail_fast=True)]


def _form(given: Any) -> str:  # noqa: ANN401 - raw JSON
    combines = isinstance(given, dict) and any(given.get(key) is not None for key in _COMBINATION)
    return "combination" if combines else "event"


EventEntry = TypeAliasType(
    "EventEntry",
    Annotated[
        Annotated[SingleEvent, Tag("event")] | Annotated[EventCombination, Tag("combination")], Discriminator(_form)
    ],
)
SingleEvents = Annotated[list[SingleEvent], Field(min_length=1, max_length=MAX_ELEMENTS, fail_fast=True)]
EventEntries = Annotated[list[EventEntry], Field(min_length=1, max_length=MAX_ELEMENTS, fail_fast=True)]
CountedElements = Annotated[list[CountedEvents], Field(min_length=1, max_length=MAX_ELEMENTS, fail_fast=True)]
