"""getLastLines: the latest custom events and exceptions, line by line as files show them (chapter 08)."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.model.lines import LINE_COLUMNS, LineType, preview_of
from odometer.reports.definition import Context, Report, ReportRequest

_MOST: Final = 1_000


def _line_count(value: object) -> object:
    """A whole number, also as text of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    if isinstance(value, Decimal) and 1 <= value <= _MOST and value == value.to_integral_value():
        return int(value)
    return value


class LastLinesAnswer(TypedDict):
    """The label of each column, in their order, and lines with the columns as keys; every value is text."""

    fieldNames: dict[str, str]
    result: list[dict[str, str]]


LineCount = Annotated[int, Field(ge=1, le=_MOST)] | Annotated[str, Field(pattern="^[0-9]{1,9}$")]


class LastLinesRequest(ReportRequest):
    """How many lines."""

    line_count: Annotated[
        int, Field(ge=1, le=_MOST), BeforeValidator(_line_count, json_schema_input_type=LineCount)
    ] = Field(default=20, alias="lineCount", description="1 to 1,000; also as text.")


def _answer(line_type: LineType, request: LastLinesRequest, context: Context) -> LastLinesAnswer:
    lines = context.questions.lines.last(context.product_id, line_type, request.line_count, context.today)
    return {
        "fieldNames": LINE_COLUMNS[line_type],
        "result": [preview_of(line, line_type) for line in lines],
    }


def run_custom_events(request: LastLinesRequest, context: Context) -> LastLinesAnswer:
    """`fieldNames` and `result`, newest first."""
    return _answer("custom_event", request, context)


def run_exceptions(request: LastLinesRequest, context: Context) -> LastLinesAnswer:
    """`fieldNames` and `result`, newest first."""
    return _answer("exception", request, context)


_OF_CLIENT: Final = {"timestamp": "2031-06-19T10:00:00.000Z", "clientId": "3B90C2E417AA05F6", "prodVersion": "3.2"}

CUSTOM_EVENTS = Report(
    path="/v3/customEventTracking/getLastLines",
    title="The latest custom events",
    description=(
        'Newest first, each with its client\'s values of that day; all values are text, "" when unset. '
        "fieldNames has the label of every column. (The example leaves columns out.)"
    ),
    request=LastLinesRequest,
    answer=LastLinesAnswer,
    run=run_custom_events,
    example=(
        {"lineCount": 1},
        {
            "fieldNames": LINE_COLUMNS["custom_event"],
            "result": [{**_OF_CLIENT, "event.category": "Shop", "event.name": "Buy", "event.data": "n=1"}],
        },
    ),
    compatibility=Compatibility(
        topic=Topic.LINES,
        settled=(
            "`lineCount` as an integer or digits, 1 to 1,000, 20 by default. `fieldNames` (key → label, in the order "
            "of the columns) beside `result`: objects with these keys, every value as text, flags `Y` or `N`."
        ),
        ours=(
            "Newest first. In `event.data` pairs are `key=value` joined by a bar; bars, `=` and backslashes in them "
            "follow a backslash."
        ),
    ),
)
EXCEPTIONS = Report(
    path="/v3/exceptionTracking/getLastLines",
    title="The latest exceptions",
    description=(
        'Newest first, each with its client\'s values of that day; all values are text, "" when unset. '
        "fieldNames has the label of every column. (The example leaves columns out.)"
    ),
    request=LastLinesRequest,
    answer=LastLinesAnswer,
    run=run_exceptions,
    example=(
        {"lineCount": "1"},
        {
            "fieldNames": LINE_COLUMNS["exception"],
            "result": [{**_OF_CLIENT, "exception.className": "IOError", "exception.methodName": "save"}],
        },
    ),
    compatibility=Compatibility(
        topic=Topic.LINES,
        settled=(
            "`lineCount` as an integer or digits, 1 to 1,000, 20 by default. `fieldNames` (key → label, in the order "
            "of the columns) beside `result`: objects with these keys, every value as text, flags `Y` or `N`."
        ),
        ours=(
            "Newest first. The columns after those of the client: `exception.className`, `.methodName`, `.message`, "
            "`.stackTrace`."
        ),
    ),
)
