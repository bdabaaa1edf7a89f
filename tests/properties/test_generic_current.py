"""generic/current gives the oracle's figures, digit by digit and in the same order, on every history."""

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Store, tried
from tests.generic import assert_same, current_by_engine, current_by_oracle
from tests.properties.histories import days_of, histories, last_day, lives_of
from tests.properties.levels import currents
from tests.worlds import World, feed, worlds


def check(store: Store, data: st.DataObject, world: World, requests: int) -> None:
    product = feed(store, world)
    found = lives_of(world)
    for request, today in data.draw(
        st.lists(currents(days_of(found), last_day(world)), min_size=requests, max_size=requests)
    ):
        answered = current_by_engine(store, product, request, today)
        assert_same(answered, current_by_oracle(found, request, today), request, today)


@tried(10)
@given(data=st.data(), world=histories())
def test_every_answer_is_the_oracles(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 14)


@tried(4)
@given(data=st.data(), world=worlds())
def test_every_answer_is_the_oracles_however_records_arrived(store: Store, data: st.DataObject, world: World) -> None:
    check(store, data, world, 8)
