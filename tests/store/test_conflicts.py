"""A reused seq with other content is a duplicate, and is told (chapter 09, Exactly once)."""

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odometer.clock import Clock
from odometer.collect.envelope import ParseOptions
from odometer.collect.ingest import Ingest
from odometer.collect.records import Sender, to_row
from odometer.store.records.append import Batch
from odometer.store.records.content import CONTENT, content_of
from tests.conftest import Store
from tests.store.test_writer import NOON_MS, batch
from tests.unit.collect.senders import live

EVENT = {"seq": 1, "value": Decimal("2.5"), "category": "Edit", "text": "x"}


@pytest.mark.parametrize(
    ("again", "conflicts"),
    [
        (EVENT, 0),
        ({**EVENT, "value": Decimal("2.500")}, 0),
        ({**EVENT, "name": " Crop "}, 0),
        ({**EVENT, "value": 3}, 1),
        ({**EVENT, "text": "y"}, 1),
        ({**EVENT, "category": None}, 1),
        ({**EVENT, "at": "2031-05-20T10:00:01Z"}, 1),
        ({"seq": 1, "type": "heartbeat"}, 1),
    ],
)
def test_what_comes_again_with_other_content_is_told(store: Store, again: dict[str, Any], conflicts: int) -> None:
    """Stored before, and in the same batch."""
    product = store.new_product()
    store.writer.append(batch(product, "client-01", EVENT)).result(30)

    stored = store.writer.append(batch(product, "client-01", again)).result(30)
    within = store.writer.append(batch(product, "client-02", EVENT, again)).result(30)

    assert (stored.duplicates, stored.conflicts) == (1, conflicts)
    assert (within.duplicates, within.conflicts) == (1, conflicts)


def test_what_a_batch_says_of_all_its_records_is_no_conflict(store: Store) -> None:
    """Another machine, place and clock: the record is the same."""
    product = store.new_product()
    record = {"type": "event", "name": "Crop", "seq": 1, "at": "2031-05-20T10:00:00Z"}
    first = Sender("client-01", "machine-1", 0, NOON_MS, 400, ("EU", "DE", ""))
    later = Sender("client-01", "", -3_600_000, NOON_MS + 1000, 400, ("NA", "US", "UT"))
    store.writer.append(Batch(product, "a", NOON_MS, [to_row(dict(record), first)])).result(30)

    again = store.writer.append(Batch(product, "b", NOON_MS + 1000, [to_row(dict(record), later)])).result(30)

    assert (again.duplicates, again.conflicts) == (1, 0)


def test_of_two_batches_at_once_one_is_told(store: Store) -> None:
    """Whether they meet in one commit or in two."""
    product = store.new_product()
    with ThreadPoolExecutor(8) as senders:
        futures = list(
            senders.map(
                lambda n: store.writer.append(batch(product, "client-01", {"seq": 1, "value": n}, batch_id=f"{n}")),
                range(8),
            )
        )

    answers = [future.result(30) for future in futures]
    assert (sum(one.duplicates for one in answers), sum(one.conflicts for one in answers)) == (7, 7)


def test_the_answer_tells_conflicts_and_ignored_members_only_where_there_are_any(store: Store) -> None:
    ingest, product = Ingest(store.writer, Clock()), store.new_product()

    def answer(*records: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"clientId": "client-01", "records": records}).encode()
        receipt = ingest.receive(product, body, ParseOptions(max_age_days=36_500))
        receipt.stored.result(30)
        return receipt.answer()

    record = live("event", at="2026-01-01T00:00:00Z")
    assert answer(record).keys() == {"accepted", "duplicates", "rejected", "backOffDays", "disabled"}
    told = answer({**record, "value": 7, "catgory": "Edit"}, {**record, "catgory": "Edit"})
    assert (told["duplicates"], told["conflicts"], told["ignored"]) == (2, 1, {"catgory": 2})


_TEXT = st.text(st.characters(exclude_characters="\0\1\2", exclude_categories=["Cs"]), max_size=5)


@settings(max_examples=40, deadline=None)
@given(
    value=st.sampled_from([None, 0, 1, *map(Decimal, ("-2.5", "0.000001", "123456789.654321", "1e3"))]),
    text=_TEXT,
    names=st.dictionaries(st.sampled_from(["prodVersion", "ram", "vm", "C01", "os.platform"]), st.none(), max_size=4),
    other=_TEXT,
)
def test_the_engine_and_the_writer_see_the_same_content(
    store: Store, value: Decimal | None, text: str, names: dict[str, None], other: str
) -> None:
    product = store.new_product()
    given_set = {**names, "prodEdition": text or None}
    records: list[dict[str, Any]] = [
        {"seq": 1, "value": value, "text": text, "count": 3},
        {"seq": 2, "type": "properties", "set": given_set},
        {"seq": 3, "type": "custom_event", "data": [[text, other]]},
        {"seq": 4, "type": "session_stop", "sessionId": "session-0001", "runtimeSeconds": Decimal("1.25")},
    ]
    made = batch(product, "client-01", *records)
    store.writer.append(made).result(30)

    rows = store.engine.rows(
        f"SELECT {CONTENT} FROM odometer.records WHERE product = {{p:UInt64}} ORDER BY seq", {"p": product}
    )
    assert [int(one) for (one,) in rows] == [content_of(row) for row in made.rows]
