"""An erasure that breaks off anywhere is completed by the next call: then it is as if it had never broken off."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from odometer.accounts import Registry, open_registry
from odometer.accounts.blocked_clients import BlockedClients
from odometer.accounts.erasures import Erasures
from odometer.accounts.export_jobs import ExportJobs
from odometer.clock import Clock
from odometer.exports.client_list import client_list_writer
from odometer.exports.daily import DailyFiles, sources_of, wanted_files
from odometer.exports.files import FileKey, LocalFiles
from odometer.exports.jobs import ExportDuty, key_of
from odometer.model.export_job import ExportJob, ExportOrder, JobStatus
from odometer.privacy.erase import Erasing, erasure_as_json
from odometer.store.derive.erase import Eraser
from odometer.store.engine import Engine
from tests.conftest import Store
from tests.properties.test_erasure import answers, known, without
from tests.store.test_writer import batch
from tests.worlds import Delivery, World, feed, to_ms

ERASED, STAYS = "client-01", "client-02"
TODAY = dt.date(2031, 6, 20)
PLAIN = '{"properties": [], "retDailyData": null, "globalFilters": {}, "fileFormat": "jsonl"}'
NAMED = PLAIN.replace("{}", f'{{"clientId": {{"type": "string", "value": "{ERASED}"}}}}')


def record(client: str, seq: int, kind: str, day: int, **more: Any) -> dict[str, Any]:
    return {"clientId": client, "seq": seq, "type": kind, "at": f"2031-06-{day}T10:00:00Z", **more}


def arrived(number: int, *records: dict[str, Any]) -> Delivery:
    return Delivery(records, to_ms(TODAY) + number, f"b-{number}")


# The first to send Crop is erased, nobody else sends Only; it has a session over two days, an opt-out and a replay.
WORLD: World = [
    arrived(
        1,
        record(ERASED, 1, "event", 10, name="Crop", value=1.5),
        record(ERASED, 2, "event", 11, name="Only"),
        record(ERASED, 3, "custom_event", 11, name="Buy", data=[["k", "v"]]),
        record(ERASED, 9, "opt_out", 12),
    ),
    arrived(
        2,
        record(STAYS, 1, "event", 11, name="Crop"),
        record(STAYS, 2, "properties", 12, set={"prodVersion": "2"}),
        record(STAYS, 3, "custom_event", 12, name="Buy", data=[]),
    ),
    arrived(3, record(ERASED, 1, "event", 10, name="Crop", value=1.5)),
]


class Broken(Exception):
    """The process dies here."""


class Breaker:
    """Breaks every watched call off once, before it is done, and once when it is."""

    def __init__(self, patch: pytest.MonkeyPatch, times: tuple[str, ...] = ("before", "after")) -> None:
        self.broken: list[str] = []
        self._times = times
        self._patch = patch
        self._is_on = False

    def watch(self, owner: type, name: str, tell: Callable[..., str] = lambda *_: "") -> None:
        """`tell` tells calls apart that are broken off each by itself."""
        original = getattr(owner, name)

        def call(*given: Any, **more: Any) -> Any:
            label = f"{owner.__name__}.{name} {tell(*given)}".strip()
            self._perhaps_break("before", label)
            answer = original(*given, **more)
            self._perhaps_break("after", label)
            return answer

        self._patch.setattr(owner, name, call)

    def _perhaps_break(self, time: str, label: str) -> None:
        where = f"{time} {label}"
        if self._is_on and time in self._times and where not in self.broken:
            self.broken.append(where)
            raise Broken

    def complete(self, work: Callable[[], object]) -> None:
        """Try again and again, each time a little further."""
        self._is_on = True
        while True:
            try:
                work()
            except Broken:
                continue
            self._is_on = False
            return


def states(store: Store, product: int) -> tuple[Any, ...]:
    return answers(store, product), known(store, product), store.questions.first_received(product)


def test_any_write_to_the_store_may_be_the_last(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    never = states(store, feed(store, without(WORLD, {ERASED})))
    product = feed(store, WORLD)
    eraser, breaker = store.eraser, Breaker(monkeypatch, ("after",))
    breaker.watch(Engine, "command", lambda _engine, sql, *_: " ".join(sql.split()[:3]))
    breaker.watch(Engine, "insert_json", lambda _engine, table, *_: table)
    breaker.watch(Engine, "insert_native", lambda _engine, table, *_: table)

    breaker.complete(lambda: eraser.erase(product, [ERASED]))

    assert states(store, product) == never
    assert eraser.held(product, [ERASED]).clients == ()
    assert {where.removeprefix("after ") for where in breaker.broken} == {
        *(f"Engine.command DELETE FROM odometer.{table}" for table in ("event", "records", "duplicate")),
        *(f"Engine.command INSERT INTO odometer.{table}" for table in ("event", "client_number")),
        "Engine.command DELETE FROM odometer.client_number",
        "Engine.insert_json event",
        *(f"Engine.insert_native {table}" for table in ("client_day", "client", "event_day", "client_event", "line")),
    }


@dataclass
class Kept:
    """A server's parts."""

    store: Store
    registry: Registry
    files: LocalFiles
    daily: DailyFiles
    erasing: Erasing

    def ask(self, product: int, request: str) -> ExportJob:
        user = next(iter(self.registry.users.list()), None) or self.registry.users.add(
            "ada@example.com", "correct horse", display_name="Ada"
        )
        order = ExportOrder(
            product_id=product,
            user_id=user.user_id,
            request=request,
            today=TODAY,
            ending=".jsonl.gz",
            has_license_keys=False,
        )
        return self.registry.export_jobs.request(order, at_most=9)

    def export(self) -> None:
        duty = ExportDuty(self.registry.export_jobs, self.files, client_list_writer(self.store.questions), 7)
        duty(threading.Event())

    def refresh(self, product: int) -> None:
        self.daily.refresh(product, wanted_files(["csv"]), TODAY, lambda: None)

    def names(self) -> set[str]:
        return {path.name for path in self.folder.rglob("*") if path.is_file()}

    folder: Path = Path()


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Iterator[Kept]:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    clock = Clock(TODAY)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=cheap)
    files = LocalFiles(tmp_path / "files")
    daily = DailyFiles(registry.daily_files, files, sources_of(store.questions), 90)
    eraser = store.eraser
    erasing = Erasing(registry, eraser, store.writer.paused, daily, files, clock)
    yield Kept(store, registry, files, daily, erasing, tmp_path / "files")
    registry.close()


