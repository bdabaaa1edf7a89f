"""The keeper of daily files over a real store, registry and folder: what is made, renewed, taken away, and when."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from odometer.accounts import open_registry
from odometer.clock import Clock
from odometer.errors import Problem
from odometer.exports.daily import DailyDuty, DailyFiles, Wanted, sources_of, wanted_files
from odometer.exports.files import LocalFiles
from odometer.exports.worker import Stopped
from odometer.model.daily_file import DailyFile, Stream
from tests.conftest import Store
from tests.exported import read_csv
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)
ONE_DAY = dt.timedelta(days=1)
CSV = wanted_files(["csv"])


def event(client: str, day: str, seq: int, **more: Any) -> dict[str, Any]:
    record = {"type": "custom_event", "at": f"{day}T10:00:00Z", "name": "Buy", "data": [["n", "1"]]}
    return {"clientId": client, "seq": seq, **record, **more}


@dataclass
class Kept:
    """The keeper of one product."""

    store: Store
    product: int
    daily: DailyFiles
    folder: Path

    def arrives(self, *records: dict[str, Any], on: dt.date = TODAY) -> None:
        feed(self.store, [Delivery(records, to_ms(on) + 3_600_000, "b", is_import=True)], product=self.product)

    def refresh(self, wanted: Wanted = CSV, today: dt.date = TODAY) -> None:
        self.daily.refresh(self.product, wanted, today, lambda: None)

    def listed(self, stream: Stream, today: dt.date = TODAY) -> list[DailyFile]:
        return self.daily.listed(self.product, stream, CSV[stream], today)

    def days(self, stream: Stream, today: dt.date = TODAY) -> list[str]:
        return [str(file.day) for file in self.listed(stream, today)]

    def erase(self, *clients: str) -> list[str]:
        """Erase clients as the server does; the names of the files that are taken away."""
        eraser = self.store.eraser
        held = eraser.held(self.product, clients)
        eraser.erase(self.product, clients)
        return sorted(self.daily.erased(self.product, held.days))

    def names(self) -> list[str]:
        """The files that are really there, complete or not."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())

    def path(self, file: DailyFile) -> Path:
        return self.folder / file.stream / str(self.product) / file.name

    def rows(self, name: str) -> list[list[str]]:
        return read_csv(self.folder / name.partition("_")[0] / str(self.product) / name)[1:]


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Iterator[Kept]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock(), hasher=cheap)
    folder = tmp_path / "files"
    files = LocalFiles(folder)
    yield Kept(
        store, store.new_product(), DailyFiles(registry.daily_files, files, sources_of(store.questions), 90), folder
    )
    registry.close()


def test_every_finished_day_with_rows_has_a_file_newest_first(kept: Kept) -> None:
    exception = {"className": "E", "methodName": "m", "message": "x", "stackTrace": "y"}
    kept.arrives(
        event("client-01", "2031-06-18", 1),
        event("client-01", "2031-06-19", 2),
        event("client-02", "2031-06-20", 1),
        {"clientId": "client-02", "type": "client_day", "day": "2031-06-17"},
        {"clientId": "client-02", "seq": 2, "type": "exception", "at": "2031-06-16T00:00:00Z", **exception},
        event("client-03", "2031-03-22", 1),
        event("client-03", "2031-03-21", 2),
        on=TODAY + ONE_DAY,
    )

    kept.refresh()

    assert kept.days(Stream.CUSTOM_EVENTS) == ["2031-06-19", "2031-06-18", "2031-03-22"]
    assert kept.days(Stream.EXCEPTIONS) == ["2031-06-16"]
    assert kept.days(Stream.RAW_EVENTS) == ["2031-06-19", "2031-06-18", "2031-06-17", "2031-06-16", "2031-03-22"]
    for file in kept.listed(Stream.CUSTOM_EVENTS):
        assert (file.name, file.rows) == (f"customEvents_{file.day}.csv.zip", 1)
        assert file.file_size == kept.path(file).stat().st_size
    # After midnight: one day more, one day less.
    kept.refresh(today=TODAY + ONE_DAY)
    assert kept.days(Stream.CUSTOM_EVENTS, TODAY + ONE_DAY) == ["2031-06-20", "2031-06-19", "2031-06-18"]
    assert not (kept.folder / "customEvents" / str(kept.product) / "customEvents_2031-03-22.csv.zip").exists()


