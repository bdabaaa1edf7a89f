"""The export of one client: every record as raw event files have it, and what clientPropertyList says of it."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from odometer.exports.raw_files import write_raw_csv
from odometer.model.properties import CATALOGUE, DAILY
from odometer.model.records import LIVE_TYPES, SUMMED_TYPES
from odometer.privacy.client_data import client_data
from odometer.store.records.reading import RawReading
from tests.client_lists import page_by_engine
from tests.conftest import Store, tried
from tests.exported import read_csv
from tests.worlds import CLIENTS, Delivery, World, feed, to_ms, worlds

TODAY = dt.date(2032, 12, 31)
NOW_MS = to_ms(TODAY) + 1
EVER = (dt.date(2000, 1, 1), TODAY)
ME, OTHER = "client-01", "client-02"
# What CSV knows as text only; the others are numbers, JSON, or say so by being there.
NUMBERS = {"seq", "count", "value", "sessions", "runtimeSeconds"}


def document(store: Store, product: int, client: str) -> dict[str, Any] | None:
    """The document with its numbers as they were written."""
    pieces = client_data(store.questions, product, client, now_ms=NOW_MS, today=TODAY)
    if pieces is None:
        return None
    found: dict[str, Any] = json.loads(b"".join(pieces), parse_float=Decimal)
    return found


def by_raw_files(store: Store, product: int, client: str, folder: Path) -> list[dict[str, Any]]:
    """The client's rows in the raw event files of all days, empty cells left out."""
    found = []
    for day in sorted(store.questions.raw.content_by_day(product, EVER)):
        write_raw_csv(store.questions.raw, product, day, folder / "raw.zip", lambda: None)
        header, *rows = read_csv(folder / "raw.zip")
        for row in rows:
            cells = {name: cell for name, cell in zip(header, row, strict=True) if cell}
            if cells["clientId"] == client:
                found.append({name: _value(name, cell) for name, cell in cells.items()})
    return found


def _value(name: str, cell: str) -> Any:
    if name in NUMBERS:
        return Decimal(cell)
    return json.loads(cell, parse_float=Decimal) if name == "data" else cell


def by_client_list(store: Store, product: int, client: str) -> Any:
    names = [prop.name for prop in CATALOGUE if prop.name != "clientId"]
    request = {
        "properties": names,
        "retDailyData": {
            "startDate": "2000-01-01",
            "stopDate": "NOW",
            "properties": [prop.name for prop in DAILY],
        },
        "globalFilters": {"clientId": {"type": "string", "value": client}},
    }
    found = page_by_engine(store, product, request, TODAY)["result"]
    return json.loads(json.dumps(found[0]), parse_float=Decimal) if found else None


def test_it_is_ascii_as_every_answer(store: Store) -> None:
    event = {"clientId": ME, "type": "event", "at": "2031-06-01T10:00:00Z", "name": 'Größe \U0001f600 "q"'}
    product = store.new_product()
    feed(store, [Delivery((event,), NOW_MS, "history", is_import=True)], product=product)

    pieces = client_data(store.questions, product, ME, now_ms=NOW_MS, today=TODAY)
    text = b"".join(pieces or ())

    assert text.isascii()
    assert [record["name"] for record in json.loads(text)["records"]] == [event["name"]]


@tried(2)
@given(world=worlds())
def test_it_agrees_with_raw_event_files_and_the_client_list(
    store: Store, tmp_path_factory: pytest.TempPathFactory, world: World
) -> None:
    """In random histories, late opt-outs and replays included."""
    product = feed(store, world)
    folder = tmp_path_factory.mktemp("raw")
    for client in CLIENTS:
        raw = by_raw_files(store, product, client, folder)
        found = document(store, product, client)
        if not raw:
            assert found is None
            continue
        assert found is not None
        assert list(found) == ["productId", "clientId", "exportedAt", "client", "records"]
        assert (found["productId"], found["clientId"]) == (product, client)
        assert found["exportedAt"] == "2032-12-31T00:00:00.001Z"
        assert found["records"] == raw
        assert found["client"] == by_client_list(store, product, client)


AWKWARD = 'it\'s "quoted" \\ \n \t 日本 \u2028 </script>'
EVERY_TYPE: tuple[dict[str, Any], ...] = (
    {"type": "session_start", "sessionId": "session-0001"},
    {"type": "session_stop", "sessionId": "session-0001", "runtimeSeconds": 0.001},
    {"type": "heartbeat"},
    {"type": "properties", "set": {"prodBuild": AWKWARD, "ram": 0.1, "C04": None, "os.platform": "Linux"}},
    {"type": "event", "name": "Crop", "value": 123456789.654321, "count": 2**31, "text": AWKWARD, "category": "E"},
    {"type": "custom_event", "name": "Buy", "data": [["k", "v"], ["k", AWKWARD]]},
    {"type": "exception", "className": "E", "methodName": "m", "message": AWKWARD, "stackTrace": "at\nat"},
    {"type": "license", "key": "K-1", "activated": True, "expired": None},
    {"type": "reachout_delivered", "campaignId": 41, "campaignName": "Hi", "mode": "auto"},
    {"type": "opt_out"},
    {"type": "opt_in"},
)


