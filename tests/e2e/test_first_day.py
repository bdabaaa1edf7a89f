"""What a new user does on the first day: import, restart, log in as a script does, ask, send one late record."""

import json
from pathlib import Path

import httpx2
import pytest

from tests.e2e.process import EMAIL, PASSWORD, Installation

# The worked example of chapter 03, with machines, countries and two events.
HISTORY = Path(__file__).parents[2] / "docs/examples/history.ndjson"
WEEKS = {"startDate": "2031-05-12", "stopDate": "2031-05-25", "dateSplit": "week", "daysUntilDeclaredLost": 30}
EXPECTED = {"2031-05-12": {"new": 3, "active": 4, "lost": 2}, "2031-05-19": {"new": 1, "active": 3, "lost": 1}}


def write_history(path: Path) -> None:
    """The history of the documentation, and a line that is broken."""
    path.write_text(HISTORY.read_text() + "this is no JSON\n")


@pytest.mark.e2e
def test_first_day(tmp_path: Path) -> None:
    """Import gives the worked example of chapter 03; restart, rebuild and re-import change nothing; late data does."""
    installation = Installation(tmp_path / "data", today="2031-06-20")
    history, rejected = tmp_path / "history.ndjson", tmp_path / "rejected.ndjson"
    write_history(history)
    importing = ("import", str(history), "--product", str(installation.product), "--rejected", str(rejected), "--json")

    first = json.loads(installation.run(*importing))
    again = json.loads(installation.run(*importing))

    assert (first["accepted"], first["duplicates"], first["rejected"]) == (12, 0, {"MALFORMED_JSON": 1})
    assert (again["accepted"], again["duplicates"]) == (0, 12)
    assert "this is no JSON" in rejected.read_text()
    installation.run("rebuild", "--product", str(installation.product))
    installation.start()
    assert installation.report(**WEEKS) == EXPECTED
    assert "in use" in installation.run(*importing, expect=1)
    log_in_by_plain_retry(installation)
    late = {"seq": 1, "type": "heartbeat", "at": "2031-05-19T09:00:00Z"}
    assert installation.send({"clientId": "client-B", "records": [late]})["accepted"] == 1
    # B was lost on 05-16; now it was last seen on 05-19, in the next week.
    moved = {"2031-05-12": {"new": 3, "active": 4, "lost": 1}, "2031-05-19": {"new": 1, "active": 4, "lost": 2}}
    installation.report_until(moved, **WEEKS)
    installation.stop()
    installation.start()
    assert installation.report(**WEEKS) == moved
    installation.stop()


def log_in_by_plain_retry(installation: Installation) -> None:
    """A public client never asks for a CSRF cookie: it is refused, keeps the cookie, tries again, and is in."""
    with httpx2.Client(base_url=installation.url) as caller:
        login = {"userName": EMAIL, "password": PASSWORD}
        refused = caller.post("/v3/auth/web", json=login)
        assert refused.status_code == 401
        assert "Cookie Missing" in refused.json()["error"]["message"]
        assert caller.post("/v3/auth/web", json=login).status_code == 200
        path = f"/v3/reporting/generic/dateRange/{installation.product}"
        answer = caller.post(path, json={**WEEKS, "clientStatus": ["new", "active", "lost"]})
        assert answer.json()["result"] == EXPECTED
        assert caller.post("/v3/auth/logout").status_code == 204
        assert caller.post(path, json=WEEKS).status_code == 401
