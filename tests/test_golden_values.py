"""Worked cases of propertyValues: the engine gives them to the letter, the oracle the same values."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from odometer.reports.definition import Context
from odometer.reports.property_values import REPORT
from tests.conftest import Store
from tests.worlds import Delivery, feed, to_ms

Case = dict[str, Any]
WORLD = json.loads((Path(__file__).parent / "golden/property_values/values.json").read_text(encoding="utf-8"))
TODAY = dt.date.fromisoformat(WORLD["T"])


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    return feed(store, [Delivery(tuple(WORLD["records"]), to_ms(TODAY), "golden", is_import=True)])


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_engine_gives_it(store: Store, product: int, case: Case) -> None:
    context = Context(product, 40, None, TODAY, store.questions)

    assert REPORT.run(REPORT.request.model_validate(case["request"]), context) == {"result": case["result"]}, case[
        "why"
    ]
