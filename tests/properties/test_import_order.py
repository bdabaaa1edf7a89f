"""Lines of an import in any order and in chunks of any size give the figures of the definitions, opts included."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from odometer.store.records.bulk import BulkAppend
from tests.conftest import Store, tried
from tests.properties.histories import histories
from tests.properties.test_client_day import check
from tests.worlds import World, encoded


@tried(8)
@given(data=st.data(), world=histories())
def test_the_order_of_lines_does_not_matter(store: Store, data: st.DataObject, world: World) -> None:
    (whole,) = world
    order = data.draw(st.permutations(whole.records))
    product = store.new_product()
    bulk = BulkAppend(store.engine, product, whole.received_ms)
    accepted = place = 0
    while place < len(order):
        size = data.draw(st.integers(1, len(order)))
        accepted += bulk.append(encoded(replace(whole, records=tuple(order[place : place + size])))).accepted
        place += size
    refused = sum(map(len, bulk.refuse_opted_out()))
    count = "SELECT count() FROM odometer.records WHERE product = {p:UInt64}"
    kept = store.engine.rows(count, {"p": product})[0][0]

    store.derivation.derive_since(product, bulk.ingest_no_before)

    check(store, product, world)
    # What the summary says is what is left, and nothing was left to erase.
    assert kept == accepted - refused == store.engine.rows(count, {"p": product})[0][0]