STEPS: tuple[tuple[type, str], ...] = (
    (BlockedClients, "block"),
    (Eraser, "erase"),
    (DailyFiles, "erased"),
    (DailyFiles, "_take_away"),
    (ExportJobs, "stop_running"),
    (ExportJobs, "with_files"),
    (LocalFiles, "delete"),
    (ExportJobs, "make_again"),
    (Erasures, "begin"),
    (Erasures, "note_found"),
    (Erasures, "finish"),
)


def test_any_step_of_an_erasure_may_be_the_last(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links, lists and answers are in the end those of a world without the client, on the disk as well."""
    store, registry = kept.store, kept.registry
    never = states(store, feed(store, without(WORLD, {ERASED})))
    product = feed(store, WORLD)
    registry.products.add("Facet", product)
    kept.refresh(product)
    jobs = [kept.ask(product, request) for request in (NAMED, PLAIN)]
    kept.export()
    jobs.append(kept.ask(product, NAMED))
    # The store has its own test; erasing there once more takes its time.
    erase, times = Eraser.erase, count()
    monkeypatch.setattr(
        Eraser, "erase", lambda eraser, *given: erase(eraser, *given) if next(times) < 4 else eraser.held(*given[:2])
    )
    breaker = Breaker(monkeypatch)
    for owner, name in STEPS:
        breaker.watch(owner, name, _kind_of_file if name == "delete" else lambda *_: "")

    breaker.complete(lambda: kept.erasing.erase(product, [ERASED], block=True, actor="ada"))

    assert len(breaker.broken) == 2 * (len(STEPS) + 1), breaker.broken
    _is_as_if_never(kept, product, jobs, never)


def test_what_broke_off_is_completed_without_another_call(
    kept: Kept, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies when the records are gone and all else is there; an export runs before the next look."""
    registry, never = kept.registry, states(store, feed(store, without(WORLD, {ERASED})))
    product = feed(store, WORLD)
    registry.products.add("Facet", product)
    kept.refresh(product)
    jobs = [kept.ask(product, request) for request in (NAMED, PLAIN)]
    kept.export()
    jobs.append(kept.ask(product, NAMED))
    with monkeypatch.context() as broken:
        broken.setattr(store.derivation.__class__, "derive_clients", _breaks)
        with pytest.raises(Broken):
            kept.erasing.erase(product, [ERASED], block=True, actor="ada")
    assert [one.pending for one in registry.erasures.pending()] == [(ERASED,)]
    assert erasure_as_json(registry.erasures.of(product)[0])["erasedAt"] is None
    kept.export()

    kept.erasing.complete()

    assert registry.erasures.pending() == []
    _is_as_if_never(kept, product, jobs, never)
    noted = registry.audit_log()[0]
    assert (noted.action, noted.detail["clients"], noted.detail["records"]) == ("clients.erase", 1, 4)
    # What was found before it broke off is what was removed.
    assert [(one.clients, one.records) for one in registry.erasures.of(product)] == [(1, 4)]


def _breaks(*_: object) -> None:
    raise Broken


def _kind_of_file(_files: LocalFiles, key: FileKey) -> str:
    return "export" if key.stream == "exports" else "daily"


def _is_as_if_never(kept: Kept, product: int, jobs: list[ExportJob], never: object) -> None:
    registry = kept.registry
    named, plain, waits = jobs
    assert states(kept.store, product) == never
    assert registry.blocked_clients.among(product, [ERASED, STAYS]) == {ERASED}
    # No file of a day on which the client was, and no list: not by name, and not on the disk.
    left = {path.name for path in kept.folder.rglob(f"*/{product}/*")}
    assert left == {"customEvents_2031-06-12.csv.zip"}
    assert kept.files.local_path(key_of(named)) is None
    assert kept.files.local_path(key_of(plain)) is None
    user = plain.order.user_id or 0
    for gone in (named, waits):
        assert registry.export_jobs.get(product, user, gone.export_id) is None
    again = registry.export_jobs.get(product, user, plain.export_id)
    assert again is not None
    assert again.status is JobStatus.QUEUED
    assert {month for noted in registry.erasures.of(product) for month in noted.months} == {"203106"}
    kept.refresh(product)
    kept.export()
    made = registry.export_jobs.get(product, user, plain.export_id)
    assert made is not None
    # Links to the old name must not lead to the new file.
    assert made.file_name != plain.file_name
    files = {path.name for path in kept.folder.rglob(f"*/{product}/*")}
    assert files == {
        *(f"rawEvents_2031-06-{day}.csv.zip" for day in (11, 12)),
        "customEvents_2031-06-12.csv.zip",
        made.file_name,
    }


def test_an_erasure_that_broke_off_leaves_opt_outs_as_the_store_has_them(store: Store) -> None:
    """The writer remembers who has opted out: still, where nothing was erased; no more, where it was."""
    eraser = store.eraser

    def erases(product: int) -> None:
        eraser.erase(product, [ERASED])

    def does_nothing(_product: int) -> None:
        return

    works: list[tuple[Callable[[int], None], list[int]]] = [(erases, []), (does_nothing, [0])]
    for work, opted_out in works:
        product = store.new_product()
        store.writer.append(batch(product, ERASED, {"seq": 1, "type": "opt_out"})).result(30)
        with suppress(Broken), store.writer.paused():
            work(product)
            raise Broken
        assert store.writer.append(batch(product, ERASED, {"seq": 2})).result(30).opted_out == opted_out
