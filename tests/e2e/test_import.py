"""An import that is ended from outside says what it kept, and leaves no process behind."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.process import ODOMETER, Installation

LINE = '{"clientId": "client-%05d", "type": "client_day", "day": "2031-05-13"}\n'


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data", today="2031-06-20")


def children(pid: int) -> set[int]:
    """Processes that a process started, and that those started."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == pid:
                child = int(stat.parent.name)
                found |= {child, *children(child)}
    return found


def still_alive(pids: set[int]) -> set[int]:
    """Those that run after ten seconds."""
    for _ in range(100):
        if not alive(pids):
            break
        time.sleep(0.1)
    return alive(pids)


def alive(pids: set[int]) -> set[int]:
    """Those that run; one that ended and was not waited for does not."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            found |= {pid} if state != "Z" else set()
    return found


@contextlib.contextmanager
def importing(installation: Installation) -> Iterator[tuple[subprocess.Popen[bytes], set[int]]]:
    """An import that reads a pipe which never ends, once its workers have worked; and those workers."""
    with subprocess.Popen(
        [ODOMETER, "import", "-", "--product", str(installation.product), "--json"],
        env=installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        try:
            # More than is encoded ahead, and than one step of storing takes.
            for part in range(8):
                process.stdin.write(b"".join((LINE % n).encode() for n in range(part * 40_000, (part + 1) * 40_000)))
            process.stdin.flush()
            time.sleep(3)
            yield process, children(process.pid)
        finally:
            process.kill()


@pytest.mark.e2e
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_import_says_what_it_kept(installation: Installation, how: signal.Signals, code: int) -> None:
    with importing(installation) as (process, workers):
        process.send_signal(how)
        out, _ = process.communicate(timeout=60)

    told = json.loads(out)
    assert process.returncode == code
    assert told["interrupted"] is True
    assert 0 < told["accepted"] <= 320_000
    assert still_alive(workers) == set()
    # The next command derives what was kept; the whole is imported again.
    body = {"startDate": "2031-05-13", "stopDate": "2031-05-13"}
    installation.start()
    installation.report_until({"new": told["accepted"], "active": told["accepted"], "lost": 0}, **body)
    installation.stop()


@pytest.mark.e2e
def test_workers_end_with_an_import_that_is_killed(installation: Installation) -> None:
    with importing(installation) as (process, workers):
        assert len(workers) >= 2
        process.kill()
        process.wait(10)

        assert still_alive(workers) == set()
