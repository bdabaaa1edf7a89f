"""`odometer demo` from nothing: it loads its product, and its login opens a session."""

import datetime as dt
import os
import subprocess
from pathlib import Path

import httpx2
import pytest

from odometer.cli.demo import EMAIL, PASSWORD, PRODUCT_ID
from tests.e2e.process import ODOMETER, Installation


@pytest.mark.e2e
def test_the_demo_can_be_signed_in_to(tmp_path: Path) -> None:
    environment = {**os.environ, "ODOMETER_DATA": str(tmp_path / "data")}
    words = [ODOMETER, "demo", "--clients", "40", "--months", "1", "--no-serve"]
    loaded = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    installation = Installation(tmp_path / "data", today=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}")
    installation.start()
    try:
        with httpx2.Client(base_url=installation.url) as caller:
            caller.get("/v3/request-csrf")
            opened = caller.post("/v3/auth/web", json={"userName": EMAIL, "password": PASSWORD})
            asked = {"clientStatus": ["active"]}
            answer = caller.post(f"/v3/reporting/generic/current/{PRODUCT_ID}", json=asked)
    finally:
        installation.stop()

    assert opened.status_code == 200, opened.text
    assert answer.json()["result"]["active"] > 0
