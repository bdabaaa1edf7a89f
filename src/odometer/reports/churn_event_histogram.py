"""eventTracking/churn/lifetime/histogram: how the event use of those lost in a range was distributed (chapter 04)."""

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.event_histogram import HistogramAnswer, HistogramRequest, histogram_answer
from odometer.reports.shapes.loss import LossMembers

_BLUR = {"category": "Canvas", "name": "Blur"}
_ONE = [{**_BLUR, "value": 1}]


class ChurnEventHistogramRequest(HistogramRequest, LossMembers):
    """What `churn/lifetime/histogram` takes."""


def run(request: ChurnEventHistogramRequest, context: Context) -> HistogramAnswer:
    """The histogram of lifetime use over the lost."""
    return histogram_answer(request, context, losses=request)


REPORT = Report(
    path="/v3/reporting/eventTracking/churn/lifetime/histogram",
    title="Distribution of the event use of the lost",
    description=(
        "How many of those who were lost in the range had used the named events how often in their whole life, and "
        "per active day, week and month."
    ),
    request=ChurnEventHistogramRequest,
    answer=HistogramAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-01-01",
            "stopDate": "2031-01-31",
            "daysUntilDeclaredLost": 30,
            "events": [_BLUR],
            "lowerBounds": {
                "eventCount": 5,
                "averageCountPerActiveDay": 0,
                "averageCountPerActiveWeek": 0,
                "averageCountPerActiveMonth": 0,
            },
            "binUpperBounds": {
                "eventCount": ["inf"],
                "averageCountPerActiveDay": [10],
                "averageCountPerActiveWeek": [10],
                "averageCountPerActiveMonth": [10],
            },
        },
        {
            "result": {
                "summary": {"usedAtLeastOnce": _ONE, "neverUsed": [{**_BLUR, "value": 0}]},
                "histograms": {
                    "eventCount": {"≥ 5": _ONE},
                    "averageCountPerActiveDay": {"0.0 - 10.0": _ONE},
                    "averageCountPerActiveWeek": {"0.0 - 10.0": _ONE},
                    "averageCountPerActiveMonth": {"0.0 - 10.0": _ONE},
                },
            }
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "As lifetime/histogram, for clients whose loss date lies in the range; `daysUntilDeclaredLost` and "
            "`dateReportedLost` beside the members there."
        ),
        ours="`groupBy` is accepted; default bins as in lifetime/histogram.",
    ),
)
