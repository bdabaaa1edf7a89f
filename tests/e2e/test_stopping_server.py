"""A server that is told to stop leaves nothing behind; one that is killed takes its processes with it."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.process import Installation

pytestmark = pytest.mark.e2e


def processes_of(folder: Path) -> set[int]:
    """Every process that was begun for this data folder."""
    mark = f"ODOMETER_DATA={folder}".encode()
    found = set()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environment.read_bytes().split(b"\0"):
                found.add(int(environment.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def server(tmp_path: Path) -> Installation:
    """A server whose second process, for large batches, has begun."""
    installation = Installation(tmp_path / "data", today="2031-06-19")
    installation.start()
    record = {"type": "heartbeat", "at": "2031-06-18T10:00:00Z"}
    installation.send({"clientId": "client-0001", "records": [{"seq": n, **record} for n in range(1, 3000)]})
    return installation


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_server(server: Installation, tmp_path: Path, how: signal.Signals) -> None:
    assert len(processes_of(tmp_path / "data")) > 1

    server.stop(how)

    for _ in range(50):
        if not processes_of(tmp_path / "data"):
            break
        time.sleep(0.1)
    assert processes_of(tmp_path / "data") == set()


def test_sigterm_closes_everything_in_order(server: Installation, tmp_path: Path) -> None:
    assert server.process is not None
    process = server.process
    server.stop(signal.SIGTERM)

    assert process.returncode == 0
    (key,) = json.loads(server.run("product", "keys", str(server.product), "--json"))
    assert key["lastUsedAt"] is not None
    assert not list((tmp_path / "data").glob("*.sock"))