def test_every_type_of_record_is_there(store: Store, tmp_path: Path) -> None:
    """Summed ones too; numbers as exactly as they were sent, texts letter by letter."""
    assert {one["type"] for one in EVERY_TYPE} == LIVE_TYPES
    live = tuple(
        {"clientId": ME, "seq": seq, "at": f"2031-05-20T10:00:{seq:02}Z", **one}
        for seq, one in enumerate(EVERY_TYPE, 1)
    )
    summed = (
        {"clientId": ME, "type": "client_day", "day": "2031-05-19", "sessions": 2, "runtimeSeconds": 42.125},
        {"clientId": ME, "type": "client_day", "day": "2031-05-18", "machineId": "M1", "set": {"prodVersion": None}},
        {"clientId": ME, "type": "event_day", "day": "2031-05-19", "name": "Crop", "value": -0.000001},
        {"clientId": OTHER, "type": "client_day", "day": "2031-05-19"},
    )
    noon = to_ms(dt.date(2031, 5, 21))
    product = feed(store, [Delivery(live, noon, "b"), Delivery(summed, noon, "i", is_import=True)])

    found = document(store, product, ME)

    assert found is not None
    assert found["records"] == by_raw_files(store, product, ME, tmp_path)
    assert {one["type"] for one in found["records"]} == LIVE_TYPES | SUMMED_TYPES
    assert {one["clientId"] for one in found["records"]} == {ME}
    of = {one["type"]: one for one in found["records"] if one.get("machineId") != "M1"}
    assert of["heartbeat"] == {
        "receivedAt": "2031-05-21T00:00:00.000Z",
        "at": "2031-05-20T10:00:03.000Z",
        "atUsed": "2031-05-20T10:00:03.000Z",
        "clientId": ME,
        "seq": 3,
        "type": "heartbeat",
    }
    assert (of["event"]["value"], of["event"]["count"]) == (Decimal("123456789.654321"), 2**31)
    assert (of["event"]["text"], of["event_day"]["value"]) == (AWKWARD, Decimal("-0.000001"))
    assert (of["session_stop"]["runtimeSeconds"], of["client_day"]["runtimeSeconds"]) == (
        *(Decimal("0.001"), Decimal("42.125")),
    )
    assert (of["client_day"]["day"], "at" in of["client_day"]) == ("2031-05-19", False)
    assert of["properties"]["data"]["prodBuild"] == AWKWARD
    assert of["properties"]["data"]["C04"] is None
    assert of["properties"]["data"]["ram"] == Decimal("0.1")
    assert of["custom_event"]["data"] == [["k", "v"], ["k", AWKWARD]]
    assert found["client"] == by_client_list(store, product, ME)
    assert [day["date"] for day in found["client"]["dailyData"]] == ["2031-05-18", "2031-05-19", "2031-05-20"]
    assert found["client"]["lifetimeEventUsage"] == [
        {"eventCategory": None, "eventName": "Crop", "eventCount": 1},
        {"eventCategory": "E", "eventName": "Crop", "eventCount": 2**31},
    ]


def test_a_client_that_only_opted_out_has_records_but_is_no_client(store: Store) -> None:
    out = {"clientId": ME, "seq": 1, "type": "opt_out", "at": "2031-05-20T10:00:00Z"}
    # The next client in the order of ids must not stand in for it.
    other = {"clientId": OTHER, "seq": 1, "type": "heartbeat", "at": "2031-05-20T10:00:00Z"}
    product = feed(store, [Delivery((out, other), to_ms(dt.date(2031, 5, 21)), "b")])

    found = document(store, product, ME)

    assert found is not None
    assert found["client"] is None
    assert [(one["type"], one["clientId"]) for one in found["records"]] == [("opt_out", ME)]
    for unknown in ("client-00", "client-011", "client-0", "zzzzzzzz"):
        assert document(store, product, unknown) is None
    assert document(store, product + 500_000, ME) is None


def test_a_day_before_the_products_oldest_date_and_after_ten_thousand_days_is_there(store: Store) -> None:
    days = ("2000-01-01", "2027-05-20", "2032-12-31")
    records = tuple({"clientId": ME, "type": "client_day", "day": day} for day in days)
    product = feed(store, [Delivery(records, NOW_MS, "i", is_import=True)])

    found = document(store, product, ME)

    assert found is not None
    assert tuple(day["date"] for day in found["client"]["dailyData"]) == days


def test_a_client_of_any_size_is_read_piece_by_piece(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more blocks are read ahead than are sent."""
    record = {"clientId": ME, "seq": 1, "type": "heartbeat", "at": "2031-05-20T10:00:00Z"}
    product = feed(store, [Delivery((record,), to_ms(dt.date(2031, 5, 21)), "b")])
    (block,) = store.questions.raw.of_client(product, ME)
    read = 0

    def endless(_reading: RawReading, _product: int, _client: str) -> Iterator[Any]:
        nonlocal read
        for _ in range(10**9):
            read += 1
            yield block

    monkeypatch.setattr(RawReading, "of_client", endless)
    pieces = client_data(store.questions, product, ME, now_ms=NOW_MS, today=TODAY)

    assert pieces is not None
    for sent in range(1, 100):
        assert len(next(pieces)) < 10_000
        assert read <= sent + 1
