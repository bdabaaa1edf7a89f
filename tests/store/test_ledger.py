"""The ledger of records: what is appended and deleted on purpose is no loss, at whatever moment a process dies."""

import errno
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from odometer.clock import Clock
from odometer.errors import Problem
from odometer.store.analytics import Analytics, LiveAnalytics
from odometer.store.derive.background import Deriver
from odometer.store.derive.mark import read_mark, write_mark
from odometer.store.engine import DATABASE, Engine
from odometer.store.records import ledger as ledger_module
from odometer.store.records.append import Batch, last_ingest_no
from odometer.store.records.deletion import delete_rows
from odometer.store.records.ledger import (
    LEDGER_FILE,
    Ledger,
    Months,
    differences,
    encode_ledger,
    encode_note,
    read_ledger,
    read_note,
)
from odometer.store.tables import RECORDS
from tests.conftest import Store
from tests.worlds import Delivery, feed

DAYS = ("2031-05-03", "2031-06-03")


@pytest.fixture
def ledger(store: Store) -> Iterator[Ledger]:
    """The store's ledger, up to date; the store is shared, so that it holds the records of other tests as well."""
    ledger = Ledger(store.engine)
    write_mark(store.engine, last_ingest_no(store.engine))
    file(store).unlink(missing_ok=True)
    assert ledger.check() == ()
    yield ledger
    file(store).unlink(missing_ok=True)


def file(store: Store) -> Path:
    assert store.engine.folder is not None
    return store.engine.folder / LEDGER_FILE


def append(store: Store, clients: Sequence[str]) -> int:
    """One event on each of the days for every client; the product."""
    product = store.new_product()
    records = tuple(
        {"clientId": client, "seq": seq, "type": "event", "at": f"{day}T10:00:00Z", "category": "a", "name": "b"}
        for client in clients
        for seq, day in enumerate(DAYS, 1)
    )
    feed(store, [Delivery(records, 1_940_000_000_000, "b", is_import=True)], product=product)
    return product


def test_what_is_appended_and_derived_is_entered(store: Store, ledger: Ledger) -> None:
    before = sum(month.rows for month in ledger.entries.months.values())
    append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    assert sum(month.rows for month in ledger.entries.months.values()) == before + 4
    assert Ledger(store.engine).check() == ()


@pytest.mark.usefixtures("ledger")
def test_what_is_not_entered_yet_is_not_missed(store: Store) -> None:
    """A batch that is durable, but whose process died before it was entered."""
    append(store, ["client-01"])
    assert Ledger(store.engine).check() == ()


def test_rows_that_are_gone_are_missed(store: Store, ledger: Ledger) -> None:
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    known = ledger.entries.months["203105"].rows
    store.engine.command(
        f"DELETE FROM {DATABASE}.records WHERE product = {product} AND client = 'client-01' AND day = '2031-05-03'"
    )
    again = Ledger(store.engine)
    assert again.check() == (f"1 of {known:,} records of 2031-05 are missing.",)
    again.advance()
    assert again.losses
    assert again.accept([]) == (f"1 of {known:,} records of 2031-05 are missing.",)
    assert Ledger(store.engine).check() == ()


def test_how_many_are_given_up_is_told_where_the_loss_could_not_be_counted(store: Store, ledger: Ledger) -> None:
    """Records of a damaged part cannot be read, nor counted, before it is set aside."""
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    known = ledger.entries.months["203105"].rows
    unread = Ledger(store.engine)
    unread.losses = ("Records cannot be read: checksum does not match.",)
    delete_rows(store.engine, RECORDS, product, ("client", "seq"), [("client-01", 1), ("client-02", 1)])
    append(store, ["client-03"])
    assert unread.accept(["records/203105_1_1_0"]) == (f"2 of {known:,} records of 2031-05 are missing.",)
    assert not unread.losses


