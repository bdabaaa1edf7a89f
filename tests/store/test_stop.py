"""Stopping a job: its running query ends in the engine, and its further ones never begin."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from odometer.errors import Problem
from odometer.store.engine import Job, working_on
from tests.conftest import Store

_ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1 SETTINGS max_threads = 1"
_RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%' AND query NOT LIKE '%processes%'"


class Asking(threading.Thread):
    """Asks the endless question as a job."""

    def __init__(self, store: Store, job: Job, timeout_s: float | None) -> None:
        super().__init__(daemon=True)
        self._store, self._job, self._timeout_s = store, job, timeout_s
        self.problem: Problem | None = None

    def run(self) -> None:
        with working_on(self._job):
            try:
                self._store.engine.rows(_ENDLESS, timeout_s=self._timeout_s)
            except Problem as problem:
                self.problem = problem


def _wait_until(store: Store, count: int) -> None:
    for _ in range(200):
        if store.engine.rows(_RUNNING)[0][0] == count:
            return
        time.sleep(0.05)
    pytest.fail(f"never were {count} endless queries running")


def test_a_stopped_job_ends_in_the_engine_and_asks_no_more(store: Store) -> None:
    job, other = Job(), Job()
    asking, going_on = Asking(store, job, None), Asking(store, other, None)
    asking.start()
    going_on.start()
    _wait_until(store, 2)

    store.questions.stop(job)

    asking.join(20)
    assert asking.problem is not None
    assert asking.problem.code == "QUERY_TIMEOUT"
    _wait_until(store, 1)
    with working_on(job), pytest.raises(Problem, match="longer than it may"):
        store.engine.rows("SELECT 1")
    store.questions.stop(other)
    going_on.join(20)
    assert going_on.problem is not None
    _wait_until(store, 0)
    assert store.engine.rows("SELECT 1") == [(1,)]


def test_a_query_over_its_time_ends_in_the_engine(store: Store) -> None:
    asking = Asking(store, Job(), timeout_s=0.3)
    asking.start()
    asking.join(20)

    assert asking.problem is not None
    assert (asking.problem.code, asking.problem.status) == ("QUERY_TIMEOUT", 503)
    _wait_until(store, 0)


def test_stopping_what_has_ended_is_harmless(store: Store) -> None:
    job = Job()
    with working_on(job):
        assert store.engine.rows("SELECT 2") == [(2,)]

    store.questions.stop(job)
    store.questions.stop(job)


def test_a_query_that_needs_too_much_memory_is_refused_and_the_next_one_is_answered(tmp_path: Path) -> None:
    """In a process of its own: an embedded engine opens one folder in a process."""
    script = f"""
from odometer.errors import Problem
from odometer.store.engine import Engine
engine = Engine("chdb://{tmp_path}/analytics", handles=1, report_memory_mib=64)
try:
    engine.rows("SELECT length(groupArray(toString(number))) FROM numbers(20000000)", timeout_s=60)
except Problem as problem:
    print(problem.code, problem.message)
print(engine.rows("SELECT count() FROM numbers(1000)", timeout_s=60))
engine.close()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.startswith("QUERY_TIMEOUT The report needs more memory")
    assert done.stdout.endswith("[(1000,)]\n")
