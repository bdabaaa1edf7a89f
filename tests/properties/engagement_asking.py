"""Crowds that use the product to different extents, and whole requests of the reports of chapter 05, at random.

T is never before any data.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from tests.properties.asking import Form, filters
from tests.properties.event_asking import Drawn, ranges, segments
from tests.properties.levels import ONE_DAY
from tests.properties.values import sets
from tests.worlds import ANCHORS, Delivery, World, to_ms

_SESSIONS = (0, 1, 1, 1, 2, 3, 4, 5, 8, 9, 13, 40, 2**31)
# Around minutes, the edges of bins, and hours.
_SECONDS = (0, 0.001, 59.999, 60, 60, 299.999, 300, 359.999, 360, 1799, 7200, 7260, 43200, 10**9)
_SILENCES = (1, 3, 7, 14, None)
_SPLITS = ("day", "week", "month")
COHORTS = {"installationDay": "day", "installationWeek": "week", "installationMonth": "month"}


@st.composite
def crowds(draw: st.DrawFn) -> World:
    """So many clients that some lie beyond 95 % of them, on days over some months."""
    anchor = draw(st.sampled_from(ANCHORS))
    days = [anchor + n * ONE_DAY for n in draw(st.sets(st.integers(0, 70), min_size=4, max_size=12))]
    records = []
    for number in range(draw(st.integers(3, 42))):
        usual = draw(st.integers(0, 3)) > 0
        for day in draw(st.sets(st.sampled_from(days), min_size=1, max_size=2 if usual else 8)):
            record = {"clientId": f"client-{number}", "type": "client_day", "day": str(day)}
            record["sessions"] = draw(st.sampled_from(_SESSIONS[:5] if usual else _SESSIONS))
            record["runtimeSeconds"] = draw(st.sampled_from(_SECONDS[:6] if usual else _SECONDS))
            records.append({**record, "set": draw(sets())} if draw(st.integers(0, 4)) == 0 else record)
    return [Delivery(tuple(records), to_ms(max(days) + 9 * ONE_DAY), "crowd", is_import=True)]


@st.composite
def usage_distributions(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> Drawn:
    """A request of engagement/usageDistribution, and T."""
    span, today = draw(ranges(days, last, 7))
    return {**span, "globalFilters": draw(filters(days, today))}, today


@st.composite
def churn_histograms(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> Drawn:
    """A request of the three churn histograms, and T."""
    silence = draw(st.sampled_from(_SILENCES))
    span, today = draw(ranges(days, last, silence or 40))
    reported = draw(st.sampled_from([None, "dateLastSeen", "dateDeclaredLost"]))
    if reported == "dateDeclaredLost":
        span["stopDate"] = max(span["stopDate"], str(today))
    lost = {"daysUntilDeclaredLost": silence, "dateReportedLost": reported}
    return {**span, **lost, "globalFilters": draw(filters(days, today))}, today


@st.composite
def engagements(draw: st.DrawFn, days: Sequence[dt.date], last: dt.date) -> Drawn:
    """A request of engagement/churnAndEngagement, and T."""
    silence = draw(st.sampled_from(_SILENCES))
    span, today = draw(ranges(days, last, silence or 40))
    cohorts = [{"segmentBy": name} for name in COHORTS] + [{"segmentBy": "installationWeek", "segments": []}]
    return {
        **span,
        "dateSplit": draw(st.sampled_from(_SPLITS)),
        "daysUntilDeclaredLost": silence,
        "globalFilters": draw(filters(days, today)),
        **draw(st.sampled_from(cohorts) | segments() | segments()),
    }, today


# By the name of the report; each takes the active days of a world and its last day.
REQUESTS: dict[str, Callable[[Sequence[dt.date], dt.date], st.SearchStrategy[tuple[Form, dt.date]]]] = {
    "usage_distribution": usage_distributions,
    "churn_histogram_days": churn_histograms,
    "churn_histogram_runtime": churn_histograms,
    "churn_histogram_sessions": churn_histograms,
    "churn_and_engagement": engagements,
}
