"""churn/histogram/runtime: how long the lost had used the product (chapter 05)."""

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
    """Runtime of the lost, in bins, and statistics."""
    return churn_histogram_answer(request, context, Amount.RUNTIME)


REPORT = Report(
    path="/v3/reporting/churn/histogram/runtime",
    title="Runtime of the lost",
    description=(
        "How many of those who were lost in the range had used the product for how long in their whole life, "
        "in bins of whole minutes; with mean, median, 90th and 95th percentile and maximum in hours."
    ),
    request=ChurnHistogramRequest,
    answer=ChurnHistogramAnswer,
    run=run,
    example=(
        {"startDate": "2031-05-01", "stopDate": "2031-05-31", "daysUntilDeclaredLost": 30},
        histogram_body(
            Amount.RUNTIME,
            LifetimeDistribution(
                {0: 1, 5: 1}, total=7_860_000, ranked={50: 301_000, 90: 7_559_000, 95: 7_559_000}, greatest=7_559_000
            ),
        ),
    ),
    compatibility=Compatibility(
        topic=Topic.ENGAGEMENT,
        settled=(
            "Members as in churn/histogram/days. The lost of the range by the runtime of their whole life, in whole "
            "minutes."
        ),
        ours=HISTOGRAM_OURS,
    ),
)
