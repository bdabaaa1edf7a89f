"""A world of export jobs for tests: a real registry with one user, real files, a clock that tests move."""

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from odometer.accounts import Registry, open_registry
from odometer.clock import Clock
from odometer.exports.files import LocalFiles
from odometer.exports.jobs import ExportDuty, Progress, WriteOrder
from odometer.model.export_job import ExportJob, ExportOrder

PRODUCT = 7
SHA256_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class Moved(Clock):
    """Stands where a test puts it."""

    ms = 1_900_000_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class JobWorld:
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
def world(tmp_path: Path) -> Iterator[JobWorld]:
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
    yield JobWorld(registry, LocalFiles(tmp_path / "files"), clock, order, tmp_path / "files")
    registry.close()
