"""What tools of others say of the API description: valid, lintable, and good for making a client."""

import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from odometer.cli.demo import EMAIL, PASSWORD, PRODUCT_ID
from tests.e2e.process import ODOMETER, Installation
from tests.tools.conftest import NODE_BIN, TOOLS_BIN, run, tool

DOCUMENT = Path("docs/openapi.json").resolve()
_CALLS = """
import datetime, sys
from odometer_client import AuthenticatedClient
from odometer_client.api.metadata import product_properties_of_product
from odometer_client.api.operation import healthz
from odometer_client.api.new_active_lost import generic_date_range
from odometer_client.models import DateRangeRequest
url, token, product = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)
assert healthz.sync(client=client).status == "ok"
properties = product_properties_of_product.sync(product, client=client)
assert properties.result[0].category == "Product Properties", properties
body = DateRangeRequest.from_dict({"startDate": "NOW-30", "stopDate": "NOW", "clientStatus": ["active"]})
answer = generic_date_range.sync(product, client=client, body=body)
print(answer.to_dict())
"""


def test_it_is_valid() -> None:
    validate(json.loads(DOCUMENT.read_text()))


def test_a_linter_finds_nothing() -> None:
    done = run(tool(NODE_BIN, "redocly"), "lint", str(DOCUMENT), "--config", "redocly.yaml", "--format", "json")
    found: dict[str, Any] = json.loads(done.stdout)

    assert [(one["ruleId"], one["message"], one["location"][0]["pointer"]) for one in found["problems"]] == []


@pytest.mark.e2e
def test_a_generated_client_asks_three_operations(tmp_path: Path) -> None:
    generator = tool(TOOLS_BIN, "openapi-python-client")
    made = run(generator, "generate", "--path", str(DOCUMENT), "--output-path", str(tmp_path / "made"), cwd=tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "WARNING" not in made.stdout, made.stdout
    installation = Installation(tmp_path / "data", today="2031-06-20")
    installation.start()
    try:
        said = [installation.url, installation.token, str(installation.product)]
        words = [str(TOOLS_BIN / "python"), "-c", _CALLS, *said]
        asked = subprocess.run(words, cwd=tmp_path / "made", capture_output=True, text=True, timeout=60, check=False)
    finally:
        installation.stop()

    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.strip() == "{'result': {'active': 0}}"


@pytest.mark.e2e
def test_newman_runs_the_collection_against_a_demo_server(tmp_path: Path) -> None:
    newman = tool(NODE_BIN, "newman")
    environment = {**os.environ, "ODOMETER_DATA": str(tmp_path / "data")}
    loading = [ODOMETER, "demo", "--clients", "200", "--months", "2", "--no-serve"]
    subprocess.run(loading, env=environment, check=True, capture_output=True)
    installation = Installation(tmp_path / "data", today=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}")
    key = json.loads(installation.run("product", "key", str(PRODUCT_ID), "--json"))["key"]
    installation.start()
    variables = {"baseUrl": installation.url, "user": EMAIL, "password": PASSWORD, "product": str(PRODUCT_ID)}
    variables["ingestionKey"] = key
    words = [word for name, value in variables.items() for word in ("--env-var", f"{name}={value}")]
    try:
        collection = str(DOCUMENT.with_name("postman.json"))
        done = run(newman, "run", collection, *words, "--reporters", "cli", "--color", "off")
    finally:
        installation.stop()

    assert done.returncode == 0, done.stdout[-6000:]
