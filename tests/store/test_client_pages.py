"""Paging through clients: 200 a page, stable while data arrives; and what a request for them may not say."""

import datetime as dt
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.http.body import validated
from odometer.reports.client_property_list import REPORT, ClientPageRequest
from odometer.store.engine import DATABASE
from tests.client_lists import context_of, page_by_engine, small_pages, streamed
from tests.conftest import Store
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
# So many that a filtered page has to look ahead more than once.
MANY = 2_500


def heartbeat(number: int, day: str = "2031-06-10", **more: Any) -> dict[str, Any]:
    return {"clientId": f"client-{number:05}", "type": "client_day", "day": day, **more}


def arrives(store: Store, product: int, *records: dict[str, Any], after: int = 0) -> None:
    feed(store, [Delivery(records, to_ms(TODAY) + after, "late", is_import=True)], product=product)


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    """Every 100th client has the rare edition."""
    editions = ["Std"] * 99 + ["Rare"]
    records = tuple(heartbeat(n, set={"prodEdition": editions[n % 100], "ram": n % 100}) for n in range(MANY))
    return feed(store, [Delivery(records, to_ms(TODAY), "import", is_import=True)])


def rows(*answers: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for answer in answers for one in answer["result"]]


def ids(*answers: dict[str, Any]) -> list[str]:
    return [one["clientId"] for one in rows(*answers)]


def all_pages(store: Store, product: int, request: dict[str, Any]) -> list[dict[str, Any]]:
    pages = [page_by_engine(store, product, request, TODAY)]
    while "nextClientId" in pages[-1]:
        following = {**request, "startAtClientId": pages[-1]["nextClientId"]}
        pages.append(page_by_engine(store, product, following, TODAY))
    return pages


def test_pages_hold_200_clients_and_join_without_gap(store: Store, product: int) -> None:
    pages = all_pages(store, product, {"properties": ["ram"]})

    assert [len(page["result"]) for page in pages] == [200] * 12 + [100]
    assert [page["reachedEnd"] for page in pages] == [False] * 12 + [True]
    assert list(pages[0]) == ["result", "reachedEnd", "nextClientId"]
    assert list(pages[-1]) == ["result", "reachedEnd"]
    assert ids(*pages) == [f"client-{n:05}" for n in range(MANY)]
    assert rows(*pages) == streamed(store, product, {"properties": ["ram"]}, TODAY)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"prodEdition": {"type": "string", "value": "Rare"}}, range(99, MANY, 100)),
        ({"ram": {"type": "number", "value": 99}}, range(99, MANY, 100)),
        ({"prodEdition": {"type": "string", "value": "Rare"}, "ram": {"type": "number", "value": 98}}, []),
        ({"ram": {"type": "numberRange", "min": 90}}, [n for n in range(MANY) if n % 100 >= 90]),
        ({"lifetimeEventUsage": [{"name": "Crop", "max": 0}]}, range(MANY)),
        ({"lifetimeEventUsage": [{"name": "Crop"}]}, []),
    ],
)
def test_filtered_pages_are_full_until_the_end(
    store: Store, product: int, filters: dict[str, Any], expected: list[int]
) -> None:
    """Filters apply before paging, wherever those who pass lie."""
    pages = all_pages(store, product, {"globalFilters": filters})

    assert ids(*pages) == [f"client-{n:05}" for n in expected]
    assert all(len(page["result"]) == 200 for page in pages[:-1])


def test_pages_are_stable_while_data_arrives_and_clients_go(store: Store) -> None:
    """Between two pages clients report, appear and are deleted: nobody else is missed or told twice."""
    product = feed(store, [Delivery(tuple(heartbeat(n) for n in range(500)), to_ms(TODAY), "i", is_import=True)])
    first = page_by_engine(store, product, {}, TODAY)

    reporting = [heartbeat(n, "2031-06-19", set={"prodVersion": "9"}) for n in (10, 200, 300)]
    arrives(store, product, {**heartbeat(5), "clientId": "client-00005-new"}, *reporting, after=1)
    gone = first["nextClientId"]
    store.engine.command(
        f"DELETE FROM {DATABASE}.records WHERE product = {{product:UInt64}} AND client = {{client:String}}",
        {"product": product, "client": gone},
    )
    store.derivation.derive_clients(product, [gone])

    request = {"properties": ["prodVersion"], "startAtClientId": gone}
    second = page_by_engine(store, product, request, TODAY)
    assert ids(second) == [f"client-{n:05}" for n in range(201, 401)]
    assert second["result"][99] == {"clientId": "client-00300", "prodVersion": "9"}


@pytest.mark.usefixtures("unmerged")
def test_rows_that_cancel_each_other_out_are_not_seen(store: Store) -> None:
    values = ({"prodVersion": "1", "ram": 1}, {"prodVersion": "2", "ram": 2}, {"prodVersion": "3"})
    product = store.new_product()
    for arrival, (day, one) in enumerate(zip(("2031-06-10", "2031-06-12", "2031-06-12"), values, strict=True)):
        event = {"clientId": "client-00000", "type": "event_day", "day": day, "name": "Crop", "count": arrival + 1}
        arrives(store, product, heartbeat(0, day, set=one), heartbeat(1, set=values[0]), event, after=arrival)
    # What came last on a day is the greatest canonical form: the third version, and a machine's memory of the second.
    days = {"startDate": "2031-06-01", "stopDate": "NOW", "properties": ["prodVersion"]}
    request = {"properties": ["prodVersion", "ram", "lifetimeEventUsage"], "retDailyData": days}
    events = [{"eventCategory": None, "eventName": "Crop", "eventCount": 6}]
    expected = {
        "clientId": "client-00000",
        "prodVersion": "3",
        "ram": 2,
        "lifetimeEventUsage": events,
        "dailyData": [{"date": "2031-06-10", "prodVersion": "1"}, {"date": "2031-06-12", "prodVersion": "3"}],
    }

    def found(**filters: Any) -> list[dict[str, Any]]:
        asked = {**request, "globalFilters": filters}
        page = rows(page_by_engine(store, product, asked, TODAY))
        assert streamed(store, product, asked, TODAY) == page
        return page

    assert found()[0] == expected
    assert len(found()) == 2
    assert found(prodVersion={"type": "string", "value": "3"}) == [expected]
    assert found(ram={"type": "number", "value": 2}) == [expected]
    assert found(prodVersion={"type": "string", "value": "2"}) == []
    # The other client has it; what the first one had leaves no gap in a page.
    for one in ({"prodVersion": {"type": "string", "value": "1"}}, {"ram": {"type": "number", "value": 1}}):
        pages = small_pages(store, product, {"globalFilters": one}, TODAY, 1)
        assert pages == [{"clientId": "client-00001"}]


