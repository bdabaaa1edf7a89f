"""exceptions: which exceptions whom hit how often in a range (chapter 08)."""

from pydantic import Field
from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report, ReportRequest
from odometer.reports.shapes.active import active_in_range
from odometer.selection.reading import NULL_LABEL
from odometer.selection.wire_filters import GlobalFilters
from odometer.store.answers.exceptions import MetException


class ExceptionRow(TypedDict):
    """One class and method: how often and whom it hit, between which days, in which product versions."""

    className: str
    methodName: str
    occurrences: int
    clients: int
    firstSeen: str
    lastSeen: str
    versions: list[str]


class ExceptionsAnswer(TypedDict):
    """Exceptions, the most frequent first."""

    result: list[ExceptionRow]


class ExceptionsRequest(ReportRequest):
    """Which days, and whose exceptions."""

    start_date: str = Field(alias="startDate", description="First day: YYYY-MM-DD, NOW or NOW-<days>.")
    stop_date: str = Field(alias="stopDate", description="Last day, inclusive.")
    global_filters: GlobalFilters | None = Field(
        default=None, alias="globalFilters", description="Property → filter; all must hold."
    )


def run(request: ExceptionsRequest, context: Context) -> ExceptionsAnswer:
    """`result`: one object for each class and method, most frequent first."""
    population = active_in_range(request, context)
    return {"result": [_shown(met) for met in context.questions.exceptions(population)]}


def _shown(met: MetException) -> ExceptionRow:
    return {
        "className": met.class_name,
        "methodName": met.method_name,
        "occurrences": met.occurrences,
        "clients": met.clients,
        "firstSeen": met.first_seen.isoformat(),
        "lastSeen": met.last_seen.isoformat(),
        "versions": sorted(version or NULL_LABEL for version in met.versions),
    }


REPORT = Report(
    path="/v3/reporting/exceptions",
    title="Exceptions",
    description=(
        "For every class and method: occurrences in the range, how many clients met it, the first and the last day "
        "in the range, and the product versions that clients had on these days. Filters look at a client's last day "
        "in the range."
    ),
    request=ExceptionsRequest,
    answer=ExceptionsAnswer,
    run=run,
    example=(
        {"startDate": "2031-06-01", "stopDate": "2031-06-30"},
        {
            "result": [
                {
                    "className": "IOError",
                    "methodName": "save",
                    "occurrences": 7,
                    "clients": 3,
                    "firstSeen": "2031-06-04",
                    "lastSeen": "2031-06-19",
                    "versions": ["3.1", "3.2"],
                }
            ]
        },
    ),
    compatibility=Compatibility(
        topic=Topic.LINES,
        settled="",
        ours=(
            "Not part of the v3 surface. Occurrences, clients, first and last day and versions of every exception, by "
            "class and method."
        ),
    ),
)
