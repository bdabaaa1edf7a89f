"""Many items: what is answered, what is refused and with which count, and that overlaps stay affordable."""

import datetime as dt
from typing import Any

import pytest

from odometer.errors import Problem
from odometer.reports.definition import Context
from odometer.reports.generic_date_range import REPORT
from tests.conftest import Store
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
CLIENTS = 300


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    """Clients that differ in every property that is a level here."""
    records = [
        {
            "clientId": f"client-{number:04}",
            "type": "client_day",
            "day": "2031-05-13",
            "set": {
                "prodVersion": f"v{number}",
                "prodEdition": f"e{number}",
                "C01": f"c{number}",
                "ram": number / 10**7,
            },
        }
        for number in range(CLIENTS)
    ]
    return feed(store, [Delivery(tuple(records), to_ms(TODAY), "", is_import=True)])


def ask(store: Store, product: int, today: dt.date = TODAY, **members: Any) -> Any:
    request = {"startDate": "2031-05-01", "stopDate": "2031-05-31", "clientStatus": ["active"], **members}
    return REPORT.run(REPORT.request.model_validate(request), Context(product, 15, None, today, store.questions))[
        "result"
    ]


def named(count: int) -> list[dict[str, Any]]:
    return [{"type": "regex", "value": ".*", "segmentLabel": f"s{number:03}"} for number in range(count)]


def levels(*segments: Any) -> dict[str, Any]:
    names = ("prodVersion", "prodEdition", "C01")
    return {
        f"level{place + 1}": {"property": name, "segments": some}
        for place, (name, some) in enumerate(zip(names, segments, strict=False))
    }


def test_overlapping_items_of_three_levels_are_all_answered(store: Store, product: int) -> None:
    """20 + 400 + 8,000 items, each of which holds everybody."""
    found = ask(store, product, levels=levels(named(20), named(20), named(20)))["level1"]

    everyone = {"active": CLIENTS}
    assert list(found) == [f"s{number:03}" for number in range(20)]
    for one in found.values():
        assert one["totals"] == everyone
        for two in one["level2"].values():
            assert two["totals"] == everyone
            assert [three["totals"] for three in two["level3"].values()] == [everyone] * 20


def test_too_many_named_items_are_counted_before_anything_is_asked(store: Store, product: int) -> None:
    with pytest.raises(Problem, match=r"1,010,100 items") as refused:
        ask(store, product, levels=levels(named(100), named(100), named(100)))

    assert (refused.value.code, refused.value.field) == ("TOO_MANY_SEGMENTS", "levels.level3.segments")


def test_too_many_items_of_splits_are_counted(store: Store, product: int) -> None:
    """300 versions, below each of them 100 named editions: 300 + 30,000."""
    with pytest.raises(Problem, match=r"30,300 items") as refused:
        ask(store, product, levels=levels(None, named(100)))

    assert refused.value.code == "TOO_MANY_SEGMENTS"


def test_too_many_cells_are_counted(store: Store, product: int) -> None:
    span: dict[str, Any] = {"startDate": "2029-06-01", "stopDate": "2031-05-31", "dateSplit": "day"}

    with pytest.raises(Problem, match=r"300 items and 219,000 cells"):
        ask(store, product, levels=levels(None), **span)


def test_a_hundred_limited_segments_are_one_ranking(store: Store, product: int) -> None:
    segments = [{"type": "regex", "value": f"v{number}.*", "split": True, "limit": 2} for number in range(100)]

    found = ask(store, product, levels=levels(segments))["level1"]

    # v0; v1, v10; v2, v20; ... v10, v100; ... v30, v300 does not exist; v99.
    expected = {label for number in range(100) for label in sorted(_starting(number))[:2]}
    assert set(found) == expected
    assert all(one["totals"] == {"active": 1} for one in found.values())


def _starting(number: int) -> list[str]:
    return [f"v{client}" for client in range(CLIENTS) if f"v{client}".startswith(f"v{number}")]


def test_numbers_have_one_spelling(store: Store, product: int) -> None:
    split = ask(store, product, levels={"level1": {"property": "ram"}})["level1"]
    one = {"type": "number", "value": 1e-7}
    single = ask(store, product, levels={"level1": {"property": "ram", "segments": [one]}})["level1"]

    assert list(split)[:4] == ["0", "0.0000001", "0.0000002", "0.0000003"]
    assert single == {"0.0000001": {"totals": {"active": 1}}}


def test_groups_know_nothing_after_today(store: Store) -> None:
    """A machine with one client has that client's figures, also where the clock was set back behind its last day."""
    records = [
        {"clientId": "client-0001", "type": "client_day", "day": day, "machineId": "M1"}
        for day in ("2031-05-01", "2031-05-20", "2031-07-01")
    ]
    later = to_ms(dt.date(2031, 7, 2))
    product = feed(store, [Delivery(tuple(records), later, "", is_import=True)])
    for stop in ("2031-05-10", "2031-05-30", "2031-06-05"):
        for split in (None, "week"):
            for reported in ("dateLastSeen", "dateDeclaredLost"):
                asked = {
                    "clientStatus": ["new", "active", "lost"],
                    "stopDate": stop,
                    "dateSplit": split,
                    "dateReportedLost": reported,
                }
                alone = ask(store, product, dt.date(2031, 6, 5), **asked)
                assert ask(store, product, dt.date(2031, 6, 5), **asked, groupBy="machineId") == alone, asked
