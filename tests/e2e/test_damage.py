"""Records that are lost are told, by the server, by `doctor` and by commands; nothing goes on as if nothing were."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.process import Installation

CLIENTS = 200
EVENT = {"seq": 1, "type": "event", "at": "2031-06-20T10:00:00Z", "category": "Edit", "name": "Crop"}
MONTH = ("2031-04-10", "2031-05-10")


def truncated(part: Path) -> None:
    with (part / "data.bin").open("r+b") as file:
        file.truncate(500)


def removed(part: Path) -> None:
    shutil.rmtree(part)


def overwritten(part: Path) -> None:
    with (part / "data.bin").open("r+b") as file:
        file.seek(300)
        file.write(b"\xff" * 8)


def parts_of(folder: Path, table: str, month: str) -> list[Path]:
    """The folders of the table's parts of a month."""
    found = (folder / "analytics" / "chdb" / "data" / "odometer" / table).glob(f"{month}_*")
    parts = sorted(path.resolve() for path in found)
    assert parts
    assert all(path.is_relative_to(folder) for path in parts), "parts of another store"
    return parts


def erase(installation: Installation, *clients: str) -> httpx2.Response:
    return httpx2.post(
        f"{installation.url}/admin/v1/products/{installation.product}/clients/erase",
        json={"clientIds": clients, "block": True},
        headers={"Authorization": f"Bearer {installation.token}"},
        timeout=30,
    )


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """400 client days: those of April and of May are different clients."""
    folder = tmp_path_factory.mktemp("untouched")
    installation = Installation(folder / "data", today="2031-06-20")
    lines = [
        {"clientId": f"client-{month[5:7]}-{number:03}", "type": "client_day", "day": month}
        for month in MONTH
        for number in range(CLIENTS)
    ]
    file = folder / "history.ndjson"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    installation.run("import", str(file), "--product", str(installation.product))
    return installation


@pytest.fixture
def installation(untouched: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of its own for each test."""
    with untouched.copied_to(tmp_path) as copied:
        yield copied


def findings(installation: Installation, *, fine: bool) -> dict[str, Any]:
    printed = installation.run("doctor", "--json", expect=0 if fine else 1)
    return {one["subject"]: one for one in json.loads(printed) if one["subject"] not in ("clock", "memory", "disk")}


def wait_and_see(installation: Installation) -> httpx2.Response:
    """The answer of /readyz of a server that starts but does not become ready."""
    installation.start(status=503)
    return httpx2.get(f"{installation.url}/readyz", timeout=5)


@pytest.mark.e2e
@pytest.mark.parametrize("harm", [truncated, removed, overwritten])
def test_lost_records_are_told_until_they_are_accepted(
    installation: Installation, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    for part in parts_of(tmp_path / "data", "records", "203105"):
        harm(part)

    answer = wait_and_see(installation)

    assert answer.status_code == 503
    assert "records_lost" in answer.text
    assert "records_lost" in installation.log.read_text()
    # What the clients did is still known; nothing new is promised, for it would go when a backup comes back.
    assert installation.report(startDate="NOW-100", stopDate="NOW")["active"] == 2 * CLIENTS
    batch = {"clientId": "client-0001", "records": [EVENT]}
    refused = httpx2.post(
        f"{installation.url}/collect/v1/{installation.product}/batch",
        json=batch,
        headers={"Authorization": f"Bearer {installation.key}"},
    )
    assert refused.status_code == 503
    # It would be struck out of a ledger that has to tell what is missing.
    refused = erase(installation, "client-04-001")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    installation.stop()

    found = findings(installation, fine=False)
    assert "--accept-loss" in found["records"]["advice"]
    for words in (("rebuild",), ("export", "--product", str(installation.product))):
        assert "--accept-loss" in installation.run(*words, expect=1)
    installation.run("rebuild", "--accept-loss")

    findings_after = json.loads(installation.run("doctor", "--json", expect=1))
    assert [one["subject"] for one in findings_after if not one["ok"]] == ["clock"]
    installation.start()
    assert installation.report(startDate="NOW-100", stopDate="NOW")["active"] == CLIENTS
    assert installation.send(batch)["accepted"] == 1
    installation.stop()


def report_refused(installation: Installation) -> bool:
    """Whether a report is answered 503 in place of figures that could only be wrong."""
    asked = httpx2.post(
        f"{installation.url}/v3/reporting/generic/current/{installation.product}",
        json={"clientStatus": ["active"]},
        headers={"Authorization": f"Bearer {installation.token}"},
    )
    return asked.status_code == 503 and asked.json()["error"]["code"] == "STORE_UNAVAILABLE"


@pytest.mark.e2e
def test_a_store_that_is_gone_is_no_new_one(installation: Installation, tmp_path: Path) -> None:
    """Its disk is not mounted: the server would take new records, and they would be hidden when it is."""
    (tmp_path / "data" / "analytics").rename(tmp_path / "unmounted")

    assert "records_lost" in wait_and_see(installation).text
    assert "The analytics store of this installation is gone" in installation.log.read_text()
    assert report_refused(installation)
    installation.stop()
    assert "--accept-loss" in installation.run("rebuild", expect=1)

    shutil.rmtree(tmp_path / "data" / "analytics")
    (tmp_path / "unmounted").rename(tmp_path / "data" / "analytics")
    assert findings(installation, fine=False)["records"]["ok"]
    shutil.rmtree(tmp_path / "data" / "analytics")
    installation.run("rebuild", "--accept-loss")
    assert findings(installation, fine=False)["records"]["ok"]


@pytest.mark.e2e
def test_how_many_are_missing_is_told(installation: Installation, tmp_path: Path) -> None:
    for part in parts_of(tmp_path / "data", "records", "203105"):
        removed(part)
    found = findings(installation, fine=False)
    assert found["records"]["text"] == f"{CLIENTS} of {CLIENTS} records of 2031-05 are missing."


@pytest.mark.e2e
def test_lost_derived_rows_are_told_and_made_again(installation: Installation, tmp_path: Path) -> None:
    for part in parts_of(tmp_path / "data", "client_day", "203105"):
        removed(part)
    answer = wait_and_see(installation)
    assert "derived_damaged" in answer.text
    assert report_refused(installation)
    installation.stop()
    assert "odometer rebuild" in findings(installation, fine=False)["derived tables"]["advice"]
    # It is made all the same, for the records are whole, and says what it is of.
    backup = installation.run("backup", str(tmp_path / "backups"), expect=1)
    assert "Derived rows were damaged" in backup
    assert "Derived rows were damaged" in installation.run("restore", str(tmp_path / "backups"), "--verify", expect=1)

    installation.run("rebuild")

    installation.start()
    assert installation.report(startDate="NOW-100", stopDate="NOW")["active"] == 2 * CLIENTS
    installation.stop()


@pytest.mark.e2e
def test_kills_while_records_come_and_go_are_no_loss(installation: Installation) -> None:
    """Whichever moment the server dies at, the ledger and the records agree: `start` waits for /readyz."""
    for number in range(6):
        installation.start()
        for client in range(5):
            installation.send({"clientId": f"client-new-{number}-{client}", "records": [EVENT]})
        assert erase(installation, f"client-04-{number:03}", f"client-new-{number}-0").status_code == 200
        installation.stop(signal.SIGKILL)
    installation.start()
    assert installation.report(startDate="NOW-100", stopDate="NOW")["active"] == 2 * CLIENTS + 6 * 5 - 6 * 2
    installation.stop()
    findings_after = json.loads(installation.run("doctor", "--json", expect=1))
    assert [one["subject"] for one in findings_after if not one["ok"]] == ["clock"]