def test_only_what_changed_is_made_anew_under_its_name(kept: Kept) -> None:
    """A late property is carried on to later days, and changes their files too; one of a later day does not."""
    first = {"clientId": "client-01", "type": "client_day", "set": {"prodVersion": "1"}}
    kept.arrives(
        {**first, "day": "2031-06-10"}, event("client-01", "2031-06-12", 1), event("client-02", "2031-06-12", 1)
    )
    kept.refresh()
    before = {stream: kept.listed(stream) for stream in Stream}
    written = kept.path(before[Stream.CUSTOM_EVENTS][0]).stat().st_mtime_ns

    kept.refresh()
    kept.arrives({**first, "day": "2031-06-15", "set": {"prodVersion": "3"}})
    kept.refresh()
    assert kept.listed(Stream.CUSTOM_EVENTS) == before[Stream.CUSTOM_EVENTS]
    assert kept.path(before[Stream.CUSTOM_EVENTS][0]).stat().st_mtime_ns == written
    assert kept.listed(Stream.RAW_EVENTS)[1:] == before[Stream.RAW_EVENTS]

    kept.arrives({**first, "day": "2031-06-11", "set": {"prodVersion": "2", "ram": 7}})
    kept.refresh()
    (renewed,) = kept.listed(Stream.CUSTOM_EVENTS)
    assert (renewed.name, renewed.rows) == (before[Stream.CUSTOM_EVENTS][0].name, 2)
    assert renewed.sha256 != before[Stream.CUSTOM_EVENTS][0].sha256
    assert kept.rows(renewed.name)[0][3] == "2"


def test_a_file_has_the_same_bytes_whenever_it_is_made(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 1), event("client-02", "2031-06-12", 1))
    kept.refresh(wanted_files(["csv", "parquet"]))
    names = [file.name for stream in Stream for file in kept.daily.book.of(kept.product, stream)]
    before = {path.name: path.read_bytes() for path in kept.folder.rglob("*_*")}
    assert sorted(before) == sorted(names)
    assert len(names) == 3

    for stream in Stream:
        for file in kept.daily.book.of(kept.product, stream):
            kept.daily.book.remove(file)
    kept.refresh(wanted_files(["csv", "parquet"]))

    assert {path.name: path.read_bytes() for path in kept.folder.rglob("*_*")} == before


def test_rows_that_are_erased_leave_the_files_and_a_day_without_rows_has_none(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 2), event("client-01", "2031-06-13", 3))
    kept.refresh()
    assert kept.days(Stream.CUSTOM_EVENTS) == ["2031-06-13", "2031-06-12"]

    kept.arrives({"clientId": "client-01", "type": "opt_out", "at": "2031-06-12T12:00:00Z", "seq": 1})
    kept.refresh()

    assert kept.days(Stream.CUSTOM_EVENTS) == []
    assert kept.days(Stream.RAW_EVENTS) == ["2031-06-12"]
    assert [path.name for path in kept.folder.rglob("*_*")] == ["rawEvents_2031-06-12.csv.zip"]


def test_what_a_product_does_not_want_any_more_is_taken_away(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 1))
    kept.refresh(wanted_files(["csv", "parquet"]))
    kept.refresh(wanted_files(["parquet"]))
    assert sorted(path.name for path in kept.folder.rglob("*_*")) == [
        "customEvents_2031-06-12.csv.zip",
        "rawEvents_2031-06-12.parquet",
    ]
    kept.refresh(wanted_files([]))
    assert [path.name for path in kept.folder.rglob("*_*")] == ["customEvents_2031-06-12.csv.zip"]


def test_a_file_that_is_asked_for_before_it_was_made_is_made_then(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 1))

    def find(name: str) -> DailyFile | None:
        return kept.daily.find(kept.product, Stream.CUSTOM_EVENTS, (".csv.zip",), TODAY, name)

    made = find("customEvents_2031-06-12.csv.zip")

    assert made is not None
    assert kept.path(made).stat().st_size == made.file_size
    assert kept.listed(Stream.CUSTOM_EVENTS) == [made]
    for name in (
        "customEvents_2031-06-13.csv.zip",
        "customEvents_2031-06-20.csv.zip",
        "customEvents_2031-02-30.csv.zip",
        "rawEvents_2031-06-12.csv.zip",
        "customEvents_2031-06-12.parquet",
        "../customEvents_2031-06-12.csv.zip",
        "customEvents_2031-06-12.csv.zip\n",
        "",
    ):
        assert find(name) is None, name


