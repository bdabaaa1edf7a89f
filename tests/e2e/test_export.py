"""A server killed in the middle of an export leaves no half file, and makes the whole one after its restart."""

import hashlib
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyarrow import parquet

from tests.e2e.process import Installation

CLIENTS = 15_000  # about half a second of writing


def write_history(path: Path) -> None:
    record = {"type": "client_day", "day": "2031-05-20", "set": {"prodVersion": "1", "ram": 8192, "C01": "a"}}
    lines = (json.dumps({**record, "clientId": f"client-{n:06}"}) for n in range(CLIENTS))
    path.write_text("\n".join(lines))


@pytest.mark.e2e
def test_a_killed_export_is_made_whole_by_the_next_server(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data", today="2031-05-20")
    write_history(tmp_path / "history.ndjson")
    product = installation.product
    installation.run("import", str(tmp_path / "history.ndjson"), "--product", str(product))
    output = tmp_path / "by-command.parquet"
    said = installation.run(
        "export", "--product", str(product), "--format", "parquet", "--output", str(output), "--json"
    )
    assert json.loads(said) == {"file": str(output), "clients": CLIENTS}

    def call(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {installation.token}"}
        return httpx2.request(method, f"{installation.url}{path}", json=body, headers=headers, timeout=20).json()

    def status(wanted: str) -> Any:
        for _ in range(2_000):
            found = call("GET", f"/v3/export/status/{product}/{asked['exportId']}")["result"]
            if found["status"] == wanted:
                return found
            time.sleep(0.005)
        raise AssertionError(f"it never was {wanted}: {found}")

    installation.start()
    body = {"fileFormat": "parquet"}
    asked = call("POST", f"/v3/export/request/clientPropertyList/{product}", body)["result"]
    status("running")
    installation.stop(signal.SIGKILL)

    files = tmp_path / "data" / "files"
    assert [path for path in files.rglob("*.parquet") if path.is_file()] == []
    assert len(list((files / ".aside").iterdir())) == 1  # it was being written

    installation.start()
    done = status("done")
    assert done["clientsWritten"] == CLIENTS
    listed = call("GET", f"/v3/export/listFiles/{product}")["fileList"]
    link = call("POST", f"/v3/export/getDownloadUrl/{product}", {"fileName": asked["fileName"]})["downloadUrl"]
    content = httpx2.get(link, timeout=20).content
    assert hashlib.sha256(content).hexdigest() == listed[0]["sha256"]
    (tmp_path / "export.parquet").write_bytes(content)
    assert parquet.read_table(tmp_path / "export.parquet").equals(parquet.read_table(output))
    assert list((files / ".aside").iterdir()) == []
    installation.stop()
