"""docs/compatibility.md is what the code's marks say, and all 32 operations of the v3 surface answer."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from odometer.compatibility_page import operations_of
from odometer.errors import ERROR_CODES
from tests.e2e.process import EMAIL, PASSWORD, Installation

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compatibility.md"
RANGE = {"startDate": "2031-05-01", "stopDate": "2031-06-19"}
ROTATE = {**RANGE, "events": [{"category": "Canvas", "name": "Rotate"}]}
KEYS = {"keyUpdates": [{"licenseKey": "K-1"}]}
FILE = "the first of the list"
# Written by hand from the definitions. One operation may have two routes: without the product's id, or two methods
# do the same. (method, path, body, status of success)
SURFACE: list[list[tuple[str, str, Any, int]]] = [
    [("GET", "/v3/request-csrf", None, 204)],
    [("POST", "/v3/auth/web", {"userName": EMAIL, "password": PASSWORD}, 200)],
    [
        ("GET", "/v3/meta/productProperties", None, 200),
        ("GET", "/v3/meta/productProperties/{product_id}", None, 200),
    ],
    [("POST", "/v3/meta/propertyValues/{product_id}", {"property": "prodVersion"}, 200)],
    [("GET", "/v3/event-tracking/{product_id}", None, 200)],
    [("POST", "/v3/reporting/generic/dateRange/{product_id}", {**RANGE, "clientStatus": ["new"]}, 200)],
    [("POST", "/v3/reporting/generic/current/{product_id}", {"clientStatus": ["lost"]}, 200)],
    [("POST", "/v3/reporting/eventTracking/lifetime/dataTable/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/eventTracking/lifetime/histogram/{product_id}", ROTATE, 200)],
    [("POST", "/v3/reporting/eventTracking/basic/dataTable/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/eventTracking/basic/timeline/{product_id}", {**ROTATE, "dateSplit": "month"}, 200)],
    [("POST", "/v3/reporting/eventTracking/advanced/fullReport/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/eventTracking/churn/lifetime/dataTable/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/eventTracking/churn/lifetime/histogram/{product_id}", ROTATE, 200)],
    [("POST", "/v3/reporting/engagement/usageDistribution/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/churn/histogram/days/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/churn/histogram/runtime/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/churn/histogram/sessions/{product_id}", RANGE, 200)],
    [("POST", "/v3/reporting/engagement/churnAndEngagement/{product_id}", {**RANGE, "dateSplit": "month"}, 200)],
    [("POST", "/v3/reporting/clientPropertyList/{product_id}", {"properties": ["prodVersion"]}, 200)],
    [("POST", "/v3/export/request/clientPropertyList/{product_id}", {}, 200)],
    [("POST", "/v3/license-key-registry/{product_id}", {}, 200)],
    [
        ("PATCH", "/v3/license-key-registry/update/{product_id}", KEYS, 200),
        ("POST", "/v3/license-key-registry/update/{product_id}", KEYS, 200),
    ],
    [("POST", "/v3/customEventTracking/getLastLines/{product_id}", {}, 200)],
    [("GET", "/v3/customEventTracking/listFiles/{product_id}", None, 200)],
    [("POST", "/v3/customEventTracking/getDownloadUrl/{product_id}", FILE, 200)],
    [("POST", "/v3/exceptionTracking/getLastLines/{product_id}", {}, 200)],
    [("GET", "/v3/exceptionTracking/listFiles/{product_id}", None, 200)],
    [("POST", "/v3/exceptionTracking/getDownloadUrl/{product_id}", FILE, 200)],
    [("GET", "/v3/rawEvents/download/listFiles/{product_id}", None, 200)],
    [("POST", "/v3/rawEvents/download/getDownloadUrl/{product_id}", FILE, 200)],
    [("POST", "/v3/auth/logout", None, 204)],
]
# Days that have ended get their files soon after the server starts.
HISTORY: list[dict[str, Any]] = [
    {"type": "client_day", "day": "2031-06-18", "set": {"prodVersion": "3.1"}},
    {"type": "event_day", "day": "2031-05-13", "category": "Canvas", "name": "Rotate"},
    {"type": "custom_event", "at": "2031-06-18T10:00:00Z", "name": "Buy", "data": [["n", "1"]]},
    {
        "type": "exception",
        "at": "2031-06-18T11:00:00Z",
        "className": "IOError",
        "methodName": "save",
        "message": "full",
        "stackTrace": "save()",
    },
]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server with a product that has some of everything."""
    folder = tmp_path_factory.mktemp("compatibility")
    history = folder / "history.ndjson"
    history.write_text("\n".join(json.dumps({"clientId": "client-X", **record}) for record in HISTORY))
    found = Installation(folder / "data", today="2031-06-20")
    summary = json.loads(found.run("import", str(history), "--product", str(found.product), "--json"))
    assert summary["accepted"] == len(HISTORY)
    found.start()
    yield found
    found.stop()


