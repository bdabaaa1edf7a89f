"""clientPropertyList gives the oracle's clients, key by key and in the same order, on every history."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.client_lists import list_requests, page_by_engine, small_pages, streamed
from tests.conftest import Store, tried
from tests.generic import assert_same
from tests.oracle import client_list
from tests.oracle.history import Life
from tests.properties.histories import CLIENTS, days_of, histories, last_day, lives_of
from tests.worlds import World, feed, worlds


def check(store: Store, data: st.DataObject, world: World, requests: int) -> None:
    product = feed(store, world)
    found = lives_of(world)
    drawn = st.lists(list_requests(days_of(found), last_day(world)), min_size=requests, max_size=requests)
    for request, today in data.draw(drawn):
        check_one(store, product, found, request, today)
        start = data.draw(st.sampled_from([None, "", "client", *CLIENTS]))
        check_one(store, product, found, {**request, "startAtClientId": start}, today)
        expected = client_list.clients(found, request, today)
        pages = small_pages(store, product, request, today, data.draw(st.sampled_from([1, 2, 3])))
        assert_same(pages, expected, request, today)
        assert_same(streamed(store, product, request, today), expected, request, today)


def check_one(store: Store, product: int, found: list[Life], request: dict[str, object], today: dt.date) -> None:
    answered = page_by_engine(store, product, request, today)
    assert_same(answered, client_list.page(found, request, today), request, today)


@tried(5)
@given(data=st.data(), world=histories())
def test_every_page_is_the_oracles(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 6)


@tried(3)
@given(data=st.data(), world=worlds())
def test_every_page_is_the_oracles_however_records_arrived(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 5)
