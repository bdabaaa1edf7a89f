"""Export jobs over a real registry and real files: one at a time, each to a complete file or to a clear failure."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from odometer.accounts import Registry, open_registry
from odometer.accounts.export_jobs import MAX_ATTEMPTS
from odometer.clock import DAY_MS, Clock
from odometer.errors import Problem
from odometer.exports.files import LocalFiles
from odometer.exports.jobs import ExportDuty, Progress, WriteOrder, key_of
from odometer.exports.worker import Stopped, Worker
from odometer.model.export_job import ExportJob, ExportOrder, JobStatus

PRODUCT = 7
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class Moved(Clock):
    """Stands where a test puts it."""

    ms = 1_900_000_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class World:
    """A registry with one user, and a file store."""

    registry: Registry
    files: LocalFiles
    clock: Moved
    order: ExportOrder
    folder: Path

    def ask(self, request: str = "{}", at_most: int = 3) -> ExportJob:
        return self.registry.export_jobs.request(replace(self.order, request=request), at_most=at_most)

    def now(self, job: ExportJob) -> ExportJob:
        assert job.order.user_id is not None
        found = self.registry.export_jobs.get(PRODUCT, job.order.user_id, job.export_id)
        assert found is not None
        return found

    def run(self, write: WriteOrder, stopping: threading.Event | None = None) -> None:
        ExportDuty(self.registry.export_jobs, self.files, write, 7)(stopping or threading.Event())


def writes_abc(_order: ExportOrder, path: Path, progress: Progress) -> int:
    path.write_bytes(b"abc")
    progress(2, 2)
    return 2


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = Moved()
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=cheap)
    user = registry.users.add("ada@example.com", "correct horse battery", display_name="Ada")
    order = ExportOrder(
        product_id=PRODUCT,
        user_id=user.user_id,
        request="{}",
        today=dt.date(2031, 6, 20),
        ending=".jsonl.gz",
        has_license_keys=False,
    )
    yield World(registry, LocalFiles(tmp_path / "files"), clock, order, tmp_path / "files")
    registry.close()


def test_a_job_becomes_a_file(world: World) -> None:
    job = world.ask()
    assert job.status == JobStatus.QUEUED
    assert job.file_name == f"clientPropertyList_2031-06-20_{job.export_id}.jsonl.gz"

    world.run(writes_abc)

    done = world.now(job)
    assert (done.status, done.clients_written, done.clients_total) == (JobStatus.DONE, 2, 2)
    assert (done.file_size, done.sha256) == (3, SHA256_OF_ABC)
    path = world.files.local_path(key_of(done))
    assert path is not None
    assert path.read_bytes() == b"abc"


def test_progress_shows_while_it_runs(world: World) -> None:
    job = world.ask()
    seen = []

    def write(_order: ExportOrder, path: Path, progress: Progress) -> int:
        progress(20, 50)
        seen.append(world.now(job))
        return writes_abc(_order, path, progress)

    world.run(write)

    assert [(one.status, one.clients_written, one.clients_total) for one in seen] == [(JobStatus.RUNNING, 20, 50)]


def test_an_identical_order_is_one_job_while_it_waits_or_runs(world: World) -> None:
    first = world.ask('{"a": 1}')
    other_day = replace(world.order, request='{"a": 1}', today=dt.date(2031, 6, 21))
    seen = []

    def write(order: ExportOrder, path: Path, progress: Progress) -> int:
        seen.append(world.ask('{"a": 1}').export_id == first.export_id)
        return writes_abc(order, path, progress)

    assert world.ask('{"a": 1}').export_id == first.export_id
    assert world.ask('{"a": 2}').export_id != first.export_id
    assert world.registry.export_jobs.request(other_day, at_most=3).export_id != first.export_id
    world.run(write)
    assert seen[0]
    # It is done: asked again it is made again, from newer data.
    assert world.ask('{"a": 1}').export_id != first.export_id


def test_a_user_has_so_many_jobs_at_a_time(world: World) -> None:
    for n in range(3):
        world.ask(str(n))

    with pytest.raises(Problem) as refused:
        world.ask("3")

    assert (refused.value.status, refused.value.retry_after_s) == (429, 30)
    assert world.ask("2").status == JobStatus.QUEUED  # an identical one is no further one
    world.run(writes_abc)
    world.ask("3")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Problem("STORE_UNAVAILABLE", "The analytics store did not answer."), "The analytics store did not answer."),
        (OSError(28, "No space left on device", "/secret/path"), "The server has no space left for the file."),
        (ZeroDivisionError("/secret/path"), "Something went wrong on the server"),
    ],
)
def test_a_failure_is_told_and_leaves_no_file(world: World, error: Exception, told: str) -> None:
    job = world.ask()

    def write(_order: ExportOrder, path: Path, _progress: Progress) -> int:
        path.write_bytes(b"half")
        raise error

    world.run(write)

    failed = world.now(job)
    assert failed.status == JobStatus.FAILED
    assert told in str(failed.error)
    assert "secret" not in str(failed.error)
    assert world.files.local_path(key_of(job)) is None
    assert world.registry.export_jobs.finished(PRODUCT, world.order.user_id or 0) == []
    assert world.ask().export_id != job.export_id


def test_a_stopped_job_waits_and_is_run_anew(world: World) -> None:
    job = world.ask()
    stopping = threading.Event()

    def write(order: ExportOrder, path: Path, progress: Progress) -> int:
        path.write_bytes(b"half")
        stopping.set()
        return writes_abc(order, path, progress)

    with pytest.raises(Stopped):
        world.run(write, stopping)

    assert world.now(job).status == JobStatus.QUEUED
    assert world.files.local_path(key_of(job)) is None
    world.run(writes_abc)
    assert world.now(job).status == JobStatus.DONE


def test_a_job_whose_server_died_is_run_anew_but_not_for_ever(world: World) -> None:
    """A kill leaves the job running; the next server puts it back, until it seems to be what kills servers."""
    jobs = world.registry.export_jobs
    job = world.ask()
    for _ in range(MAX_ATTEMPTS - 1):
        assert jobs.claim() is not None
        jobs.put_back_interrupted()
        assert world.now(job).status == JobStatus.QUEUED
    assert jobs.claim() is not None
    jobs.put_back_interrupted()

    failed = world.now(job)
    assert (failed.status, failed.error) == (JobStatus.FAILED, "The server stopped 3 times while it wrote this file.")
    assert jobs.claim() is None


def test_files_go_after_7_days_and_are_forgotten_later(world: World) -> None:
    job = world.ask()
    world.run(writes_abc)
    world.clock.ms += 7 * DAY_MS - 1
    world.run(writes_abc)
    assert world.now(job).status == JobStatus.DONE

    world.clock.ms += 1
    world.run(writes_abc)

    assert world.now(job).status == JobStatus.EXPIRED
    assert world.files.local_path(key_of(job)) is None
    world.clock.ms += 30 * DAY_MS
    world.run(writes_abc)
    assert world.registry.export_jobs.get(PRODUCT, world.order.user_id or 0, job.export_id) is None


def test_jobs_belong_to_their_user(world: World) -> None:
    job = world.ask()
    other = world.registry.users.add("bob@example.com", "correct horse battery", display_name="Bob").user_id
    world.run(writes_abc)

    assert world.registry.export_jobs.get(PRODUCT, other, job.export_id) is None
    assert world.registry.export_jobs.get(PRODUCT + 1, world.order.user_id or 0, job.export_id) is None
    assert world.registry.export_jobs.finished(PRODUCT, other) == []
    assert replace(world.order, user_id=other) != world.order
    others = world.registry.export_jobs.request(replace(world.order, user_id=other), at_most=1)
    assert others.export_id != job.export_id


def test_the_worker_runs_what_it_is_woken_for(world: World) -> None:
    worker = Worker("test", ExportDuty(world.registry.export_jobs, world.files, writes_abc, 7), every_s=60)
    job = world.ask()
    worker.wake()
    for _ in range(500):
        if world.now(job).status == JobStatus.DONE:
            break
        time.sleep(0.01)
    worker.close()
    assert world.now(job).status == JobStatus.DONE


def test_the_worker_survives_a_duty_that_fails() -> None:
    done = threading.Event()
    tries = iter([ZeroDivisionError, None])

    def duty(_stopping: threading.Event) -> None:
        error = next(tries, None)
        if error is not None:
            raise error
        done.set()

    worker = Worker("test", duty, every_s=0.01)
    assert done.wait(10)
    worker.close()


def test_a_file_that_cannot_be_removed_holds_up_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket without the right to delete must not stop the queue; the file is tried again."""
    old = world.ask()
    world.run(writes_abc)
    world.clock.ms += 8 * DAY_MS
    waiting = world.ask("{2}")

    def fails(_files: LocalFiles, _key: object) -> None:
        raise Problem("STORE_UNAVAILABLE", "no", retry_after_s=5)

    with monkeypatch.context() as patched:
        patched.setattr(LocalFiles, "delete", fails)
        world.run(writes_abc)

    assert (world.now(old).status, world.now(waiting).status) == (JobStatus.DONE, JobStatus.DONE)
    world.run(writes_abc)
    assert world.now(old).status is JobStatus.EXPIRED
    assert world.files.local_path(key_of(old)) is None


