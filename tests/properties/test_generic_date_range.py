"""generic/dateRange gives the oracle's figures, digit by digit, on every history."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Store
from tests.generic import Request, by_engine, by_oracle
from tests.oracle.history import lives
from tests.worlds import ANCHORS, SPAN_DAYS, World, feed, received, worlds

ONE_DAY = dt.timedelta(days=1)
_STATUSES = st.lists(st.sampled_from(["new", "active", "lost"]), min_size=1, max_size=4)


@st.composite
def requests(draw: st.DrawFn, days: list[dt.date]) -> tuple[Request, dt.date]:
    """A request and T, both near the days with data: before them, between them, weeks after the last of them."""
    near = [day + n * ONE_DAY for day in days for n in (-8, -1, 0, 1, 6)]
    start = draw(st.sampled_from(near))
    stop = max(start, draw(st.sampled_from([*near, start, max(days) + 50 * ONE_DAY])))
    silence = draw(st.sampled_from([1, 7, 30, 365, None]))
    # On the very day of a declaration, the day before it, and anywhere.
    declared = [day + (silence or 40) * ONE_DAY for day in days]
    today = draw(st.sampled_from([*declared, *(day - ONE_DAY for day in declared), *days, *near]))
    request = {
        "startDate": str(start),
        "stopDate": str(stop),
        "dateSplit": draw(st.sampled_from([None, "day", "week", "month"])),
        "clientStatus": draw(st.just(["new", "active", "lost"]) | _STATUSES),
        "daysUntilDeclaredLost": silence,
        "dateReportedLost": draw(st.sampled_from([None, "dateLastSeen", "dateDeclaredLost"])),
    }
    return request, today


@given(data=st.data(), world=worlds(), pause=st.none() | st.integers(0, 5))
def test_every_figure_is_the_oracles(store: Store, data: st.DataObject, world: World, pause: int | None) -> None:
    product = feed(store, world, pause=pause)
    found = lives(received(world))
    # Only opted-out clients, or none: the report is all zeros then.
    days = sorted({day for life in found.values() for day in life.days}) or [ANCHORS[0]]
    for request, today in data.draw(st.lists(requests(days), min_size=8, max_size=12)):
        answered = by_engine(store, product, request, today)
        expected = by_oracle(found.values(), request, today)
        assert answered == expected, (request, today)
        assert _ordered(answered) == _ordered(expected), "members and dates come in the definitions' order"


def _ordered(answer: dict[str, dict[str, object]]) -> list[tuple[str, object]]:
    return [(key, list(value) if isinstance(value, dict) else value) for key, value in answer["result"].items()]


@given(world=worlds())
def test_one_request_of_every_kind_over_the_whole_history(store: Store, world: World) -> None:
    product = feed(store, world)
    found = lives(received(world))
    first, last = min(ANCHORS), max(ANCHORS) + SPAN_DAYS * ONE_DAY
    for split in ("week", "month", None):
        for silence in (1, 7, 30, 365):
            for reported in ("dateLastSeen", "dateDeclaredLost"):
                request = {
                    "startDate": str(first),
                    "stopDate": str(last),
                    "dateSplit": split,
                    "clientStatus": ["new", "active", "lost"],
                    "daysUntilDeclaredLost": silence,
                    "dateReportedLost": reported,
                }
                assert by_engine(store, product, request, last) == by_oracle(found.values(), request, last), request
