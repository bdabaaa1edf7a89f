"""Tools of others: where they are, and that a machine without them says what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE_BIN = HERE / "node_modules" / ".bin"
TOOLS_BIN = HERE / ".venv-tools" / "bin"


def missing(what: str, how: str) -> None:
    """Skip, saying what to install; fail where nothing may be missing."""
    if os.environ.get("TESTS_NEED_ALL_TOOLS"):
        pytest.fail(f"{what} is missing: {how}")
    pytest.skip(f"{what} is missing: {how}")


def tool(folder: Path, name: str) -> str:
    """A program that `make tools` installs."""
    if not (folder / name).exists():
        missing(name, "make tools (needs npm)")
    return str(folder / name)


@pytest.fixture(scope="session")
def browser() -> str:
    """Chromium's program."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        missing("chromium", "install your system's package chromium")
    tool(NODE_BIN, "playwright-core")
    return str(found)


def run(*words: str, cwd: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Run a tool; what it said."""
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=240, check=False)