def test_a_job_that_could_not_be_noted_as_done_leaves_no_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.ask()

    def fails(*_: object) -> None:
        raise OSError("the registry is away")

    with monkeypatch.context() as patched:
        patched.setattr(type(world.registry.export_jobs), "finish", fails)
        world.run(writes_abc)

    assert world.now(job).status is JobStatus.FAILED
    assert world.files.local_path(key_of(job)) is None


def test_files_are_made_again_when_clients_are_erased(world: World) -> None:
    """Done ones and those that wait are queued, and a file comes back under its name; other products keep theirs."""
    done = world.ask()
    elsewhere = world.registry.export_jobs.request(replace(world.order, product_id=PRODUCT + 1), at_most=3)
    world.run(writes_abc)
    waits = world.ask("waits")
    world.clock.ms += 1000

    withdrawn = world.registry.export_jobs.make_again(PRODUCT, ["client-01"])

    assert {job.export_id for job in withdrawn.files} == {done.export_id, waits.export_id}
    assert withdrawn.again == 1
    again = world.now(done)
    assert (again.status, again.clients_written, again.clients_total) == (JobStatus.QUEUED, 0, None)
    assert world.registry.export_jobs.finished(PRODUCT, world.order.user_id or 0) == []
    assert len(world.registry.export_jobs.finished(PRODUCT + 1, world.order.user_id or 0)) == 1

    def writes_d(_order: ExportOrder, path: Path, _progress: Progress) -> int:
        path.write_bytes(b"d")
        return 1

    world.run(writes_d)
    finished = world.now(done)
    assert (finished.status, finished.file_size, finished.file_name) == (JobStatus.DONE, 1, done.file_name)
    assert world.now(waits).status == JobStatus.DONE
    path = world.files.local_path(key_of(finished))
    assert path is not None
    assert path.read_bytes() == b"d"
    other = world.files.local_path(key_of(elsewhere))
    assert other is not None
    assert other.read_bytes() == b"abc"
    # It is kept as long as if it had just been asked for.
    world.clock.ms += 7 * DAY_MS - 1
    world.run(writes_abc)
    assert world.now(done).status == JobStatus.DONE