def test_a_loss_while_the_server_runs_is_news_once(store: Store) -> None:
    analytics = Analytics(store.engine, store.gate, store.derivation)
    deriver = Deriver(store.engine, store.derivation, Clock())
    live = LiveAnalytics(analytics, store.writer, deriver, store.questions)
    try:
        assert not live.enter_derived()
        analytics.ledger.losses = ("1 of 2 records of 2031-05 are missing.",)
        assert [live.enter_derived(), live.enter_derived()] == [True, False]
        assert store.writer.is_closed_to_senders
    finally:
        analytics.ledger.losses = ()
        store.writer.is_closed_to_senders = False
        deriver.close()


def test_rows_that_were_exchanged_are_missed(ledger: Ledger) -> None:
    months = ledger.entries.months
    (month, known), *_ = [*months.items(), ("203105", ledger_module.MonthSum(1, 1))]
    other = {**months, month: replace(known, check=known.check ^ 1)}
    assert differences(other, {**other, month: known}) == (
        f"The {known.rows:,} records of {month[:4]}-{month[4:]} are not the {known.rows:,} that were stored.",
    )


@pytest.mark.parametrize("columns", [("client",), ("client", "seq", "hash")])
def test_deleting_on_purpose_is_no_loss(store: Store, ledger: Ledger, columns: tuple[str, ...]) -> None:
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    value: tuple[Any, ...] = ("client-01", 1, 0)
    ledger.delete_records(product, columns, [value[: len(columns)]])
    assert Ledger(store.engine).check() == ()
    left = store.engine.rows(f"SELECT count() FROM {DATABASE}.records WHERE product = {product}")[0][0]
    assert left == (2 if columns == ("client",) else 3)


@pytest.mark.parametrize("deleted", [True, False])
def test_dying_in_the_middle_of_a_deletion_is_no_loss(
    store: Store, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, *, deleted: bool
) -> None:
    """Before the rows are gone, and after, but before they are struck out."""
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()

    def dies(engine: Engine, *rest: Any) -> None:
        if deleted:
            delete_rows(engine, *rest)
        raise Problem("STORE_UNAVAILABLE", "died")

    monkeypatch.setattr(ledger_module, "delete_rows", dies)
    with pytest.raises(Problem):
        ledger.delete_records(product, ("client",), [("client-01",)])
    monkeypatch.undo()

    again = Ledger(store.engine)
    assert again.check() == ()
    assert not again.entries.going
    # The one that goes on lives with it as well.
    ledger.delete_records(product, ("client",), [("client-01",)])
    ledger.advance()
    assert Ledger(store.engine).check() == ()


@pytest.mark.parametrize("harm", ["cut", "newer"])
def test_a_file_that_cannot_be_read_is_no_new_beginning(store: Store, ledger: Ledger, harm: str) -> None:
    """Nothing is deleted meanwhile either: that would write a ledger which knows of no loss."""
    product = append(store, ["client-01"])
    content = encode_ledger(ledger.entries)
    file(store).write_bytes(content[:-20] if harm == "cut" else content.replace(b'"version": 1', b'"version": 2'))
    written = file(store).read_bytes()
    again = Ledger(store.engine)
    assert ("damaged" if harm == "cut" else "newer version") in again.check()[0]
    with pytest.raises(Problem) as refused:
        again.delete_records(product, ("client",), [("client-01",)])
    assert (refused.value.status, refused.value.retry_after_s) == (503, 60)
    again.close()
    assert file(store).read_bytes() == written
    left = store.engine.rows(f"SELECT count() FROM {DATABASE}.records WHERE product = {product}")[0][0]
    assert left == len(DAYS)
    again.accept([])
    again.delete_records(product, ("client",), [("client-01",)])
    assert Ledger(store.engine).check() == ()


def test_nothing_is_written_before_it_was_read(store: Store, ledger: Ledger) -> None:
    written = read_ledger(file(store))
    unread = Ledger(store.engine)
    unread.advance()
    with pytest.raises(RuntimeError):
        unread.delete_records(append(store, ["client-01"]), ("client",), [("client-01",)])
    assert read_ledger(file(store)) == written == ledger.entries


