"""Makes an archive of a small data folder, and of a backup of it, with the version that is installed (README.md)."""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.process import ODOMETER, Installation

HISTORY = Path(__file__).parents[2] / "docs/examples/history.ndjson"
TODAY = "2031-06-20"
LIVE: dict[str, Any] = {
    "clientId": "client-live",
    "records": [
        {"seq": 1, "type": "properties", "at": "2031-06-19T09:00:00Z", "set": {"prodVersion": "3"}},
        {"seq": 2, "type": "event", "at": "2031-06-19T09:01:00Z", "category": "Edit", "name": "Crop"},
        {"seq": 3, "type": "heartbeat", "at": "2031-06-19T09:10:00Z"},
    ],
}
# Of the process that had it open.
_NOT_KEPT = ("odometer.lock", "control.sock")


def without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The same, whoever makes it; None for what is not kept."""
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    return None if Path(member.name).name in _NOT_KEPT else member


def make(archive: Path) -> None:
    """Twelve imported records and three live ones, in both stores; a backup where the version can make one."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        installation = Installation(folder / "data", today=TODAY)
        installation.run("import", str(HISTORY), "--product", str(installation.product))
        installation.start()
        answer = installation.send(LIVE)
        assert not answer["rejected"], answer
        installation.stop()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=9) as into:
            into.add(folder / "data", arcname="data", filter=without_origin)
            command = [ODOMETER, "backup", str(folder / "backups")]
            done = subprocess.run(command, env=installation.environment, capture_output=True, check=False)
            if done.returncode == 0:
                into.add(folder / "backups", arcname="backups", filter=without_origin)
        archive.write_bytes(packed.getvalue())


if __name__ == "__main__":
    make(Path(sys.argv[1]))