def test_a_page_costs_the_same_wherever_it_lies(store: Store, product: int) -> None:
    """A page reads its clients only: not more than some granules of each table."""
    counter = "SELECT sum(value) FROM system.events WHERE event = 'SelectedRows'"
    before = store.engine.rows(counter)[0][0]
    page_by_engine(store, product, {"properties": ["prodVersion", "ram"], "startAtClientId": "client-02400"}, TODAY)

    # Two granules (1,024 rows) for each statement, and the engine's own tables.
    assert store.engine.rows(counter)[0][0] - before < 2 * MANY + 6 * 1024


DAYS = {"startDate": "2031-06-01", "stopDate": "2031-06-02"}


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        ({"properties": "ram"}, "INVALID_FIELD", "properties"),
        ({"properties": ["ram", 7]}, "INVALID_FIELD", "properties[1]"),
        ({"properties": ["ram", None]}, "INVALID_FIELD", "properties[1]"),
        ({"properties": ["ram", "ramm"]}, "UNKNOWN_PROPERTY", "properties[1]"),
        ({"properties": [""]}, "UNKNOWN_PROPERTY", "properties[0]"),
        ({"properties": ["p_ram) FROM x; DROP TABLE odometer.records --"]}, "UNKNOWN_PROPERTY", "properties[0]"),
        ({"properties": ["os"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["geography"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["gpu"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["licenseStatus"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["optOut"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["reachOutDeliveries"]}, "INVALID_FIELD", "properties[0]"),
        ({"properties": ["licenseKey"]}, "PERMISSION_DENIED", "properties[0]"),
        (
            {"globalFilters": {"licenseKey": {"type": "string", "value": "K"}}},
            "PERMISSION_DENIED",
            "globalFilters.licenseKey",
        ),
        (
            {"globalFilters": {"os.vrsion": {"type": "string", "value": "K"}}},
            "UNKNOWN_PROPERTY",
            "globalFilters.os.vrsion",
        ),
        ({"globalFilters": []}, "INVALID_FIELD", "globalFilters"),
        ({"startAtClientId": 7}, "INVALID_FIELD", "startAtClientId"),
        ({"startAtClientId": "a\0b"}, "INVALID_FIELD", "startAtClientId"),
        ({"retDailyData": []}, "INVALID_FIELD", "retDailyData"),
        ({"retDailyData": {}}, "MISSING_FIELD", "retDailyData.startDate"),
        ({"retDailyData": {"startDate": "NOW", "stopDate": None}}, "MISSING_FIELD", "retDailyData.stopDate"),
        ({"retDailyData": {"startDate": "NOW", "stopDate": "NOW-1"}}, "INVALID_FIELD", "retDailyData.startDate"),
        ({"retDailyData": {"startDate": "now", "stopDate": "NOW"}}, "INVALID_FIELD", "retDailyData.startDate"),
        ({"retDailyData": {"startDate": "NOW", "stopDate": "2031-02-30"}}, "INVALID_FIELD", "retDailyData.stopDate"),
        (
            {"retDailyData": {"startDate": "2030-12-31", "stopDate": "NOW"}},
            "DATE_OUT_OF_RANGE",
            "retDailyData.startDate",
        ),
        ({"retDailyData": {**DAYS, "properties": ["ram"]}}, "INVALID_FIELD", "retDailyData.properties[0]"),
        ({"retDailyData": {**DAYS, "properties": ["C01", "clientId"]}}, "INVALID_FIELD", "retDailyData.properties[1]"),
        ({"retDailyData": {**DAYS, "properties": ["os"]}}, "INVALID_FIELD", "retDailyData.properties[0]"),
        ({"retDailyData": {**DAYS, "properties": ["nope"]}}, "UNKNOWN_PROPERTY", "retDailyData.properties[0]"),
        ({"retDailyData": {**DAYS, "properties": {}}}, "INVALID_FIELD", "retDailyData.properties"),
        ({"segmentBy": "prodVersion"}, "INVALID_FIELD", "segmentBy"),
        ({"levels": {"level1": {"property": "ram"}}}, "INVALID_FIELD", "levels"),
        ({"groupBy": "machineId"}, "INVALID_FIELD", "groupBy"),
    ],
)
def test_refused(store: Store, product: int, request_: dict[str, Any], code: str, field: str) -> None:
    """Each refusal has its code and names the member; the store is not asked."""
    context = context_of(store, product, TODAY, license_keys=False, oldest=dt.date(2031, 1, 1))
    with pytest.raises(Problem) as refused:
        REPORT.run(validated(ClientPageRequest, request_), context)

    assert (refused.value.code, refused.value.field) == (code, field)