def test_a_deletion_that_broke_off_is_settled_month_by_month(store: Store, ledger: Ledger) -> None:
    """May has lost others of its records; June has those that were deleted no more. May comes back."""
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    known = ledger.entries
    one = ledger._sums(0, known.up_to, product, ("client",), [("client-01",)])
    file(store).write_bytes(encode_ledger(replace(known, going=one)))
    actual = dict(known.months)
    left = {month: known.months[month].minus(one[month]) for month in one}
    actual["203106"] = left["203106"]
    actual["203105"] = known.months["203105"].minus(ledger_module.MonthSum(1, 77))

    again = Held(store.engine, actual)
    lost = again.check()
    assert lost == (f"1 of {known.months['203105'].rows:,} records of 2031-05 are missing.",)
    assert again.entries.months["203106"] == left["203106"]
    assert again.entries.going == {"203105": one["203105"]}

    back = Held(store.engine, {**actual, "203105": left["203105"]})
    assert back.check() == ()
    assert back.entries.going == {}
    assert back.entries.months["203105"] == left["203105"]


def test_a_loss_that_shows_while_the_server_runs_is_told(store: Store, ledger: Ledger) -> None:
    product = append(store, ["client-01"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    known = ledger.entries
    one = ledger._sums(0, known.up_to, product, ("client",), [("client-01",)])
    file(store).write_bytes(encode_ledger(replace(known, going=one)))
    again = Held(store.engine, known.months)
    again.held = {**known.months, "203105": known.months["203105"].minus(ledger_module.MonthSum(1, 77))}
    again._entries, again._is_read = replace(known, going=one), True
    again.advance()
    assert again.losses
    with pytest.raises(Problem):
        again.delete_records(product, ("client",), [("client-01",)])
    assert again.entries.going == {"203105": one["203105"]}


class Held(Ledger):
    """A ledger of a store that holds what a test says."""

    def __init__(self, engine: Engine, held: Months, note: Path | None = None) -> None:
        super().__init__(engine, note)
        self.held = held

    def _sums(self, *_: Any) -> Months:
        return self.held


def test_a_full_disk_refuses_a_deletion(store: Store, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    product = append(store, ["client-01"])

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ledger_module, "write_durably", full)
    with pytest.raises(Problem) as refused:
        ledger.delete_records(product, ("client",), [("client-01",)])
    assert (refused.value.code, refused.value.retry_after_s) == ("STORE_UNAVAILABLE", 60)
    monkeypatch.undo()
    left = store.engine.rows(f"SELECT count() FROM {DATABASE}.records WHERE product = {product}")[0][0]
    assert left == len(DAYS)
    ledger.delete_records(product, ("client",), [("client-01",)])
    assert Ledger(store.engine).check() == ()


def test_nothing_is_erased_while_records_are_lost(store: Store) -> None:
    product = append(store, ["client-01"])
    store.derivation.derive_clients(product, ["client-01"])
    ledger = store.derivation.ledger
    ledger.losses = ("1 of 2 records of 2031-05 are missing.",)
    try:
        with pytest.raises(Problem) as refused:
            store.eraser.erase(product, ["client-01"])
        assert refused.value.retry_after_s == 60
        assert store.eraser.held(product, ["client-01"]).clients[0].records == len(DAYS)
    finally:
        ledger.losses = ()


def test_nothing_is_derived_and_no_mark_written_while_records_are_lost(store: Store) -> None:
    """Records that are brought back later must be derived then."""
    product = append(store, ["client-01"])
    before = read_mark(store.engine)
    assert before < last_ingest_no(store.engine)
    ledger = store.derivation.ledger
    ledger.losses = ("1 of 2 records of 2031-05 are missing.",)
    deriver = Deriver(store.engine, store.derivation, Clock())
    try:
        assert not deriver.derive_again(product, ["client-01"])
        deriver.touch({product: {"client-01"}}, last_ingest_no(store.engine))
        assert not deriver.wait_until_idle(0.5)
    finally:
        deriver.close()
        ledger.losses = ()
    assert read_mark(store.engine) == before


def test_the_file_says_what_was_written(store: Store, ledger: Ledger) -> None:
    assert read_ledger(file(store)) == ledger.entries
    assert file(store).stat().st_mode & 0o777 == 0o600


def test_a_store_that_lost_records_takes_none(store: Store) -> None:
    store.writer.is_closed_to_senders = True
    try:
        with pytest.raises(Problem) as refused:
            store.writer.append(Batch(1, "b", 1, []))
        assert refused.value.status == 503
    finally:
        store.writer.is_closed_to_senders = False


@pytest.mark.parametrize("harm", ["{}", '{"version": 99}', "no json"])
def test_a_damaged_ledger_is_not_mended_by_a_deletion(store: Store, ledger: Ledger, harm: str) -> None:
    """An erasure worked on an empty ledger, and the next start took what was left for all there ever was."""
    product = append(store, ["client-01"])
    file(store).write_text(harm)
    damaged = Ledger(store.engine)
    assert damaged.check()

    with pytest.raises(Problem) as refused:
        damaged.delete_records(product, ("client",), [("client-01",)])

    assert (refused.value.code, refused.value.retry_after_s) == ("STORE_UNAVAILABLE", 60)
    assert file(store).read_text() == harm
    damaged.advance()
    assert file(store).read_text() == harm
    assert ledger.losses == ()


def test_what_was_to_go_is_settled_month_by_month(store: Store, ledger: Ledger) -> None:
    """A crash in an erasure, and a part of another month lost: that one stays open, and the loss is told."""
    product = append(store, ["client-01", "client-02"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    going = ledger._sums(0, ledger.entries.up_to, product, ("client",), [("client-01",)])
    file(store).write_bytes(encode_ledger(replace(ledger.entries, going=going)))
    delete_rows(store.engine, RECORDS, product, ("client", "seq"), [("client-01", 1)])
    delete_rows(store.engine, RECORDS, product, ("client", "seq"), [("client-01", 2), ("client-02", 2)])

    again = Ledger(store.engine)
    (loss,) = again.check()

    assert loss.endswith("records of 2031-06 are missing.")
    assert set(again.entries.going) == {"203106"}


def test_a_store_with_records_is_remembered_and_missed(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    """Its folder may be gone with the ledger in it: a disk that is not mounted is no new installation."""
    note = tmp_path / "store.json"
    append(store, ["client-01"])
    write_mark(store.engine, last_ingest_no(store.engine))
    ledger.advance()
    # Of before there were notes.
    file(store).write_bytes(encode_ledger(replace(ledger.entries, store="")))

    assert Ledger(store.engine, note).check() == ()
    known = read_ledger(file(store))
    assert known is not None
    assert read_note(note) == known.store != ""
    assert Ledger(store.engine, note).check() == ()

    for other in (None, encode_ledger(replace(known, store="another"))):
        file(store).unlink()
        if other is not None:
            file(store).write_bytes(other)
        missing = Ledger(store.engine, note)
        (loss,) = missing.check()
        assert loss.startswith("The analytics store of this installation is gone")
        missing.close()
        assert read_note(note) == known.store
        assert file(store).exists() is (other is not None)
        file(store).write_bytes(encode_ledger(known))
        assert Ledger(store.engine, note).check() == ()

    missing.accept([])
    assert read_note(note) != known.store
    assert Ledger(store.engine, note).check() == ()


@pytest.mark.usefixtures("ledger")
def test_that_nothing_is_left_may_be_accepted(store: Store, tmp_path: Path) -> None:
    note = tmp_path / "store.json"
    note.write_bytes(encode_note("gone"))
    empty = Held(store.engine, {}, note)
    assert empty.check()
    empty.accept([])
    assert Held(store.engine, {}, note).check() == ()
    assert read_note(note) != "gone"


@pytest.mark.usefixtures("ledger")
def test_a_store_without_records_is_not_remembered(store: Store, tmp_path: Path) -> None:
    note = tmp_path / "store.json"
    file(store).unlink()
    assert Held(store.engine, {}, note).check() == ()
    assert not note.exists()
    assert Held(store.engine, {}, note).check() == ()


def test_a_note_that_cannot_be_read_is_no_new_beginning(store: Store, ledger: Ledger, tmp_path: Path) -> None:
    note = tmp_path / "store.json"
    note.write_text("{")
    again = Ledger(store.engine, note)
    assert "damaged" in again.check()[0]
    again.close()
    assert note.read_text() == "{"
    assert read_ledger(file(store)) == ledger.entries
