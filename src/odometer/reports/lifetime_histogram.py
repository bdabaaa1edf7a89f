"""eventTracking/lifetime/histogram: how lifetime use of events is distributed over those active in a range."""

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.event_histogram import HistogramAnswer, HistogramRequest, histogram_answer

_ROTATE = {"category": "Canvas", "name": "Rotate"}
_ONE, _NONE, _BOTH = ([{**_ROTATE, "value": value}] for value in (1, 0, 2))
_AVERAGES = [f"averageCountPerActive{period}" for period in ("Day", "Week", "Month")]


def run(request: HistogramRequest, context: Context) -> HistogramAnswer:
    """The histogram of lifetime use of those active in the range."""
    return histogram_answer(request, context)


REPORT = Report(
    path="/v3/reporting/eventTracking/lifetime/histogram",
    title="Distribution of lifetime event use",
    description=(
        "How many of those who were active in the range used the named events how often in their whole life, and per "
        "active day, week and month. Bins are given, or made from the values."
    ),
    request=HistogramRequest,
    answer=HistogramAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-03-03",
            "stopDate": "2031-03-05",
            "events": [_ROTATE],
            "lowerBounds": {"eventCount": 1, **dict.fromkeys(_AVERAGES, 0)},
            "binUpperBounds": {"eventCount": [5, 15], **{name: [2, "inf"] for name in _AVERAGES}},
        },
        {
            "result": {
                "summary": {
                    "usedAtLeastOnce": [{**_ROTATE, "value": 2}],
                    "neverUsed": [{**_ROTATE, "value": 2}],
                },
                "histograms": {
                    "eventCount": {"1 - 5": _ONE, "6 - 15": _ONE},
                    "averageCountPerActiveDay": {"0.0 - 2.0": _ONE, "> 2.0": _ONE},
                    "averageCountPerActiveWeek": {"0.0 - 2.0": _ONE, "> 2.0": _ONE},
                    "averageCountPerActiveMonth": {"0.0 - 2.0": _NONE, "> 2.0": _BOTH},
                },
            }
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "`events` is required; `lowerBounds` and `binUpperBounds` come together or not at all. `summary` "
            "(`usedAtLeastOnce`, `neverUsed`) and `histograms` of `eventCount`, `averageCountPerActiveDay`, `...Week`, "
            "`...Month`; labels `1 - 2`, `3`, `≥ 10`, `> 2.0`; every bin holds every event, in the order asked for."
        ),
        ours=("How bins are made when none are given: up to the 95th percentile of all values, then one open bin."),
    ),
)
