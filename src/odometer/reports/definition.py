"""What a report is: a path, a request model, one `run` function. Reports are listed in `odometer.reports.REPORTS`."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from odometer.errors import invalid
from odometer.model.calendar import DateRange, parse_range
from odometer.model.compatibility import Compatibility
from odometer.model.events import EventFlags, EventName
from odometer.selection.reading import Language
from odometer.selection.wire import whole
from odometer.store.questions import Questions

# Members of the query language. A report that does not know one refuses it instead of ignoring it (chapter 00).
LANGUAGE_MEMBERS = ("globalFilters", "segmentBy", "segments", "levels", "groupBy", "dateSplit", "events")

# Bounds stand before the validator, so that the schema has them.
PositiveNumber = Annotated[int, Field(ge=1), BeforeValidator(whole)]
Days = Annotated[int, Field(ge=1, le=365), BeforeValidator(whole)]
PageSize = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)]


class ReportRequest(BaseModel):
    """Base of all request bodies: nothing is coerced, null means absent, unknown members are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)
    # Members that are refused, instead of ignored, by a report that has none of the name.
    refused: ClassVar[tuple[str, ...]] = LANGUAGE_MEMBERS

    @model_validator(mode="before")
    @classmethod
    def _absent_and_foreign(cls, data: Any) -> Any:  # noqa: ANN401 - raw JSON
        if not isinstance(data, dict):
            return data
        present = {name: value for name, value in data.items() if value is not None}
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for member in cls.refused:
            if member in known or present.get(member) in (None, {}, []):
                continue
            raise invalid(member, f"This report has no {member}.")
        return present


@dataclass(frozen=True, slots=True)
class Context:
    """What a report may know beside its request.

    Attributes:
        product_id: the product asked about; the caller's permission was checked.
        days_until_declared_lost: the product's setting, used when the request names no N.
        oldest_date: requests before this day are refused (chapter 00), None = no limit.
        today: T of the definitions.
        questions: the door to the analytics store.
        may_use_license_keys: the caller has license_filtering.
        custom_types: the product's types of custom properties, by slot.
        flags: tells the flags of events; one that it leaves out is flagged advanced.
        tell: takes a sentence about what the request says in vain.

    """

    product_id: int
    days_until_declared_lost: int
    oldest_date: dt.date | None
    today: dt.date
    questions: Questions
    may_use_license_keys: bool = False
    custom_types: Mapping[str, int] = field(default_factory=dict)

    flags: Callable[[], Mapping[EventName, EventFlags]] = dict
    tell: Callable[[str], None] = lambda _sentence: None

    @property
    def language(self) -> Language:
        """What reading filters, segments and groups has to know."""
        return Language(
            self.today, self.questions.pattern_fault, self.may_use_license_keys, self.custom_types, self.tell
        )

    def range_of(self, start: str, stop: str) -> DateRange:
        """The validated range of `startDate` and `stopDate`."""
        return parse_range(start, stop, today=self.today, oldest=self.oldest_date)


R = TypeVar("R", bound="ReportRequest")
A = TypeVar("A")
# Parts of a path that a report's name leaves out.
_UNNAMED: Final = ("", "v3", "meta", "reporting")


@dataclass(frozen=True, slots=True)
class Report(Generic[R, A]):
    """One report operation `POST {path}/{product_id}`.

    `run` is synchronous and may block: the server calls it in its worker pool. It returns the whole JSON body, whose
    type is `answer`: the API description is made from it, and tests check every answer against it.
    `example` is a (request body, answer body) pair for the documentation, `compatibility` its mark of compatibility.
    """

    path: str
    title: str
    description: str
    request: type[R]
    answer: type[A]
    run: Callable[[R, Context], A]
    example: tuple[dict[str, Any], A]
    compatibility: Compatibility

    @property
    def name(self) -> str:
        """The path as one word: `genericDateRange`."""
        first, *others = (part for part in self.path.split("/") if part not in _UNNAMED)
        return first + "".join(part[0].upper() + part[1:] for part in others)
