"""eventTracking/churn/lifetime/dataTable: what those lost in a range had done of each event (chapter 04)."""

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.event_table import TableAnswer, TableRequest, table_answer
from odometer.reports.shapes.loss import LossMembers


class ChurnTableRequest(TableRequest, LossMembers):
    """What `churn/lifetime/dataTable` takes."""


def run(request: ChurnTableRequest, context: Context) -> TableAnswer:
    """The table of lifetime use; activeUsers are the lost."""
    return table_answer(request, context, losses=request)


REPORT = Report(
    path="/v3/reporting/eventTracking/churn/lifetime/dataTable",
    title="Event use of the lost",
    description=(
        "For every event: how often those who were lost in the range had caused it in their life, and how many of "
        "them never found it. activeUsers is the number of the lost."
    ),
    request=ChurnTableRequest,
    answer=TableAnswer,
    run=run,
    example=(
        {
            "startDate": "2031-01-01",
            "stopDate": "2031-01-31",
            "daysUntilDeclaredLost": 30,
            "events": [{"category": "Canvas", "name": "Blur"}],
        },
        {
            "result": [
                {
                    "eventCategory": "Canvas",
                    "eventName": "Blur",
                    "eventCount": 9,
                    "eventCountPerUserUsedAtLeastOnce": 9.0,
                    "eventCountPerUserUsedAtLeastOnceActiveDay": 9.0,
                    "eventCountPerUserUsedAtLeastOnceActiveWeek": 9.0,
                    "eventCountPerUserUsedAtLeastOnceActiveMonth": 9.0,
                    "uniqueUsersUsedAtLeastOnce": 1,
                    "uniqueUsersNeverUsed": 0,
                    "percentUsedAtLeastOnce": 100.0,
                    "activeUsers": 1,
                }
            ]
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "As lifetime/dataTable, for clients whose loss date lies in the range; `daysUntilDeclaredLost` and "
            "`dateReportedLost` beside the members there. `activeUsers` is the number of the lost; filters and "
            "segments see the last values before the loss."
        ),
        ours="`groupBy` is accepted; all else as in lifetime/dataTable.",
    ),
)
