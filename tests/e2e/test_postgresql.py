"""A server whose registry is a real PostgreSQL: accounts, keys, licenses, exports, and what a restart keeps."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.process import Installation

CLIENT = "7F3C09A1BB42D6E8"


@pytest.mark.e2e
def test_a_server_on_postgresql(tmp_path: Path, postgresql: Callable[[], str]) -> None:
    installation = Installation(tmp_path / "data", today="2031-06-20", registry=postgresql())
    installation.start()
    records = [
        {"seq": 1, "type": "heartbeat", "at": "2031-06-18T10:00:00Z"},
        {"seq": 2, "type": "license", "at": "2031-06-18T10:00:01Z", "key": "K-7F31-22"},
    ]
    try:
        assert installation.send({"clientId": CLIENT, "records": records})["accepted"] == 2
        installation.report_until({"new": 1, "active": 1, "lost": 0}, startDate="2031-06-01", stopDate="NOW")
        update = {"keyUpdates": [{"licenseKey": "K-1", "installQuota": 3}]}
        assert installation.ask("/v3/license-key-registry/update/*", update)["result"]["inserted"] == 1
        erased = installation.ask(
            f"/admin/v1/products/{installation.product}/clients/erase", {"clientIds": [CLIENT], "block": True}
        )
        again = installation.send({"clientId": CLIENT, "records": [{**records[0], "seq": 3}]})
    finally:
        installation.stop()
    # The fixed day is what it finds.
    findings = {one["subject"]: one for one in json.loads(installation.run("doctor", "--json", expect=1))}
    installation.start()
    installation.report_until({"new": 0, "active": 0, "lost": 0}, startDate="2031-06-01", stopDate="NOW")
    keys = installation.ask("/v3/license-key-registry/*", {})["result"]
    installation.stop()

    assert erased["result"]["blocked"] == [CLIENT]
    assert (again["accepted"], again["disabled"]) == (0, True)
    assert "K-1" in [key["licenseKey"] for key in keys]
    assert [name for name, one in findings.items() if not one["ok"]] == ["clock"]
