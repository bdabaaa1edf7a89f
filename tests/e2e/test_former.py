"""Folders and backups that earlier versions left open, and give the figures they gave (tests/former/README.md)."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from odometer.store.tables import MIGRATIONS
from tests.e2e.process import ODOMETER, Installation
from tests.e2e.test_first_day import EXPECTED, WEEKS
from tests.former.__main__ import TODAY

FORMER = Path(__file__).parents[1] / "former"
# The one with what this version's tables look like.
PRESENT = f"tables-{MIGRATIONS[-1][0]}.tar.gz"


def unpack(archive: str, folder: Path) -> None:
    with tarfile.open(FORMER / archive) as packed:
        packed.extractall(folder, filter="data")


def assert_right(installation: Installation) -> None:
    """The worked example of chapter 03, and what a client sent live."""
    installation.start()
    assert installation.report(**WEEKS) == EXPECTED
    june = {"startDate": "2031-06-16", "stopDate": "2031-06-20", "clientStatus": ["new", "active"]}
    assert installation.report(**june) == {"new": 1, "active": 2}
    late = {"seq": 4, "type": "heartbeat", "at": "2031-06-20T09:00:00Z"}
    assert installation.send({"clientId": "client-live", "records": [late]})["accepted"] == 1
    installation.stop()


@pytest.mark.e2e
@pytest.mark.parametrize("archive", sorted(path.name for path in FORMER.glob("tables-*.tar.gz")))
def test_a_former_folder_gives_its_figures(archive: str, tmp_path: Path) -> None:
    """Ready means: no record is missed, and derived rows agree with the records."""
    unpack(archive, tmp_path)
    assert_right(Installation(tmp_path / "data", today=TODAY, is_new=False))


def holds_backups(archive: Path) -> bool:
    with tarfile.open(archive) as packed:
        return any(name.startswith("backups/") for name in packed.getnames())


@pytest.mark.e2e
@pytest.mark.parametrize(
    "archive", sorted(path.name for path in FORMER.glob("*.tar.gz") if holds_backups(path) and path.name != PRESENT)
)
def test_a_former_backup_gives_its_figures(archive: str, tmp_path: Path) -> None:
    """Restored by the command, which compares it with what was backed up; tables that are newer come by migration."""
    unpack(archive, tmp_path)
    again = tmp_path / "again"
    restore = [ODOMETER, "restore", str(tmp_path / "backups"), "--json"]
    done = subprocess.run(restore, env={**os.environ, "ODOMETER_DATA": str(again)}, capture_output=True, check=True)
    assert json.loads(done.stdout)["records"] == 15
    assert_right(Installation(again, today=TODAY, is_new=False))


def test_there_is_an_archive_of_the_present_tables() -> None:
    """A later version must find what this one left: make it before tables change (tests/former/README.md)."""
    assert (FORMER / PRESENT).exists()
    assert all(path.stat().st_size < 300_000 for path in FORMER.glob("*.tar.gz"))