def test_a_writer_that_is_stopped_leaves_no_half_file(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 1))
    kept.refresh()
    before = kept.listed(Stream.RAW_EVENTS)
    content = kept.path(before[0]).read_bytes()
    kept.arrives(event("client-01", "2031-06-12", 2))
    stopping = threading.Event()

    def products() -> Iterator[tuple[int, Wanted]]:
        yield kept.product, {Stream.RAW_EVENTS: (".csv.zip",)}

    original = kept.daily.sources[Stream.RAW_EVENTS].writers[".csv.zip"]

    def dies(product: int, day: dt.date, path: Path, pause: Any) -> int:
        original(product, day, path, pause)
        stopping.set()
        pause()
        raise AssertionError("not reached")

    kept.daily.sources[Stream.RAW_EVENTS].writers[".csv.zip"] = dies  # type: ignore[index]
    with pytest.raises(Stopped):
        DailyDuty(kept.daily, products, lambda: TODAY)(stopping)

    assert kept.listed(Stream.RAW_EVENTS) == before
    assert kept.path(before[0]).read_bytes() == content
    assert list((kept.folder / ".aside").iterdir()) == []
    kept.daily.sources[Stream.RAW_EVENTS].writers[".csv.zip"] = original  # type: ignore[index]
    kept.refresh()
    assert kept.listed(Stream.RAW_EVENTS)[0].rows == 2


