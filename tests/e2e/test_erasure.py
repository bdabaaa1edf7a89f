"""A real server erases a client: nothing of it is left in answers, files, links, logs or bytes of the data folder."""

import gzip
import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pyarrow import parquet

from tests.e2e.process import Installation

GONE = "erase-me-7F3C09A1"
STAYS = "other-client-0001"
# What only the erased client ever said.
MARKS = (GONE, "MarkMachine", "MarkText", "MarkMessage", "MarkData", "MarkValue", "MarkEvent", "MarkSession")
AT = "2031-06-20T10:00:00Z"
DAYS = ("2031-06-10", "2031-06-18")
RANGE = {"startDate": "2031-06-01", "stopDate": "2031-06-20"}
_IN_ENGINE = """
import sys
from odometer.store.engine import DATABASE, Engine
engine = Engine(sys.argv[1])
for (table,) in engine.rows("SELECT name FROM system.tables WHERE database = {d:String}", {"d": DATABASE}):
    for mark in sys.argv[2:]:
        held = engine.rows(
            f"SELECT count() FROM {DATABASE}.{table} WHERE position(formatRow('JSONEachRow', *), {{mark:String}}) > 0 "
            "SETTINGS apply_deleted_mask = 0, apply_mutations_on_fly = 0", {"mark": mark})
        if held[0][0]:
            print(table, mark)
old = engine.rows("SELECT count() FROM system.parts WHERE database = {d:String} AND NOT active", {"d": DATABASE})
print("old parts", old[0][0])
engine.close()
"""


def history(client: str, *, marks: bool) -> Iterator[dict[str, Any]]:
    """Records of every kind on two finished days."""
    said = (lambda mark: mark) if marks else (lambda _mark: "plain text")
    seq = 0
    for day in DAYS:
        records: list[dict[str, Any]] = [
            {"type": "properties", "set": {"prodVersion": "3.1", "C04": said("MarkValue")}},
            {"type": "event", "category": "Edit", "name": said("MarkEvent"), "text": said("MarkText")},
            {"type": "event", "category": "Edit", "name": "Crop", "sessionId": f"{said('MarkSession')}-000001"},
            {"type": "custom_event", "name": "Buy", "data": [["sku", said("MarkData")]]},
            {
                "type": "exception",
                "className": "ValueError",
                "methodName": "save",
                "message": said("MarkMessage"),
                "stackTrace": "at save",
            },
        ]
        for record in records:
            seq += 1
            yield {"clientId": client, "machineId": said("MarkMachine"), "seq": seq, "at": f"{day}T10:00:00Z", **record}


def until(is_so: Callable[[], Any], seconds: float) -> Any:
    """What the condition gives as soon as that is true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := is_so():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come true")


def contents(path: Path) -> bytes:
    """The bytes of a file, and what they are when they are unpacked."""
    held = path.read_bytes()
    if path.suffix == ".gz":
        return held + gzip.decompress(held)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(held)) as archive:
            return held + b"".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".parquet":
        return held + json.dumps(parquet.read_table(path).to_pylist(), default=str).encode()
    return held


def traces(*places: Path) -> dict[str, set[str]]:
    """Which marks are in which files; names of files and folders count too."""
    found: dict[str, set[str]] = {}
    for path in (path for place in places for path in (place, *place.rglob("*"))):
        held = (contents(path) if path.is_file() else b"") + str(path).encode()
        if marks := {mark for mark in MARKS if mark.encode() in held}:
            found[str(path)] = marks
    return found


def in_engine(folder: Path) -> list[str]:
    """The same of the engine's tables as it reads them, rows that no answer shows included."""
    script = [sys.executable, "-c", _IN_ENGINE, f"chdb://{folder}/analytics", *MARKS]
    return subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()


