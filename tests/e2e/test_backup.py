"""Backups of a running server: of one moment, whole or not there, and as good as what was backed up."""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.process import ODOMETER, Installation
from tests.e2e.test_durability import BATCH, Sender, stored_events

TODAY = "2031-05-20"


def batch(client: str, first: int = 1, count: int = 5) -> dict[str, Any]:
    event = {"type": "event", "at": f"{TODAY}T10:00:00Z", "category": "Edit", "name": "Crop"}
    return {"clientId": client, "records": [{**event, "seq": seq} for seq in range(first, first + count)]}


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Twenty clients."""
    installation = Installation(tmp_path_factory.mktemp("untouched") / "data", today=TODAY)
    installation.start()
    for number in range(20):
        installation.send(batch(f"client-{number:02}"))
    installation.stop()
    return installation


@pytest.fixture
def stopped(untouched: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of its own for each test."""
    with untouched.copied_to(tmp_path) as copied:
        yield copied


@pytest.fixture
def running(stopped: Installation) -> Installation:
    """The same, serving."""
    stopped.start()
    return stopped


@pytest.fixture(scope="module")
def backups(untouched: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one backup of it lies."""
    place = tmp_path_factory.mktemp("backups")
    untouched.run("backup", str(place))
    return place


def restored(installation: Installation, source: Path | str, folder: Path) -> Path:
    """The backup in another folder, which the installation's commands and servers use from now on."""
    installation.environment["ODOMETER_DATA"] = str(folder)
    installation.run("restore", str(source))
    return folder


def has_part_since(place: Path, moment_ns: int) -> bool:
    return any(path.stat().st_mtime_ns >= moment_ns for path in place.glob("parts/*/*.tar"))


def keys(installation: Installation, place: Path | str) -> list[str]:
    return [one["backup"] for one in json.loads(installation.run("restore", str(place), "--list", "--json"))]


@pytest.mark.e2e
def test_what_was_acknowledged_before_is_in_it(running: Installation, tmp_path: Path) -> None:
    stop = threading.Event()
    senders = [Sender(running, number, stop) for number in range(3)]
    for sender in senders:
        sender.start()
    time.sleep(1)
    before = {sender.client: sender.acknowledged for sender in senders}
    running.run("backup", str(tmp_path / "backups"))
    # What is being sent as the backup ends may be in it without an answer yet.
    after = {sender.client: sender.acknowledged + BATCH for sender in senders}
    stop.set()
    for sender in senders:
        sender.join(60)
    running.stop()

    running.run("restore", str(tmp_path / "backups"), "--verify")
    folder = restored(running, tmp_path / "backups", tmp_path / "again")

    running.start()
    running.report_until({"new": 23, "active": 23, "lost": 0}, startDate="NOW", stopDate="NOW")
    running.stop()
    found = stored_events(folder)
    assert all(before[client] <= found[client][0] <= after[client] for client in before), (before, found, after)
    assert all(count % BATCH == 0 for client, (count, _) in found.items() if client in before)
    assert all(records == derived for records, derived in found.values())


@pytest.mark.e2e
def test_what_lies_there_already_is_not_copied_again(stopped: Installation, tmp_path: Path) -> None:
    running, place = stopped, tmp_path / "backups"
    first = json.loads(running.run("backup", str(place), "--json"))["backup"]
    before = {path: path.stat().st_ino for path in (place / "parts").rglob("*.tar")}
    second = json.loads(running.run("backup", str(place), "--json"))["backup"]
    after = {path: path.stat().st_ino for path in (place / "parts").rglob("*.tar")}
    assert keys(running, place) == [first, second]
    # Merging goes on between two openings; what it left alone is the same file.
    records = {path for path in before if path.parent.name == "records"}
    assert records
    assert {path: after.get(path) for path in records} == {path: before[path] for path in records}

    running.run("restore", str(place), "--verify", "--at", first)
    running.run("backup", str(place), "--keep", "1")
    (left,) = keys(running, place)
    assert left not in (first, second)
    assert len(list((place / "registry").iterdir())) == 1
    running.run("restore", str(place), "--verify")


@pytest.mark.e2e
def test_a_kill_in_the_middle_leaves_no_backup_that_looks_complete(running: Installation, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    moments = random.Random(20310520)
    in_the_middle = 0
    for number in range(8):
        running.send(batch(f"client-killed-{number}"))
        command = subprocess.Popen(
            [ODOMETER, "backup", str(place)],
            env=running.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if number % 2:
            begun_ns = time.time_ns()
            while command.poll() is None and not has_part_since(place, begun_ns):
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 0.02))
        else:
            time.sleep(moments.uniform(0.3, 1.2))
        command.kill()
        in_the_middle += command.wait() == -signal.SIGKILL and number % 2
    assert in_the_middle >= 2, "no kill came between the first part and the end"
    for key in keys(running, place):
        running.run("restore", str(place), "--verify", "--at", key)
    # The server gave up what nobody wanted any more, and hands out the next snapshot.
    running.run("backup", str(place))
    running.run("restore", str(place), "--verify")
    for _ in range(50):
        if not list((tmp_path / "data" / "analytics" / "chdb" / "shadow").glob("odometer_backup")):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the snapshot is still there")


@pytest.mark.e2e
def test_a_restore_that_was_killed_is_no_data_folder(stopped: Installation, backups: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    stopped.environment["ODOMETER_DATA"] = str(again)
    (again / ".restoring").mkdir(parents=True)
    assert "restore" in stopped.run("user", "list", expect=1)
    assert "restore" in stopped.run("serve", expect=1)
    stopped.run("restore", str(backups))
    stopped.run("user", "list")
    # Between two renames: what was found whole is not done over, nor in the way.
    (key,) = keys(stopped, backups)
    (again / ".restoring").mkdir()
    (again / ".restoring" / "whole").write_text(key)
    (again / "registry.sqlite").rename(again / ".restoring" / "registry.sqlite")
    assert "restore" in stopped.run("user", "list", expect=1)
    stopped.run("restore", str(backups))
    stopped.run("user", "list")
    assert {path.name for path in again.iterdir()} >= {"analytics", "registry.sqlite", "store.json"}
    assert not (again / ".restoring").exists()


@pytest.mark.e2e
@pytest.mark.parametrize("harm", ["cut", "gone", "exchanged"])
def test_a_damaged_backup_is_told(untouched: Installation, backups: Path, tmp_path: Path, harm: str) -> None:
    place = tmp_path / "backups"
    shutil.copytree(backups, place)
    part = sorted((place / "parts" / "records").iterdir())[0]
    if harm == "cut":
        os.truncate(part, part.stat().st_size - 512)
    elif harm == "gone":
        part.unlink()
    else:
        content = bytearray(part.read_bytes())
        content[2000] ^= 1
        part.write_bytes(content)
    said = untouched.run("restore", str(place), "--verify", expect=1)
    assert part.name in said.replace("\n", "")
    assert "Traceback" not in said


@pytest.mark.e2e
def test_only_an_empty_folder_is_restored_into(untouched: Installation, backups: Path, tmp_path: Path) -> None:
    said = untouched.run("restore", str(backups), expect=1)
    assert "not empty" in said
    assert "no complete backup" in untouched.run("restore", str(tmp_path / "nothing"), "--verify", expect=1)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.e2e
def test_erased_clients_are_not_in_later_backups(running: Installation, tmp_path: Path) -> None:
    answer = httpx2.post(
        f"{running.url}/admin/v1/products/{running.product}/clients/erase",
        json={"clientIds": ["client-03"]},
        headers={"Authorization": f"Bearer {running.token}"},
        timeout=30,
    )
    assert answer.status_code == 200
    running.run("backup", str(tmp_path / "backups"))
    running.stop()
    folder = restored(running, tmp_path / "backups", tmp_path / "again")
    assert sorted(stored_events(folder)) == [f"client-{number:02}" for number in range(20) if number != 3]


@pytest.mark.e2e
def test_finished_exports_are_made_again(running: Installation, tmp_path: Path) -> None:
    def export(path: str, body: Any = None) -> Any:
        return running.ask(f"/v3/export/{path}", body)["result"]

    def done(export_id: str) -> Any:
        for _ in range(200):
            found = export(f"status/*/{export_id}")
            if found["status"] == "done":
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    asked = export("request/clientPropertyList/*", {"fileFormat": "csv"})["exportId"]
    done(asked)
    running.run("backup", str(tmp_path / "backups"))
    running.stop()
    folder = restored(running, tmp_path / "backups", tmp_path / "again")
    assert not (folder / "files").exists()
    running.start()
    assert done(asked)["clientsWritten"] == 20
    assert len(list((folder / "files" / "exports").rglob("*.zip"))) == 1


@pytest.mark.e2e
def test_a_bucket_is_as_good_as_a_folder(running: Installation, tmp_path: Path) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        running.environment |= {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        place = "s3://backups/odometer"
        refused = running.run("backup", place, expect=1)
        assert "s3://backups/odometer" in refused
        assert httpx2.put(f"http://{host}:{port}/backups").status_code == 200
        running.run("backup", place)
        running.run("backup", place, "--keep", "1")
        assert len(keys(running, place)) == 1
        running.run("restore", place, "--verify")
        running.stop()
        restored(running, place, tmp_path / "again")
        running.start()
        running.report_until({"new": 20, "active": 20, "lost": 0}, startDate="NOW", stopDate="NOW")
        running.stop()
    finally:
        server.stop()
