"""engagement/usageDistribution: how the active of a range are spread over days, sessions and runtime (chapter 05)."""

from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, Report
from odometer.reports.shapes.active import active_in_range
from odometer.reports.shapes.bins import bin_labels, place_of
from odometer.reports.shapes.engagement import EngagementRequest
from odometer.store.answers.amounts import AMOUNTS
from odometer.store.answers.usage_classes import Classes


class UsageBin(TypedDict):
    """The users of a bin, and how they spread over the bins of the other two amounts."""

    users: int
    activeDays: NotRequired[dict[str, int]]
    sessions: NotRequired[dict[str, int]]
    runtime: NotRequired[dict[str, int]]


class UsageTables(TypedDict):
    """Bins of each amount by label, in their order; runtime is labelled in hours and minutes."""

    activeDays: dict[str, UsageBin]
    sessions: dict[str, UsageBin]
    runtime: dict[str, UsageBin]


class UsageDistributionAnswer(TypedDict):
    """How much the active of the range used the product."""

    result: UsageTables


class UsageDistributionRequest(EngagementRequest):
    """What `engagement/usageDistribution` takes."""


def run(request: UsageDistributionRequest, context: Context) -> UsageDistributionAnswer:
    """For each of the three amounts: its bins with their users, and those by the bins of the other two."""
    population = active_in_range(request, context)
    return {"result": _tables(context.questions.use_classes(population))}


def _tables(classes: Classes) -> UsageTables:
    labels = []
    for index, amount in enumerate(AMOUNTS):
        users: dict[int, int] = {}
        for numbers, count in classes.items():
            users[numbers[index]] = users.get(numbers[index], 0) + count
        labels.append(bin_labels(amount, users))
    others = [[other for other in range(len(AMOUNTS)) if other != index] for index in range(len(AMOUNTS))]
    tables: dict[str, Any] = {
        amount: {
            label: {"users": 0, **{AMOUNTS[other]: dict.fromkeys(labels[other], 0) for other in others[index]}}
            for label in labels[index]
        }
        for index, amount in enumerate(AMOUNTS)
    }
    for numbers, count in classes.items():
        found = [of_amount[place_of(number, of_amount)] for number, of_amount in zip(numbers, labels, strict=True)]
        for index, amount in enumerate(AMOUNTS):
            table = tables[amount][found[index]]
            table["users"] += count
            for other in others[index]:
                table[AMOUNTS[other]][found[other]] += count
    return cast("UsageTables", tables)


REPORT = Report(
    path="/v3/reporting/engagement/usageDistribution",
    title="How much the active use the product",
    description=(
        "How many of those who were active in the range were so on how many days, in how many sessions and for how "
        "long, each by the other two. Bins cover at least 95 % of them, and one takes the rest."
    ),
    request=UsageDistributionRequest,
    answer=UsageDistributionAnswer,
    run=run,
    example=(
        {"startDate": "2031-04-01", "stopDate": "2031-05-31"},
        # Clients by their days, sessions and runtime, each as the number of a bin of the ladder.
        {"result": _tables({(0, 0, 0): 2, (1, 2, 3): 1, (1, 6, 5): 1, (1, 0, 0): 1})},
    ),
    compatibility=Compatibility(
        topic=Topic.ENGAGEMENT,
        settled=(
            "`startDate`, `stopDate`, `globalFilters`. `activeDays`, `sessions` and `runtime` hold bins in their "
            "order, zeros kept; each has `users` and the tables of the other two. Labels `2`, `4 - 5`, `≤ 1`, `≥ 13`; "
            "runtime as `0:06 - 0:15`."
        ),
        ours=(
            "Where the bins lie: fixed ladders up to the edge that covers 95 % of the clients, at least three closed "
            "bins, then an open one."
        ),
    ),
)
