"""The commands of the documentation run as written, and answer what the page says."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.process import Installation

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BIN = str(Path(sys.executable).parent)


def examples(page: str) -> list[tuple[str, str | None, str]]:
    """(shell commands, kind of the answer shown right after them, that answer) in the order of the page."""
    blocks = BLOCK.findall((DOCS / page).read_text())
    found: list[tuple[str, str | None, str]] = []
    for position, (kind, text) in enumerate(blocks):
        if kind == "sh":
            following = blocks[position + 1] if position + 1 < len(blocks) else ("sh", "")
            found.append((text, None, "") if following[0] == "sh" else (text, following[0], following[1]))
    return found


def assert_shown(kind: str | None, shown: str, got: str) -> None:
    if kind == "json":
        assert json.loads(got) == json.loads(shown)
    elif kind == "text":
        assert got.split() == shown.split()


PAGES = [
    "reports.md",
    "event-reports.md",
    "filters.md",
    "metadata.md",
    "events.md",
    "engagement.md",
    "collecting.md",
    "clients.md",
    "exports.md",
    "licenses.md",
    "raw-data.md",
    "privacy.md",
    "authentication.md",
    "backup.md",
]


@pytest.mark.e2e
@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, tmp_path: Path) -> None:
    """Each command with an answer below it gives that answer on the history that the page tells of."""
    installation = Installation(tmp_path / "data", today="2031-06-20")
    history = DOCS / "examples" / ("engagement.ndjson" if page == "engagement.md" else "history.ndjson")
    installation.run("import", str(history), "--product", str(installation.product))
    installation.start()
    environment = {
        **os.environ,
        "URL": installation.url,
        "PRODUCT": str(installation.product),
        "TOKEN": installation.token,
        "KEY": installation.key,
        **{name: installation.environment[name] for name in ("ODOMETER_DATA", "ODOMETER_TODAY")},
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    found = examples(page)

    try:
        for command, kind, shown in found:
            done = subprocess.run(
                ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
            )
            assert_shown(kind, shown, done.stdout)
    finally:
        installation.stop()
        # What a page has begun and would have ended.
        for begun in tmp_path.glob("*.pid"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(begun.read_text()), signal.SIGKILL)
    assert found


@pytest.mark.e2e
def test_getting_started(tmp_path: Path) -> None:
    """The walk from nothing to corrected figures, in one shell, with the server beside it."""
    script = ["set -eu", f"export PATH={BIN}:$PATH", f"cd {tmp_path}"]
    found = examples("getting-started.md")
    for number, (command, kind, _) in enumerate(found):
        if command.strip() == "odometer serve":
            script.append("odometer serve >server.log 2>&1 & server=$!; trap 'kill $server; wait $server || true' EXIT")
            script.append(
                "for n in $(seq 150); do curl -sf http://127.0.0.1:8080/readyz && break; sleep 0.2; done >ready"
            )
        elif kind is None:
            script.append(command)
        else:
            script.append(f"{{ {command.rstrip()}\n}} > answer-{number} 2> noise-{number}")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ODOMETER_")}

    subprocess.run(["bash", "-c", "\n".join(script)], env=environment, check=True, capture_output=True, timeout=120)

    for number, (_, kind, shown) in enumerate(found):
        if kind is not None:
            assert_shown(kind, shown, (tmp_path / f"answer-{number}").read_text())
