"""The keeper of a real server writes raw event files, and a real import makes the same product of them."""

import json
import time
from pathlib import Path

import pytest

from tests.e2e.process import Installation
from tests.e2e.test_first_day import EXPECTED, WEEKS, write_history

# The finished days of the history; all lie within the days that files are kept.
DAYS = 10


@pytest.mark.e2e
def test_files_of_a_server_are_imported_into_an_empty_product(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data", today="2031-06-20")
    write_history(tmp_path / "history.ndjson")
    rejected = ("--rejected", str(tmp_path / "rejected"), "--json")
    installation.run("import", str(tmp_path / "history.ndjson"), "--product", str(installation.product), *rejected)
    installation.start()
    files: list[Path] = []
    for _ in range(100):
        files = sorted((tmp_path / "data/files").rglob("rawEvents_*"))
        if len(files) == DAYS:
            break
        time.sleep(0.1)
    installation.stop()
    copy = json.loads(installation.run("product", "add", "Copy", "--json"))["productId"]
    importing = ("import", *map(str, files), "--product", str(copy), *rejected)

    first = json.loads(installation.run(*importing))
    again = json.loads(installation.run(*importing))

    assert (first["accepted"], first["duplicates"], first["rejected"]) == (12, 0, {})
    assert (again["accepted"], again["duplicates"], again["rejected"]) == (0, 12, {})
    installation.start()
    installation.product = int(copy)
    assert installation.report(**WEEKS) == EXPECTED
    installation.stop()
