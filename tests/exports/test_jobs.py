"""Export jobs over a real registry and real files: one at a time, each to a complete file or to a clear failure."""

import datetime as dt
import errno
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from odometer.accounts.export_jobs import MAX_ATTEMPTS, ExportJobs
from odometer.clock import DAY_MS
from odometer.errors import Problem
from odometer.exports.files import LocalFiles
from odometer.exports.jobs import ExportDuty, Progress, key_of
from odometer.exports.worker import Stopped, Worker
from odometer.model.export_job import ExportOrder, JobStatus
from tests.exports.jobs import PRODUCT, SHA256_OF_ABC, JobWorld, writes_abc


def test_a_job_becomes_a_file(world: JobWorld) -> None:
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


def test_progress_shows_while_it_runs(world: JobWorld) -> None:
    job = world.ask()
    seen = []

    def write(_order: ExportOrder, path: Path, progress: Progress) -> int:
        progress(20, 50)
        seen.append(world.now(job))
        return writes_abc(_order, path, progress)

    world.run(write)

    assert [(one.status, one.clients_written, one.clients_total) for one in seen] == [(JobStatus.RUNNING, 20, 50)]


def test_an_identical_order_is_one_job_while_it_waits_or_runs(world: JobWorld) -> None:
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


def test_a_user_has_so_many_jobs_at_a_time(world: JobWorld) -> None:
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
def test_a_failure_is_told_and_leaves_no_file(world: JobWorld, error: Exception, told: str) -> None:
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


def test_a_stopped_job_waits_and_is_run_anew(world: JobWorld) -> None:
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


def test_a_job_whose_server_died_is_run_anew_but_not_for_ever(world: JobWorld) -> None:
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
    assert failed.status == JobStatus.FAILED
    assert failed.error is not None
    assert failed.error.startswith("The server stopped 3 times while it wrote this file, which is not tried again")
    assert failed.error.endswith("such as a lack of memory.")
    assert jobs.claim() is None


def test_files_go_after_7_days_and_are_forgotten_later(world: JobWorld) -> None:
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


def test_jobs_belong_to_their_user(world: JobWorld) -> None:
    job = world.ask()
    other = world.registry.users.add("bob@example.com", "correct horse battery", display_name="Bob").user_id
    world.run(writes_abc)

    assert world.registry.export_jobs.get(PRODUCT, other, job.export_id) is None
    assert world.registry.export_jobs.get(PRODUCT + 1, world.order.user_id or 0, job.export_id) is None
    assert world.registry.export_jobs.finished(PRODUCT, other) == []
    assert replace(world.order, user_id=other) != world.order
    others = world.registry.export_jobs.request(replace(world.order, user_id=other), at_most=1)
    assert others.export_id != job.export_id


def test_the_worker_runs_what_it_is_woken_for(world: JobWorld) -> None:
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


def test_a_file_that_cannot_be_removed_holds_up_nobody(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_job_that_could_not_be_noted_as_done_leaves_no_file(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    job = world.ask()

    def fails(*_: object) -> None:
        raise OSError("the registry is away")

    with monkeypatch.context() as patched:
        patched.setattr(type(world.registry.export_jobs), "finish", fails)
        world.run(writes_abc)

    assert world.now(job).status is JobStatus.FAILED
    assert world.files.local_path(key_of(job)) is None


def test_a_failure_that_could_not_be_noted_is_noted_later(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk neither the file nor the book can be written; the job must not seem to run for ever."""
    job = world.ask()
    jobs = world.registry.export_jobs
    really = type(jobs).fail
    is_full = True

    def fail(self: ExportJobs, export_id: str, error: str) -> None:
        if is_full:
            raise Problem("STORE_UNAVAILABLE", "The registry does not answer at the moment.")
        really(self, export_id, error)

    def write(_order: ExportOrder, _path: Path, _progress: Progress) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ExportJobs, "fail", fail)
    duty = ExportDuty(jobs, world.files, write, 7)
    with pytest.raises(Problem):
        duty(threading.Event())
    assert world.now(job).status == JobStatus.RUNNING

    is_full = False
    duty(threading.Event())

    failed = world.now(job)
    assert (failed.status, failed.error) == (JobStatus.FAILED, "The server has no space left for the file.")
