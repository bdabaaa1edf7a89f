"""Export jobs when clients are erased: made again without them, or forgotten where their request names one."""

from dataclasses import replace
from pathlib import Path

import pytest

from odometer.accounts.export_jobs import MAX_ATTEMPTS
from odometer.clock import DAY_MS
from odometer.exports.jobs import Progress, key_of, make_again
from odometer.model.export_job import ExportOrder, JobStatus
from tests.exports.jobs import PRODUCT, SHA256_OF_ABC, JobWorld, writes_abc


def erased(world: JobWorld, *clients: str) -> int:
    """As an erasure does it; how many files are made again."""
    return make_again(world.registry.export_jobs, world.files, PRODUCT, clients)


def test_files_are_made_again_when_clients_are_erased(world: JobWorld) -> None:
    """Done ones and those that wait are queued, and a file comes back by another name; other products keep theirs."""
    done = world.ask()
    elsewhere = world.registry.export_jobs.request(replace(world.order, product_id=PRODUCT + 1), at_most=3)
    world.run(writes_abc)
    waits = world.ask('{"fileFormat": "csv"}')
    world.clock.ms += 1000

    assert erased(world, "client-01") == 1

    assert world.files.local_path(key_of(done)) is None
    again = world.now(done)
    assert (again.status, again.clients_written, again.clients_total) == (JobStatus.QUEUED, 0, None)
    assert world.registry.export_jobs.finished(PRODUCT, world.order.user_id or 0) == []
    assert len(world.registry.export_jobs.finished(PRODUCT + 1, world.order.user_id or 0)) == 1

    def writes_d(_order: ExportOrder, path: Path, _progress: Progress) -> int:
        path.write_bytes(b"d")
        return 1

    world.run(writes_d)
    finished = world.now(done)
    assert (finished.status, finished.file_size) == (JobStatus.DONE, 1)
    # Links to the file that held the clients must not lead to this one.
    assert finished.file_name != done.file_name
    assert finished.file_name.startswith(done.file_name.removesuffix(".jsonl.gz"))
    assert finished.file_name.endswith(".jsonl.gz")
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
def test_what_is_being_written_is_not_published_with_erased_clients(world: JobWorld, *, names: bool) -> None:
    """It is written once more, or forgotten where its request names one; no file shows in between."""
    job = world.ask('{"globalFilters": {"clientId": {"value": "client-01"}}}' if names else "{}")
    written: list[bytes] = []
    attempts: list[int] = []

    def write(_order: ExportOrder, path: Path, progress: Progress) -> int:
        content = b"again" if written else b"with client-01"
        path.write_bytes(content)
        if not written:
            erased(world, "client-01")
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


def test_an_erasure_at_the_last_moment_takes_the_file_back(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is there, the note is not: `finish` says that it is not wanted."""
    job = world.ask()
    jobs = world.registry.export_jobs
    original, contents = type(jobs).finish, iter([b"old", b"new"])

    def finish(self: object, *figures: object) -> bool:
        if next(iter_once, False):
            erased(world, "client-01")
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
def test_jobs_that_name_an_erased_client_are_forgotten_with_their_files(world: JobWorld, status: JobStatus) -> None:
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
            world.files.delete(key_of(job))
            jobs.expired(job.export_id)
    assert world.now(job).status == status

    erased(world, "client-99", "client-01")

    assert world.files.local_path(key_of(job)) is None
    assert jobs.claim() is None
    assert jobs.get(PRODUCT, world.order.user_id or 0, job.export_id) is None
    # The same can be asked for anew.
    assert world.ask(named).status == JobStatus.QUEUED


def test_notes_on_a_job_that_does_not_run_any_more_change_nothing(world: JobWorld) -> None:
    job = world.ask()
    jobs = world.registry.export_jobs
    jobs.claim()
    erased(world, "client-01")
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


def test_files_that_were_made_again_often_are_not_taken_for_what_kills_servers(world: JobWorld) -> None:
    job = world.ask()
    for _ in range(MAX_ATTEMPTS + 1):
        world.run(writes_abc)
        erased(world, "client-01")
    world.registry.export_jobs.claim()

    world.registry.export_jobs.put_back_interrupted()

    assert world.now(job).status == JobStatus.QUEUED


def test_only_jobs_that_ask_for_the_client_by_its_id_are_forgotten(world: JobWorld) -> None:
    """Words of a request, longer ids and other values are no ids of clients."""
    jobs = [
        world.ask('{"properties": ["prodVersion"], "globalFilters": {"clientId": {"value": "client-010"}}}', 9),
        world.ask('{"globalFilters": {"C01": {"value": "client-01"}}}', 9),
    ]
    world.run(writes_abc)

    assert erased(world, "properties", "globalFilters", "client-01", "prodVersion", "clientId") == 2

    assert {world.now(job).status for job in jobs} == {JobStatus.QUEUED}


def test_a_file_that_cannot_be_deleted_keeps_its_name(world: JobWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fetches the file, nor writes it anew, before it is gone: repeating finds it by its name."""
    job = world.ask()
    world.run(writes_abc)
    with monkeypatch.context() as broken:
        broken.setattr(type(world.files), "delete", _cannot)
        with pytest.raises(OSError, match="busy"):
            erased(world, "client-01")
    world.run(writes_abc)
    assert world.now(job).file_name == job.file_name

    assert erased(world, "client-01") == 1

    assert world.files.local_path(key_of(job)) is None


def _cannot(*_: object) -> None:
    raise OSError("busy")