def links(installation: Installation) -> dict[str, str]:
    """Links to all daily files, and to the export once it is done."""
    found = {}
    for path in ("customEventTracking", "exceptionTracking", "rawEvents/download", "export"):
        for file in installation.ask(f"/v3/{path}/listFiles/*")["fileList"]:
            body = {"fileName": file["fileName"]}
            found[file["fileName"]] = installation.ask(f"/v3/{path}/getDownloadUrl/*", body)["downloadUrl"]
    return found


def filled(data: Path, folder: Path) -> Installation:
    """A running server that has two clients, one of them opted out, and makes daily files and two exports."""
    installation = Installation(data, today="2031-06-20")
    installation.run("product", "set", str(installation.product), "rawExportFormats=csv,parquet")
    whole = [*history(STAYS, marks=False), *history(GONE, marks=True)]
    (folder / "history.ndjson").write_text("".join(f"{json.dumps(record)}\n" for record in whole))
    product = ("--product", str(installation.product))
    installation.run("import", str(folder / "history.ndjson"), *product, "--rejected", str(folder / "rejected"))
    assert {mark for line in in_engine(data) for mark in line.split()[1:]} >= set(MARKS)
    installation.start()
    opts = [{"seq": 90, "type": "heartbeat", "at": AT}, {"seq": 91, "type": "opt_out", "at": AT}]
    installation.send({"clientId": GONE, "records": opts})
    named = {"globalFilters": {"clientId": {"type": "string", "value": GONE}}, "properties": ["C04"]}
    installation.ask("/v3/export/request/clientPropertyList/*", named)
    installation.ask("/v3/export/request/clientPropertyList/*", {"fileFormat": "jsonl"})
    return installation


@pytest.mark.e2e
def test_nothing_is_left_of_an_erased_client(tmp_path: Path) -> None:
    data = tmp_path / "data"
    installation = filled(data, tmp_path)
    before = until(lambda: found if len(found := links(installation)) == 10 else None, 60)
    assert all(httpx2.get(link).status_code == 200 for link in before.values())
    assert len(installation.ask("/admin/v1/products/*/clients/export", {"clientId": GONE})["records"]) == 12
    assert {mark for marks in traces(data).values() for mark in marks} == set(MARKS)
    installation.report_until({"new": 2, "active": 2, "lost": 0}, **RANGE)

    body = {"clientIds": [GONE], "block": True}
    receipt = installation.ask("/admin/v1/products/*/clients/erase", body)["result"]

    removed = {"clientId": GONE, "records": 12, "activeDays": 3}
    assert receipt["removed"][0] == removed | {"dateInstalled": "2031-06-10", "dateLastSeen": "2031-06-20"}
    assert (receipt["clients"], receipt["exportsMadeAgain"], receipt["blocked"]) == (1, 1, [GONE])
    assert sorted(receipt["filesRemoved"]) == sorted(name for name in before if "clientPropertyList" not in name)
    assert {name for name, link in before.items() if httpx2.get(link).status_code != 404} == set()
    assert installation.report(**RANGE) == {"new": 1, "active": 1, "lost": 0}
    refused = installation.send({"clientId": GONE, "records": [{"seq": 92, "type": "heartbeat", "at": AT}]})
    assert (refused["accepted"], refused["disabled"], refused["rejected"][0]["code"]) == (0, True, "BLOCKED")

    def is_clean() -> bool:
        return bool(installation.ask("/admin/v1/products/*/clients/erasures")["result"][0]["cleanedUpAt"])

    until(is_clean, 420)
    again = until(lambda: [name for name in links(installation) if "clientPropertyList" in name], 60)
    assert len(again) == 1
    installation.stop()
    assert traces(data, installation.log) == {}
    assert in_engine(data) == ["old parts 0"]
    # The next server makes the files of these days again.
    installation.start()
    after = until(lambda: found if len(found := links(installation)) == 9 else None, 60)
    assert set(after) == {*receipt["filesRemoved"], *again}
    installation.stop()
    assert traces(data, installation.log) == {}
