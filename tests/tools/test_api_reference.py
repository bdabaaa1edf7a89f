"""The API reference in a real browser: it loads nothing from elsewhere, and operations can be tried in a session."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.process import EMAIL, PASSWORD, Installation
from tests.tools.conftest import HERE, run


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(tmp_path_factory.mktemp("reference") / "data", today="2031-06-20")
    made.start()
    yield made
    made.stop()


@pytest.mark.e2e
def test_a_caller_signs_in_and_asks_a_report(browser: str, installation: Installation) -> None:
    product = str(installation.product)
    done = run("node", "docs_page.mjs", browser, installation.url, EMAIL, PASSWORD, product, cwd=HERE)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    assert seen["statuses"] == ["204", "200", "200"]
    assert seen["faults"] == []
    assert seen["foreign"] == []
    assert seen["operations"] == sum(
        len(methods) for methods in json.loads((Path("docs") / "openapi.json").read_text())["paths"].values()
    )
