"""engagement/churnAndEngagement: how many of those installed in a range stay, period after period (chapter 05)."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypedDict

from odometer.errors import invalid
from odometer.model.calendar import DateRange, Split
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.engagement import EngagementRequest
from odometer.reports.shapes.exact import percent
from odometer.reports.shapes.items import alphabetical_labels, named_labels
from odometer.reports.shapes.loss import SilenceMember
from odometer.selection.filters import parse_filters
from odometer.selection.segments import parse_segment_by
from odometer.selection.wire import Text
from odometer.selection.wire_segments import Segments
from odometer.store.answers.population import ALL_UNITS, Chosen, Population
from odometer.store.answers.retention import RetentionAtAge

# Segments that are periods of the install day.
_COHORTS: Final = {
    "installationDay": Split.DAY,
    "installationWeek": Split.WEEK,
    "installationMonth": Split.MONTH,
}


class AgeFigures(TypedDict):
    """Of those who have reached an age: how many were still engaged then, and how many lost."""

    engaged: int
    engagedPercent: float
    lost: int
    lostPercent: float


class ChurnAndEngagementAnswer(TypedDict):
    """Figures by age in periods; by segment and age where segments are asked for."""

    result: dict[str, AgeFigures] | dict[str, dict[str, AgeFigures]]


class ChurnAndEngagementRequest(EngagementRequest, SilenceMember):
    """What `engagement/churnAndEngagement` takes."""

    date_split: Annotated[Split, Field(strict=False)] = Field(
        alias="dateSplit", description="What age is counted in: day, week or month."
    )
    segment_by: Text | None = Field(
        default=None,
        alias="segmentBy",
        description="The property that makes segments; or installationDay, installationWeek, installationMonth.",
    )
    segments: Segments | None = Field(default=None, description="Its items; absent: every distinct value is one.")


def run(request: ChurnAndEngagementRequest, context: Context) -> ChurnAndEngagementAnswer:
    """Age → engaged and lost; by segment where segments are asked for."""
    asked = context.range_of(request.start_date, request.stop_date)
    cohorts = _COHORTS.get(request.segment_by or "")
    if cohorts is not None and request.segments:
        raise invalid("segments", f"{request.segment_by} makes its own segments: one for each period.")
    level = None if cohorts else parse_segment_by(request.segment_by, request.segments, context.language)
    population = Population(
        product_id=context.product_id,
        range=asked,
        today=context.today,
        chosen=Chosen.INSTALLED,
        silence_days=request.silence_days(context),
        filters=parse_filters(request.global_filters, context.language),
        level=level,
    )
    periods = _periods(asked, cohorts, context) if cohorts else []
    found = context.questions.retention(population, request.date_split, cohorts)
    ages = {label: _ages(ages) for label, ages in found.items()}
    if level is None and cohorts is None:
        return {"result": ages.get(ALL_UNITS, {})}
    labels = periods if level is None else alphabetical_labels({*named_labels(level), *ages})
    return {"result": {label: ages.get(label, {}) for label in labels}}


def _periods(asked: DateRange, cohorts: Split, context: Context) -> list[str]:
    """The periods of the range up to today."""
    if asked.start > context.today:
        return []
    return [str(first) for first in DateRange(asked.start, min(asked.stop, context.today)).buckets(cohorts)]


def _ages(ages: Mapping[int, RetentionAtAge]) -> dict[str, AgeFigures]:
    found: dict[str, AgeFigures] = {}
    for age, (reached, lost) in enumerate(reached_and_lost(ages)):
        engaged = reached - lost
        found[str(age)] = {
            "engaged": engaged,
            "engagedPercent": percent(engaged, reached),
            "lost": lost,
            "lostPercent": percent(lost, reached),
        }
    return found


def reached_and_lost(ages: Mapping[int, RetentionAtAge]) -> list[tuple[int, int]]:
    """For each age up to the greatest: how many have reached it, and how many of these were lost before.

    The rule of the report (chapter 05): of E, the clients installed at least k periods ago, those count as lost that
    are lost today and were last active before age k; silent but not yet lost is engaged. Going up one age, the lost
    whose last activity was at this one join, and who is not older leaves. Nobody is last active after today.
    """
    found = []
    reached, lost = sum(at_age.reached_age for at_age in ages.values()), 0
    for age in range(max(ages, default=-1) + 1):
        found.append((reached, lost))
        at_age = ages.get(age, RetentionAtAge(0, 0, 0))
        reached -= at_age.reached_age
        lost += at_age.left - at_age.reached_age_and_lost
    return found


_EXAMPLE: Final = {0: RetentionAtAge(0, 0, 1), 2: RetentionAtAge(3, 1, 0)}

REPORT = Report(
    path="/v3/reporting/engagement/churnAndEngagement",
    title="Who stays",
    description=(
        "Of those who were installed in the range: how many days, weeks or months later how many are engaged and how "
        "many lost, in all, by segment, or by the period in which they were installed. Ages not reached are absent."
    ),
    request=ChurnAndEngagementRequest,
    answer=ChurnAndEngagementAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-04-01",
            "stopDate": "2031-04-30",
            "dateSplit": "month",
            "segmentBy": "installationMonth",
            "daysUntilDeclaredLost": 30,
        },
        {"result": {"2031-04-01": _ages(_EXAMPLE)}},
    ),
    compatibility=Compatibility(
        topic=Topic.ENGAGEMENT,
        settled=(
            "`startDate`, `stopDate` and `dateSplit` are required; `segmentBy` also takes `installationDay`, "
            '`installationWeek`, `installationMonth`. Segment → periods after install (`"0"`, `"1"`, ...) → `engaged`, '
            "`engagedPercent`, `lost`, `lostPercent`; without segmentBy no layer of segments; periods not yet reached "
            "are absent. Filters see the values of the install day."
        ),
        ours="A loss is dated by the last activity, and the horizon is today.",
    ),
)
