"""lifetimeRuntimeMinutes has six decimals, wherever it is shown, filtered or grouped."""

import datetime as dt
from typing import Any, cast

import pytest

from odometer.errors import Problem
from odometer.reports.generic_current import CurrentRequest
from odometer.reports.generic_current import run as current
from odometer.reports.shapes.status import StatusFigures
from tests.client_lists import context_of, page_by_engine
from tests.conftest import Store
from tests.worlds import Delivery, feed

TODAY = dt.date(2031, 6, 20)
MINUTES = 43219.487733


@pytest.fixture
def product(store: Store) -> int:
    """One client with 2,593,169.264 seconds of runtime in two days: 43,219.487733333... minutes."""
    days = [("2031-06-01", 2_000_000), ("2031-06-02", 593_169.264)]
    records: list[dict[str, Any]] = [
        {"clientId": "client-0001", "type": "client_day", "day": day, "runtimeSeconds": seconds}
        for day, seconds in days
    ]
    product = store.new_product()
    feed(store, [Delivery(tuple(records), 1_940_000_000_000, "history", is_import=True)], product=product)
    return product


def counted(store: Store, product: int, form: dict[str, Any], **members: Any) -> int:
    body = {"clientStatus": ["active"], "globalFilters": {"lifetimeRuntimeMinutes": form}, **members}
    answer = current(CurrentRequest.model_validate(body), context_of(store, product, TODAY))
    return cast("StatusFigures", answer["result"])["active"]


def test_it_is_shown_with_six_decimals(store: Store, product: int) -> None:
    page = page_by_engine(store, product, {"properties": ["lifetimeRuntimeMinutes"]}, TODAY)

    assert [one["lifetimeRuntimeMinutes"] for one in page["result"]] == [MINUTES]


@pytest.mark.parametrize("members", [{}, {"groupBy": "clientId"}])
def test_what_was_shown_can_be_asked_for(store: Store, product: int, members: dict[str, Any]) -> None:
    assert counted(store, product, {"type": "number", "value": MINUTES}, **members) == 1
    assert counted(store, product, {"type": "numberRange", "max": MINUTES}, **members) == 1
    assert counted(store, product, {"type": "numberRange", "min": MINUTES + 0.000001}, **members) == 0


def test_a_start_in_the_future_is_told_without_a_stop(store: Store, product: int) -> None:
    """The report has no stopDate, and its refusal named one."""
    body = {"clientStatus": ["active"], "startDate": "2031-06-21"}

    with pytest.raises(Problem) as refused:
        current(CurrentRequest.model_validate(body), context_of(store, product, TODAY))

    assert (refused.value.code, refused.value.field) == ("INVALID_FIELD", "startDate")
    assert refused.value.message == "startDate 2031-06-21 lies in the future; today is 2031-06-20."