def described(installation: Installation) -> dict[str, Any]:
    document: dict[str, Any] = httpx2.get(f"{installation.url}/openapi.json", timeout=20).json()
    return document


def test_the_page_is_what_the_code_says() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "odometer.compatibility_page"], capture_output=True, check=True, timeout=120
    ).stdout.decode()

    assert PAGE.read_text() == made, "docs/compatibility.md is stale: run `make description` and look at the difference"


def test_the_surface_is_the_defined_32_operations() -> None:
    assert len(SURFACE) == 32


@pytest.mark.e2e
def test_every_route_of_v3_has_a_mark(installation: Installation) -> None:
    """A new route cannot be forgotten: the page would not say what it is."""
    operations = operations_of(described(installation))
    below_v3 = [one for one in operations if any(" /v3/" in route for route in one.routes)]

    assert [one.routes for one in below_v3 if not one.compatibility] == []
    assert [one.routes for one in below_v3 if not one.compatibility["ours"].endswith(".")] == []


@pytest.mark.e2e
def test_exactly_the_32_operations_are_marked_as_settled(installation: Installation) -> None:
    settled = [one.routes for one in operations_of(described(installation)) if one.is_settled]
    expected = [tuple(f"{method} {path}" for method, path, _, _ in routes) for routes in SURFACE]

    assert sorted(settled) == sorted(expected)


@pytest.mark.e2e
def test_all_32_operations_answer(installation: Installation) -> None:
    """Asked as a public client asks: cookies, Origin, a content type on GET too; one valid request each."""
    headers = {"Origin": "https://analytics.revenera.com", "Content-Type": "application/json"}
    with httpx2.Client(base_url=installation.url, headers=headers, timeout=60) as client:

        def ask(method: str, path: str, body: Any) -> httpx2.Response:
            address = path.format(product_id=installation.product)
            if body == FILE:
                body = {"fileName": newest_file(client, address.replace("getDownloadUrl", "listFiles"))}
            return client.request(method, address, content=None if body is None else json.dumps(body))

        answers = [
            (method, path, ask(method, path, body), status)
            for routes in SURFACE
            for method, path, body, status in routes
        ]

    assert [(method, path, got.text) for method, path, got, status in answers if got.status_code != status] == []
    assert [(method, path) for method, path, got, status in answers if (status == 204) != (got.content == b"")] == []
    assert len(answers) == 34


def newest_file(client: httpx2.Client, address: str) -> str:
    """The first name of a list of daily files; the server makes them soon after its start."""
    for _ in range(300):
        files = client.get(address).json()["fileList"]
        if files:
            return str(files[0]["fileName"])
        time.sleep(0.1)
    raise AssertionError(f"{address} has no file")


def test_every_error_code_is_answered_somewhere() -> None:
    """A row of the table that no code uses would be a lie."""
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py") if path.name != "errors.py"]
    used = {code for source in sources for code in re.findall(r'"([A-Z_]+)"', source)}

    assert set(ERROR_CODES) - used == set()
