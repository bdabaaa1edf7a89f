"""churn/histogram/sessions: how many sessions the lost had had (chapter 05)."""

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
    """Sessions of the lost, in bins, and statistics."""
    return churn_histogram_answer(request, context, Amount.SESSIONS)


REPORT = Report(
    path="/v3/reporting/churn/histogram/sessions",
    title="Sessions of the lost",
    description=(
        "How many of those who were lost in the range had begun how many sessions in their whole life; "
        "with mean, median, 90th and 95th percentile and maximum."
    ),
    request=ChurnHistogramRequest,
    answer=ChurnHistogramAnswer,
    run=run,
    example=(
        {"startDate": "2031-05-01", "stopDate": "2031-05-31", "daysUntilDeclaredLost": 30},
        histogram_body(
            Amount.SESSIONS, LifetimeDistribution({0: 1, 6: 1}, total=14, ranked={50: 1, 90: 13, 95: 13}, greatest=13)
        ),
    ),
    compatibility=Compatibility(
        topic=Topic.ENGAGEMENT,
        settled="Members as in churn/histogram/days. The lost of the range by the sessions of their whole life.",
        ours=HISTOGRAM_OURS,
    ),
)