def test_one_products_trouble_does_not_keep_others_from_their_files(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-12", 1))

    def products() -> Iterator[tuple[int, Wanted]]:
        yield -1, CSV
        yield kept.product, CSV

    DailyDuty(kept.daily, products, lambda: TODAY)(threading.Event())

    assert kept.days(Stream.RAW_EVENTS) == ["2031-06-12"]


def test_spreadsheets_run_nothing_from_custom_events_and_raw_files_are_byte_true(kept: Kept) -> None:
    hostile = '=cmd|"/C calc"!A1\r\n"'
    kept.arrives(
        event("client-01", "2031-06-12", 1, name="=1+1", category="-2", data=[["@a", hostile]]),
        event("client-01", "2031-06-12", 2, name="+x", category="+2.5", data=[]),
    )
    kept.refresh()

    first, second = (row[-4:] for row in kept.rows("customEvents_2031-06-12.csv.zip"))
    # `event.data` escapes its own signs, so that it begins with what the sender wrote.
    escaped = hostile.replace("|", "\\|").replace("=", "\\=")
    assert first[:3] == ["-2", "'=1+1", f"'@a={escaped}"]
    assert second == ["+2.5", "'+x", "", "[]"]
    raw = kept.rows("rawEvents_2031-06-12.csv.zip")
    assert [row[9:11] for row in raw] == [["-2", "=1+1"], ["+2.5", "+x"]]
    assert '"=cmd|' in raw[0][-1]


THREE_DAYS = (
    event("client-01", "2031-06-10", 1),
    event("client-01", "2031-06-11", 2),
    {"clientId": "client-01", "type": "client_day", "day": "2031-06-12"},
    event("client-02", "2031-06-11", 1),
    event("client-02", "2031-06-12", 2),
    event("client-02", "2031-06-13", 3),
)
AFTER = [
    *("customEvents_2031-06-11.csv.zip", "customEvents_2031-06-12.csv.zip", "customEvents_2031-06-13.csv.zip"),
    *("rawEvents_2031-06-11.csv.zip", "rawEvents_2031-06-12.csv.zip", "rawEvents_2031-06-13.csv.zip"),
]


def test_files_that_show_an_erased_client_go_at_once_and_come_back_without_it(kept: Kept) -> None:
    """By stream: on 06-12 the client had no custom event. A day that becomes empty has no file any more."""
    kept.arrives(*THREE_DAYS)
    kept.refresh()
    stays = {name: (kept.folder / "customEvents" / str(kept.product) / name).stat().st_mtime_ns for name in AFTER[1:3]}

    gone = kept.erase("client-01")

    assert gone == [
        *("customEvents_2031-06-10.csv.zip", "customEvents_2031-06-11.csv.zip", "rawEvents_2031-06-10.csv.zip"),
        *("rawEvents_2031-06-11.csv.zip", "rawEvents_2031-06-12.csv.zip"),
    ]
    assert kept.names() == [AFTER[1], AFTER[2], AFTER[5]]
    assert kept.days(Stream.CUSTOM_EVENTS) == ["2031-06-13", "2031-06-12"]
    assert kept.days(Stream.RAW_EVENTS) == ["2031-06-13"]
    kept.refresh()
    assert kept.names() == AFTER
    for name in AFTER[:3]:
        assert [row[1] for row in kept.rows(name)] == ["client-02"], name
    for name in AFTER[3:]:
        assert [row[4] for row in kept.rows(name)] == ["client-02"], name
    for name, written in stays.items():
        assert (kept.folder / "customEvents" / str(kept.product) / name).stat().st_mtime_ns == written


def test_a_product_without_the_client_keeps_its_files(kept: Kept) -> None:
    kept.arrives(event("client-02", "2031-06-11", 1))
    kept.refresh()
    before = kept.names()

    assert kept.erase("client-01") == []
    assert kept.daily.erased(kept.product + 500_000, {Stream.RAW_EVENTS: {dt.date(2031, 6, 11)}}) == []
    assert kept.names() == before


def _pausing(kept: Kept, stream: Stream) -> tuple[threading.Event, threading.Event]:
    """Lets the first file of a stream be written and then wait, not yet published: (it waits, it may go on)."""
    written, go_on = threading.Event(), threading.Event()
    original = kept.daily.sources[stream].writers[".csv.zip"]

    def write(product: int, day: dt.date, path: Path, pause: Any) -> int:
        rows = original(product, day, path, pause)
        if not written.is_set():
            written.set()
            assert go_on.wait(30)
        return rows

    kept.daily.sources[stream].writers[".csv.zip"] = write  # type: ignore[index]
    return written, go_on


@pytest.mark.parametrize("only_the_erased", [False, True])
def test_a_file_that_is_being_written_is_not_published_with_the_client(kept: Kept, *, only_the_erased: bool) -> None:
    others = [] if only_the_erased else [event("client-02", "2031-06-11", 1)]
    kept.arrives(event("client-01", "2031-06-11", 1), *others)
    written, go_on = _pausing(kept, Stream.RAW_EVENTS)
    keeper = threading.Thread(target=kept.refresh, args=({Stream.RAW_EVENTS: (".csv.zip",)},))
    keeper.start()
    assert written.wait(30)

    assert kept.erase("client-01") == []
    seen = list(kept.folder.rglob("rawEvents_*"))
    go_on.set()
    keeper.join()

    assert seen == []
    assert list((kept.folder / ".aside").iterdir()) == []
    if only_the_erased:
        assert kept.names() == []
        assert kept.listed(Stream.RAW_EVENTS) == []
        return
    assert [row[4] for row in kept.rows("rawEvents_2031-06-11.csv.zip")] == ["client-02"]
    kept.refresh()
    (file,) = kept.listed(Stream.RAW_EVENTS)
    assert (file.rows, file.file_size) == (1, kept.path(file).stat().st_size)


def test_another_products_file_is_published_all_the_same(kept: Kept) -> None:
    kept.arrives(event("client-01", "2031-06-11", 1))
    written, go_on = _pausing(kept, Stream.RAW_EVENTS)
    keeper = threading.Thread(target=kept.refresh, args=({Stream.RAW_EVENTS: (".csv.zip",)},))
    keeper.start()
    assert written.wait(30)
    again = threading.Event()
    # A second writing would come through here.
    kept.daily.sources[Stream.RAW_EVENTS].writers[".csv.zip"] = lambda *_: again.set() or 0  # type: ignore[index,func-returns-value]

    kept.daily.erased(kept.product + 500_000, {Stream.RAW_EVENTS: {dt.date(2031, 6, 11)}})
    go_on.set()
    keeper.join()

    assert not again.is_set()
    assert kept.days(Stream.RAW_EVENTS) == ["2031-06-11"]


def test_a_file_that_could_not_be_deleted_is_deleted_by_the_next_try(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bucket that does not answer: the erasure fails, and repeating it must not overlook the file."""
    kept.arrives(event("client-01", "2031-06-11", 1))
    kept.refresh()
    days = {Stream.RAW_EVENTS: {dt.date(2031, 6, 11)}}

    def fails(_files: LocalFiles, _key: object) -> None:
        raise Problem("STORE_UNAVAILABLE", "no", retry_after_s=5)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "delete", fails)
        with pytest.raises(Problem):
            kept.daily.erased(kept.product, days)

    assert kept.daily.erased(kept.product, days) == ["rawEvents_2031-06-11.csv.zip"]
    assert kept.names() == ["customEvents_2031-06-11.csv.zip"]
