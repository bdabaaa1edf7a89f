"""churn/histogram/days: how many active days the lost had had (chapter 05)."""

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.churn_histogram import (
    HISTOGRAM_OURS,
    ChurnHistogramAnswer,
    ChurnHistogramRequest,
    churn_histogram_answer,
    histogram_body,
)
from odometer.store.answers.amounts import Amount
from odometer.store.answers.lifetime_distribution import LifetimeDistribution


def run(request: ChurnHistogramRequest, context: Context) -> ChurnHistogramAnswer:
    """Active days of the lost, in bins, and statistics."""
    return churn_histogram_answer(request, context, Amount.DAYS)


REPORT = Report(
    path="/v3/reporting/churn/histogram/days",
    title="Active days of the lost",
    description=(
        "How many of those who were lost in the range had been active on how many days in their whole life; "
        "with mean, median, 90th and 95th percentile and maximum."
    ),
    request=ChurnHistogramRequest,
    answer=ChurnHistogramAnswer,
    run=run,
    example=(
        {"startDate": "2031-05-01", "stopDate": "2031-05-31", "daysUntilDeclaredLost": 30},
        histogram_body(
            Amount.DAYS, LifetimeDistribution({0: 1, 1: 1}, total=3, ranked={50: 1, 90: 2, 95: 2}, greatest=2)
        ),
    ),
    compatibility=Compatibility(
        topic=Topic.ENGAGEMENT,
        settled=(
            "`startDate`, `stopDate`, `daysUntilDeclaredLost`, `dateReportedLost` (default `dateLastSeen`), "
            "`globalFilters` on the values when lost. The lost of the range by the active days of their whole life."
        ),
        ours=HISTOGRAM_OURS,
    ),
)
