"""The programs of `make test-long`, for a short while: what they check holds, and they still run."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    "words",
    [
        ("tests.fuzz", "--requests", "2000", "--seed", "1"),
        # One kill of each kind.
        ("tests.long.kills", "--kills", "7", "--seed", "1"),
    ],
)
def test_a_short_run_finds_nothing(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
