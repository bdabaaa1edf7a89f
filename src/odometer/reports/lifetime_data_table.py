"""eventTracking/lifetime/dataTable: what those active in a range did of each event in their life (chapter 04)."""

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.event_table import TableAnswer, TableRequest, table_answer


def run(request: TableRequest, context: Context) -> TableAnswer:
    """The table of lifetime use of those active in the range."""
    return table_answer(request, context)


REPORT = Report(
    path="/v3/reporting/eventTracking/lifetime/dataTable",
    title="Lifetime event use",
    description=(
        "For every event: how often those who were active in the range caused it in their whole life, per user and "
        "active day, week and month; how many of them ever used it. Flat or by category, by segment, sorted, in pages."
    ),
    request=TableRequest,
    answer=TableAnswer,
    run=run,
    example=(
        {"startDate": "2031-03-03", "stopDate": "2031-03-05", "events": [{"category": "Canvas", "name": "Rotate"}]},
        {
            "result": [
                {
                    "eventCategory": "Canvas",
                    "eventName": "Rotate",
                    "eventCount": 13,
                    "eventCountPerUserUsedAtLeastOnce": 6.5,
                    "eventCountPerUserUsedAtLeastOnceActiveDay": 2.6,
                    "eventCountPerUserUsedAtLeastOnceActiveWeek": 3.25,
                    "eventCountPerUserUsedAtLeastOnceActiveMonth": 4.33,
                    "uniqueUsersUsedAtLeastOnce": 2,
                    "uniqueUsersNeverUsed": 2,
                    "percentUsedAtLeastOnce": 50.0,
                    "activeUsers": 4,
                }
            ]
        },
    ),
    compatibility=Compatibility(
        topic=Topic.EVENTS,
        settled=(
            "Clients active in the range, counted over their whole life: `eventCount`, averages per user and per "
            "active day, week and month, `uniqueUsersUsedAtLeastOnce`, `uniqueUsersNeverUsed`, "
            "`percentUsedAtLeastOnce`, `activeUsers`. Flat, by category (`categorizeEvents`), by segment; combinations "
            "under their `combiLabel`."
        ),
        ours=(
            "Order alpha ascending by default; `page` and `pageSize` (1 to 1,000), answered with `totalEvents`. "
            "Without `events` those flagged advanced are listed, at most 50 can be named; segmentBy alone makes every "
            "value an item."
        ),
    ),
)