@pytest.mark.parametrize("names", [False, True])
def test_what_is_being_written_is_not_published_with_erased_clients(world: World, *, names: bool) -> None:
    """It is written once more, or forgotten where its request names one; no file shows in between."""
    job = world.ask('{"globalFilters": {"clientId": {"value": "client-01"}}}' if names else "{}")
    written: list[bytes] = []
    attempts: list[int] = []

    def write(_order: ExportOrder, path: Path, progress: Progress) -> int:
        content = b"again" if written else b"with client-01"
        path.write_bytes(content)
        if not written:
            world.registry.export_jobs.make_again(PRODUCT, ["client-01"])
            world.registry.export_jobs.forget_naming(PRODUCT, ["client-01"])
        else:
            attempts.append(len(list((world.folder / "exports").rglob("*.gz"))))
        written.append(content)
        progress(5, 9)
        return 1

    world.run(write)

    path = world.files.local_path(key_of(job))
    if names:
        assert (path, written) == (None, [b"with client-01"])
        with pytest.raises(AssertionError):
            world.now(job)
        return
    assert (written, attempts) == ([b"with client-01", b"again"], [0])
    assert path is not None
    assert path.read_bytes() == b"again"
    assert world.now(job).status == JobStatus.DONE


def test_an_erasure_at_the_last_moment_takes_the_file_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is there, the note is not: `finish` says that it is not wanted."""
    job = world.ask()
    jobs = world.registry.export_jobs
    original, contents = type(jobs).finish, iter([b"old", b"new"])

    def finish(self: object, *figures: object) -> bool:
        if next(iter_once, False):
            jobs.make_again(PRODUCT, ["client-01"])
        return original(self, *figures)  # type: ignore[arg-type]

    iter_once = iter([True])
    monkeypatch.setattr(type(jobs), "finish", finish)

    def write(_order: ExportOrder, path: Path, _progress: Progress) -> int:
        assert world.files.local_path(key_of(job)) is None
        path.write_bytes(next(contents))
        return 1

    world.run(write)

    path = world.files.local_path(key_of(job))
    assert path is not None
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("status", list(JobStatus))
def test_jobs_that_name_an_erased_client_are_forgotten_with_their_files(world: World, status: JobStatus) -> None:
    jobs = world.registry.export_jobs
    named = '{"globalFilters":{"clientId":{"type":"regex","value":"x|client-01.*"}}}'
    job = world.ask(named)
    if status is JobStatus.RUNNING:
        jobs.claim()
    elif status is JobStatus.FAILED:
        jobs.claim()
        jobs.fail(job.export_id, "no")
    elif status is not JobStatus.QUEUED:
        world.run(writes_abc)
        if status is JobStatus.EXPIRED:
            jobs.expired(job.export_id)
    assert world.now(job).status == status

    withdrawn = jobs.make_again(PRODUCT, ["client-99", "client-01"])

    assert ([one.export_id for one in withdrawn.files], withdrawn.again) == ([job.export_id], 0)
    assert jobs.finished(PRODUCT, world.order.user_id or 0) == []
    assert jobs.claim() is None
    # An erasure that broke off here finds it once more.
    assert [one.export_id for one in jobs.make_again(PRODUCT, ["client-01"]).files] == [job.export_id]
    jobs.forget_naming(PRODUCT, ["client-02"])
    world.now(job)
    jobs.forget_naming(PRODUCT, ["client-01"])
    assert jobs.get(PRODUCT, world.order.user_id or 0, job.export_id) is None
    # The same can be asked for anew.
    assert world.ask(named).status == JobStatus.QUEUED


def test_notes_on_a_job_that_does_not_run_any_more_change_nothing(world: World) -> None:
    job = world.ask()
    jobs = world.registry.export_jobs
    jobs.claim()
    jobs.make_again(PRODUCT, ["client-01"])
    before = world.now(job)

    jobs.progress(job.export_id, 5, 9)
    jobs.fail(job.export_id, "no")
    jobs.put_back(job.export_id)
    jobs.expired(job.export_id)

    assert not jobs.finish(job.export_id, 5, 5, SHA256_OF_ABC)
    assert world.now(job) == before
    assert before.status == JobStatus.QUEUED
    assert not jobs.finish("ex-000000000000", 5, 5, SHA256_OF_ABC)
    jobs.fail("ex-000000000000", "no")
    world.run(writes_abc)
    jobs.fail(job.export_id, "no")
    assert world.now(job).status == JobStatus.DONE


def test_files_that_were_made_again_often_are_not_taken_for_what_kills_servers(world: World) -> None:
    job = world.ask()
    for _ in range(MAX_ATTEMPTS + 1):
        world.run(writes_abc)
        world.registry.export_jobs.make_again(PRODUCT, ["client-01"])
    world.registry.export_jobs.claim()

    world.registry.export_jobs.put_back_interrupted()

    assert world.now(job).status == JobStatus.QUEUED
