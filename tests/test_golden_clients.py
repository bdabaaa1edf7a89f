"""Worked cases of clientPropertyList: engine and oracle give them to the letter, key order included."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.client_lists import page_by_engine, streamed
from tests.conftest import Store
from tests.generic import text
from tests.oracle import client_list
from tests.oracle.history import lives
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
WORLD = json.loads((Path(__file__).parent / "golden/client_property_list/values.json").read_text(encoding="utf-8"))
TODAY = dt.date.fromisoformat(WORLD["T"])
DELIVERED = [Delivery(tuple(WORLD["records"]), to_ms(TODAY) + DAY_MS - 1, "golden", is_import=True)]


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    return feed(store, DELIVERED)


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_engine_gives_it(store: Store, product: int, case: Case) -> None:
    assert text(page_by_engine(store, product, case["request"], TODAY)) == text(case["answer"]), case["why"]


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_stream_of_exports_gives_it(store: Store, product: int, case: Case) -> None:
    start = case["request"].get("startAtClientId") or ""
    found = [one for one in streamed(store, product, case["request"], TODAY) if one["clientId"] >= start]
    assert text(found) == text(case["answer"]["result"]), case["why"]


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_oracle_gives_it(case: Case) -> None:
    request = case["request"]
    # What is named twice is one key.
    properties = request.get("properties") and list(dict.fromkeys(request["properties"]))
    found = lives(received(DELIVERED)).values()
    assert text(client_list.page(found, {**request, "properties": properties}, TODAY)) == text(case["answer"])
