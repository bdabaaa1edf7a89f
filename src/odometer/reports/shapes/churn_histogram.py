"""The histograms of what the lost had done in their life (chapter 05): bins and statistics of one amount."""

from typing_extensions import TypedDict

from odometer.reports.definition import Context
from odometer.reports.shapes.bins import bin_labels, place_of
from odometer.reports.shapes.engagement import EngagementRequest
from odometer.reports.shapes.exact import HOUR_MS, average
from odometer.reports.shapes.loss import LossMembers
from odometer.selection.filters import parse_filters
from odometer.store.answers.amounts import Amount
from odometer.store.answers.lifetime_distribution import LifetimeDistribution
from odometer.store.answers.population import Chosen, Population

HISTOGRAM_OURS = (
    "The answer: bin → clients, labels and bins as in usageDistribution, with `statistics` (`users`, `mean`, `median`, "
    "`p90`, `p95`, `max`) beside it."
)


class ChurnStatistics(TypedDict):
    """Of all the lost; runtime in hours."""

    users: int
    mean: float
    median: float
    p90: float
    p95: float
    max: float


class ChurnHistogramAnswer(TypedDict):
    """Users by the label of each bin, in their order, and statistics."""

    result: dict[str, int]
    statistics: ChurnStatistics


class ChurnHistogramRequest(EngagementRequest, LossMembers):
    """What the three histograms take."""


def churn_histogram_answer(request: ChurnHistogramRequest, context: Context, amount: Amount) -> ChurnHistogramAnswer:
    """The answer body. Raises `Problem`."""
    population = Population(
        product_id=context.product_id,
        range=context.range_of(request.start_date, request.stop_date),
        today=context.today,
        chosen=Chosen.LOST,
        silence_days=request.silence_days(context),
        lost_when_declared=request.lost_when_declared,
        filters=parse_filters(request.global_filters, context.language),
    )
    return histogram_body(amount, context.questions.lifetime_distribution(population, amount))


def histogram_body(amount: Amount, distribution: LifetimeDistribution) -> ChurnHistogramAnswer:
    """Bins under `result`, `statistics` beside it."""
    labels = bin_labels(amount, distribution.bins)
    counts = [0] * len(labels)
    for number, users in distribution.bins.items():
        counts[place_of(number, labels)] += users
    return {"result": dict(zip(labels, counts, strict=True)), "statistics": _statistics(amount, distribution)}


def _statistics(amount: Amount, distribution: LifetimeDistribution) -> ChurnStatistics:
    """Runtime in hours; only averages and hours have decimals."""
    users = sum(distribution.bins.values())
    in_hours = amount is Amount.RUNTIME

    def shown(value: int) -> int | float:
        return average(value, HOUR_MS) if in_hours else value

    return {
        "users": users,
        "mean": average(distribution.total, users * HOUR_MS if in_hours else users),
        "median": shown(distribution.ranked.get(50, 0)),
        "p90": shown(distribution.ranked.get(90, 0)),
        "p95": shown(distribution.ranked.get(95, 0)),
        "max": shown(distribution.greatest),
    }
