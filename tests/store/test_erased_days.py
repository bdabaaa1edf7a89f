"""Days that a late opt-out erased count nowhere, also while the rows that took them away are not merged yet."""

import datetime as dt
from typing import Any

import pytest

from tests.conftest import Store
from tests.event_reports import REPORTS, asked, expected
from tests.generic import by_engine, text
from tests.oracle.history import lives
from tests.worlds import Delivery, feed, received, to_ms

TODAY = dt.date(2031, 6, 20)
ROTATE = {"category": "Canvas", "name": "Rotate"}


def _record(client: str, seq: int, kind: str, day: str, **members: Any) -> dict[str, Any]:
    return {"clientId": client, "seq": seq, "type": kind, "at": f"{day}T10:00:00Z", **members}


def _arrived(day: int, number: int, *records: dict[str, Any]) -> Delivery:
    return Delivery(records, to_ms(dt.date(2031, 6, day)), f"batch-{number}")


# One installation was there on 03-01, 03-10 and 04-05; that it had opted out from 03-05 to 03-20 is heard of later.
WORLD = [
    _arrived(
        1,
        1,
        _record("installation-1", 1, "event", "2031-03-01", **ROTATE),
        _record("installation-1", 5, "event", "2031-03-10", **ROTATE),
        _record("installation-1", 9, "heartbeat", "2031-04-05"),
    ),
    _arrived(1, 2, _record("installation-2", 1, "heartbeat", "2031-03-11")),
    _arrived(
        2,
        3,
        _record("installation-1", 3, "opt_out", "2031-03-05"),
        _record("installation-1", 8, "opt_in", "2031-03-20"),
    ),
]
RANGES = [("2031-03-08", "2031-03-12"), ("2031-03-01", "2031-03-12"), ("2031-03-08", "2031-04-30")]


@pytest.mark.usefixtures("unmerged")
def test_every_report_leaves_them_out(store: Store) -> None:
    product = store.new_product()
    for delivery in WORLD:
        feed(store, [delivery], product=product)
    found = lives(received(WORLD))
    assert sorted(map(str, found["installation-1"].days)) == ["2031-03-01", "2031-04-05"]
    for first, last in RANGES:
        request: dict[str, Any] = {"startDate": first, "stopDate": last}
        active = by_engine(store, product, {**request, "clientStatus": ["active"]}, TODAY)["result"]["active"]
        for name in REPORTS:
            events = {} if name == "basic_data_table" else {"events": [ROTATE]}
            split = {"dateSplit": "week", "divisor": "users"} if name == "basic_timeline" else {}
            body = {**request, **events, **split}
            answered = asked(store, product, name, body, TODAY)
            assert text(answered) == text(expected(name, found.values(), body, TODAY)), (name, body)
            if name == "lifetime_data_table":
                assert answered["result"][0]["activeUsers"] == active
