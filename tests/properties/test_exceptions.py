"""The exceptions report: worked cases to the digit, and the oracle's figures on random histories (chapter 08)."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.errors import Problem
from odometer.reports.exceptions import REPORT
from tests.client_lists import context_of
from tests.conftest import Store, tried
from tests.generic import text
from tests.oracle.exceptions import exceptions
from tests.oracle.wire import DAY_MS
from tests.properties.asking import filters
from tests.properties.histories import CLIENTS, days_of, histories, lives_of
from tests.worlds import Delivery, World, feed, moment_text, received, to_ms

ONE_DAY = dt.timedelta(days=1)
WORLD = json.loads((Path(__file__).parents[1] / "golden/exceptions/worked.json").read_text(encoding="utf-8"))
TODAY = dt.date.fromisoformat(WORLD["T"])
DELIVERED = [Delivery(tuple(WORLD["records"]), to_ms(TODAY) + DAY_MS - 1, "golden", is_import=True)]


def by_engine(store: Store, product: int, request: dict[str, Any], today: dt.date) -> Any:
    return REPORT.run(REPORT.request.model_validate(request), context_of(store, product, today))["result"]


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    return feed(store, DELIVERED)


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_worked_cases(store: Store, product: int, case: dict[str, Any]) -> None:
    assert text(by_engine(store, product, case["request"], TODAY)) == text(case["result"]), case["why"]
    assert text(exceptions(received(DELIVERED), case["request"], TODAY)) == text(case["result"])


def test_what_it_does_not_know_is_refused(store: Store, product: int) -> None:
    whole = {"startDate": "2031-06-01", "stopDate": "2031-06-30"}
    for more, field in (({"groupBy": "machineId"}, "groupBy"), ({"startDate": "2031-07-01"}, "startDate")):
        with pytest.raises(Problem) as caught:
            by_engine(store, product, {**whole, **more}, TODAY)
        assert (caught.value.code, caught.value.field) == ("INVALID_FIELD", field)


@st.composite
def with_exceptions(draw: st.DrawFn) -> World:
    """A history whose clients meet exceptions on its days."""
    world = draw(histories())
    days = days_of(lives_of(world))
    kinds = st.sampled_from([("IOError", "save"), ("IOError", "load"), ("Zed", "ärger")])
    met = [
        {
            "clientId": client,
            "type": "exception",
            "at": moment_text(to_ms(day) + hour * 3_600_000),
            "className": kind[0],
            "methodName": kind[1],
            "message": "",
            "stackTrace": "",
        }
        for client, day, hour, kind in draw(
            st.lists(
                st.tuples(st.sampled_from(CLIENTS), st.sampled_from(days), st.integers(0, 23), kinds),
                min_size=1,
                max_size=12,
                unique=True,
            )
        )
    ]
    (only,) = world
    later = max(only.received_ms, to_ms(max(days)) + DAY_MS)
    return [only, Delivery(tuple(met), later, "exceptions", is_import=True)]


@tried(4)
@given(data=st.data(), world=with_exceptions())
def test_on_every_history_it_is_the_oracles(store: Store, data: st.DataObject, world: World) -> None:
    product = feed(store, world)
    days = days_of(lives_of(world))
    for _ in range(6):
        first, last = sorted(data.draw(st.lists(st.sampled_from(days), min_size=2, max_size=2)))
        request: dict[str, Any] = {"startDate": str(first), "stopDate": str(last + 3 * ONE_DAY)}
        today = data.draw(st.sampled_from([max(days) + 9 * ONE_DAY, last]))
        request["globalFilters"] = data.draw(st.none() | filters(days, today))
        assert text(by_engine(store, product, request, today)) == text(exceptions(received(world), request, today))
