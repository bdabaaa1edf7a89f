"""Cleaning up in the background: in which order, what is noted when, and that nothing is noted too early."""

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from argon2 import PasswordHasher

from odometer.accounts import open_registry
from odometer.accounts.erasures import Erasures
from odometer.clock import Clock
from odometer.errors import Problem
from odometer.exports.worker import Stopped
from odometer.model.erasure import Erasure
from odometer.privacy.clean_up import CleanUp
from odometer.store.derive.erase import Eraser
from tests.erasures import note


@dataclass
class Disk:
    """Stands for the store: what it was asked, and what a test lets it answer."""

    rewritten: list[frozenset[str]] = field(default_factory=list)
    deleting: bool = False
    old_before: int = 0
    is_whole: bool = True
    meanwhile: Callable[[], None] = lambda: None

    def is_deleting(self) -> bool:
        return self.deleting

    def rewrite(self, months: Collection[str], pause: Callable[[], None]) -> int:
        pause()
        self.meanwhile()
        self.rewritten.append(frozenset(months))
        return 1000 * len(self.rewritten)

    def has_old_parts(self, before_ms: int) -> bool:
        return before_ms > self.old_before


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Erasures]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock(), hasher=cheap)
    yield registry.erasures
    registry.close()


def erased(book: Erasures, receipt: str, *months: str) -> None:
    one = Erasure(
        receipt_id=receipt, product_id=7, erased_ms=int(receipt), clients=1, records=1, months=frozenset(months)
    )
    note(book, one)


def looks(book: Erasures, disk: Disk, stopping: threading.Event | None = None) -> bool:
    """Whether all is clean after one more look."""
    clean_up = CleanUp(lambda: None, book, cast("Eraser", disk))
    clean_up(stopping or threading.Event())
    return clean_up.is_done()


def test_what_is_rewritten_waits_until_the_old_parts_are_gone(book: Erasures) -> None:
    disk = Disk()
    assert looks(book, disk)
    erased(book, "1", "203105", "203106")
    erased(book, "2", "203106", "203107")

    assert not looks(book, disk)
    assert not looks(book, disk)
    assert disk.rewritten == [{"203105", "203106", "203107"}]
    assert [one.rewritten_ms for one in book.unfinished()] == [1000, 1000]
    # Another one begins from the start; the first two are done when what was replaced before them is gone.
    erased(book, "3", "203101")
    assert not looks(book, disk)
    disk.old_before = 1000
    assert not looks(book, disk)
    assert [one.receipt_id for one in book.unfinished()] == ["3"]
    disk.old_before = 2000
    assert looks(book, disk)
    assert disk.rewritten[1:] == [{"203101"}]
    assert all(one.cleaned_ms is not None for one in book.of(7))


def test_where_nothing_was_stored_nothing_is_rewritten(book: Erasures) -> None:
    disk = Disk(old_before=5000)
    erased(book, "1")
    assert looks(book, disk)
    assert disk.rewritten == []


def test_everything_waits_while_records_are_lost(book: Erasures) -> None:
    """What is brought back has the erased clients in it; then the erasure goes on."""
    disk = Disk(old_before=5000, is_whole=False)
    book.begin(Erasure(receipt_id="er-1", product_id=7, erased_ms=1, pending=("client-01",)))
    erased(book, "2", "203106")

    def complete() -> None:
        pytest.fail("an erasure was carried out")

    CleanUp(complete, book, cast("Eraser", disk))(threading.Event())
    assert disk.rewritten == []
    assert [one.receipt_id for one in book.pending()] == ["er-1"]


def test_what_broke_off_is_completed_first(book: Erasures) -> None:
    disk = Disk(old_before=5000)
    book.begin(Erasure(receipt_id="er-1", product_id=7, erased_ms=1, pending=("client-01",)))

    def complete() -> None:
        for one in book.pending():
            book.note_found(one.receipt_id, clients=1, records=1, months={"203105"})
            book.finish(one.receipt_id, actor="server")

    clean_up = CleanUp(complete, book, cast("Eraser", disk))
    assert not clean_up.is_done()
    clean_up(threading.Event())
    assert clean_up.is_done()
    assert disk.rewritten == [{"203105"}]


def test_nothing_is_rewritten_while_a_delete_has_not_reached_everything(
    book: Erasures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odometer.privacy.clean_up._PAUSE_S", 0.001)
    disk = Disk(deleting=True, old_before=5000)
    erased(book, "1", "203105")
    assert not looks(book, disk)
    assert disk.rewritten == []
    disk.deleting = False
    assert looks(book, disk)


def test_an_erasure_in_the_middle_of_rewriting_is_not_taken_for_rewritten(book: Erasures) -> None:
    disk = Disk(old_before=5000)
    disk.meanwhile = lambda: erased(book, "2", "203106") if not disk.rewritten else None
    erased(book, "1", "203105")

    assert not looks(book, disk)

    assert [(one.receipt_id, one.rewritten_ms) for one in book.unfinished()] == [("2", None)]
    assert looks(book, disk)
    assert disk.rewritten == [{"203105"}, {"203106"}]


@pytest.mark.parametrize("trouble", [Stopped, Problem("STORE_UNAVAILABLE", "busy", retry_after_s=5)])
def test_what_breaks_off_is_begun_anew(book: Erasures, trouble: Exception | type[Exception]) -> None:
    def breaks() -> None:
        raise trouble

    disk = Disk(old_before=5000, meanwhile=breaks)
    erased(book, "1", "203105")
    with pytest.raises((Stopped, Problem)):
        looks(book, disk)
    assert [one.rewritten_ms for one in book.unfinished()] == [None]
    disk.meanwhile = lambda: None
    assert looks(book, disk)


def test_a_server_that_stops_does_not_wait_for_it(book: Erasures) -> None:
    stopping, disk = threading.Event(), Disk(old_before=5000)
    stopping.set()
    erased(book, "1", "203105")
    with pytest.raises(Stopped):
        looks(book, disk, stopping)
    assert disk.rewritten == []
