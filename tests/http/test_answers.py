"""Reports over HTTP: bodies, limits, error shapes, headers, the log line, health, documentation."""

import json
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from odometer.errors import StartError
from tests.described import DescribedClient
from tests.http.conftest import EMAIL, PASSWORD, REPORT_PATH, Connect, World, code_of, log_in

MUST = REPORT_PATH.replace("echo", "must")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", {"text": "nothing", "number": None}),
        (b"{}", {"text": "nothing", "number": None}),
        (b'{"text": null, "number": 30.0}', {"text": "nothing", "number": 30}),
        (b'{"user": 1, "sessionId": [], "productId": "x", "other": {}}', {"text": "nothing", "number": None}),
    ],
)
def test_bodies_that_are_accepted(ada: TestClient, content: bytes, expected: dict[str, Any]) -> None:
    result = ada.post(REPORT_PATH, content=content).json()["result"]

    assert {name: result[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        (b"{", "MALFORMED_JSON", None),
        (b'{"text": "a", "text": "b"}', "MALFORMED_JSON", None),
        (b"\xff", "MALFORMED_JSON", None),
        (b'{"number": NaN}', "MALFORMED_JSON", None),
        (b"[" * 100_000, "MALFORMED_JSON", None),
        (b"[]", "INVALID_FIELD", None),
        (b"null", "INVALID_FIELD", None),
        (b'{"number": "30"}', "INVALID_FIELD", "number"),
        (b'{"number": 30.5}', "INVALID_FIELD", "number"),
        (b'{"number": true}', "INVALID_FIELD", "number"),
        (b'{"text": 1}', "INVALID_FIELD", "text"),
        (b'{"items": {}}', "INVALID_FIELD", "items"),
        (b'{"items": [{"limit": 1}, {"limit": 0}]}', "INVALID_FIELD", "items[1].limit"),
        (b'{"items": [{"limit": 1}, {}]}', "MISSING_FIELD", "items[1].limit"),
        (b'{"segments": [1]}', "INVALID_FIELD", "segments"),
    ],
)
def test_bodies_that_are_refused(ada: TestClient, content: bytes, code: str, field: str | None) -> None:
    answer = ada.post(REPORT_PATH, content=content)

    assert (answer.status_code, code_of(answer)) == (400, code)
    assert answer.json()["error"].get("field") == field
    assert answer.json()["error"]["message"].endswith(".")


def test_a_missing_member_and_a_bad_day_are_named(ada: TestClient) -> None:
    missing = ada.post(MUST, content=b"{}").json()["error"]
    bad = ada.post(MUST, json={"startDate": "2031-02-30"}).json()["error"]

    assert (missing["code"], missing["field"]) == ("MISSING_FIELD", "startDate")
    assert (bad["code"], bad["field"]) == ("INVALID_FIELD", "startDate")


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_the_content_type(ada: TestClient, content_type: str | None, status: int) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    assert ada.post(REPORT_PATH, content=b"{}", headers=headers).status_code == status


def chunks(total: int) -> Iterator[bytes]:
    for _ in range(total // 1000):
        yield b" " * 1000


def test_a_body_over_the_limit_is_413_announced_or_not(connect: Connect) -> None:
    caller = connect(max_body_bytes=10_000)
    log_in(caller)
    answers = [
        caller.post(REPORT_PATH, content=b" " * 10_001),
        caller.post(REPORT_PATH, content=chunks(11_000)),
        caller.post("/v3/auth/web", content=chunks(11_000)),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(413, "BODY_TOO_LARGE")] * 3
    assert caller.post(REPORT_PATH, content=chunks(10_000)).status_code == 200


def test_answers_are_ascii_and_say_how_fresh_they_are(ada: TestClient) -> None:
    answer = ada.post(REPORT_PATH, json={"text": "Grüße 💜"})

    assert answer.content.isascii()
    assert answer.json()["result"]["text"] == "Grüße 💜"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Data-As-Of"] == "2030-03-17T17:46:40.123Z"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/v3", "/v3/none", REPORT_PATH + "/", "/v3/reporting/echo"])
def test_unknown_addresses_are_404(ada: TestClient, path: str) -> None:
    answer = ada.post(path)

    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(("method", "path", "allowed"), [("GET", REPORT_PATH, "POST"), ("PUT", "/healthz", "GET")])
def test_a_wrong_method_is_405_and_tells_the_right_ones(
    caller: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = caller.request(method, path)

    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == allowed


def test_an_unexpected_error_tells_nothing_to_the_caller(ada: TestClient) -> None:
    with capture_logs() as lines:
        answer = ada.post(REPORT_PATH, json={"fail": True})

    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-Id"] in [line.get("request_id") for line in lines if line["log_level"] == "error"]


def test_one_log_line_for_a_request_without_secrets(ada: TestClient) -> None:
    token = ada.cookies["RUI-Session-Token"]
    with capture_logs() as lines:
        ada.post(REPORT_PATH + "?secret=1", headers={"RUI-Client": "R" * 100, "RUI-Client-Version": "1"})
        ada.post("/v3/auth/web", json={"userName": EMAIL, "password": PASSWORD})

    report, login = [line for line in lines if line["event"] == "request"]
    text = json.dumps(lines)
    assert (report["route"], report["status"]) == ("/v3/reporting/echo/{product_id}", 200)
    assert (report["rui_client"], report["rui_client_version"]) == ("R" * 64, "1")
    assert (login["route"], login["user_id"]) == ("/v3/auth/web", 1)
    assert not any(secret in text for secret in (token, PASSWORD, EMAIL, "secret=1"))


def test_a_report_that_lasts_too_long_is_503(connect: Connect) -> None:
    caller = connect(report_seconds=0.05)
    log_in(caller)
    answer = caller.post(REPORT_PATH, content=b'{"text": "slow"}')
    late = caller.post(REPORT_PATH.replace("echo", "slow"))

    assert answer.status_code == 200
    assert (late.status_code, code_of(late), late.headers["Retry-After"]) == (503, "QUERY_TIMEOUT", "1")


def test_the_fifth_report_of_a_user_is_busy_and_other_users_are_not(connect: Connect, world: World) -> None:
    world.registry.users.add("root@example.com", PASSWORD, is_admin=True)
    own = {"Authorization": f"Bearer {world.registry.tokens.add('a', EMAIL)}"}
    other = {"Authorization": f"Bearer {world.registry.tokens.add('b', 'root@example.com')}"}
    caller = connect(worker_threads=8, reports_per_user=4, report_wait_seconds=0.1)
    slow = REPORT_PATH.replace("echo", "slow")
    threads = [threading.Thread(target=caller.post, args=(slow,), kwargs={"headers": own}) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)

    fifth, foreign = caller.post(REPORT_PATH, headers=own), caller.post(REPORT_PATH, headers=other)
    for thread in threads:
        thread.join()
    afterwards = caller.post(REPORT_PATH, headers=own)

    assert (fifth.status_code, code_of(fifth), fifth.headers["Retry-After"]) == (503, "BUSY", "1")
    assert (foreign.status_code, afterwards.status_code) == (200, 200)


def test_health_readiness_and_metrics(connect: Connect) -> None:
    def broken() -> None:
        raise OSError("/srv/secret")

    caller = connect(readiness={"analytics": broken}, metrics_access="open")
    alive, ready, metrics = caller.get("/healthz"), caller.get("/readyz"), caller.get("/metrics")

    assert alive.json() == {"status": "ok"}
    assert (ready.status_code, code_of(ready), ready.headers["Retry-After"]) == (503, "STORE_UNAVAILABLE", "5")
    assert "analytics" in ready.text
    assert "secret" not in ready.text
    assert 'odometer_http_requests_total{method="GET",route="/healthz",status="200"} 1.0' in metrics.text
    assert "_created" not in metrics.text
    assert connect().get("/readyz").status_code == 200


def test_what_is_not_ready_is_logged_when_it_changes(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe asks every few seconds: each of its failures was a traceback."""
    monkeypatch.setattr("odometer.http.health._FRESH_S", -1.0)
    failures: list[Exception] = []

    def check() -> None:
        if failures:
            raise failures[0]

    caller = connect(readiness={"disk_low": check})
    with capture_logs() as logged:
        for failure in (None, StartError("900 MiB are free"), StartError("800 MiB are free"), None, OSError("gone")):
            failures[:] = [] if failure is None else [failure]
            statuses = {caller.get("/readyz").status_code for _ in range(3)}
            assert statuses == {200 if failure is None else 503}
    told = [one for one in logged if one["event"] in ("not ready", "ready again")]
    assert [(one["event"], one.get("reason")) for one in told] == [
        ("not ready", "900 MiB are free"),
        ("ready again", None),
        ("not ready", "gone"),
    ]
    assert [bool(one.get("exc_info")) for one in told] == [False, False, True]


def test_the_last_act_is_to_call_on_close(world: World) -> None:
    closed: list[str] = []
    with DescribedClient(world.app(on_close=lambda: closed.append("now"))) as caller:
        caller.get("/healthz")
        assert closed == []

    assert closed == ["now"]


def test_every_route_is_described(caller: TestClient, world: World) -> None:
    document = caller.get("/openapi.json").json()
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (route.path, method)
        for route in world.app().routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
    echo = document["paths"]["/v3/reporting/echo/{product_id}"]["post"]

    assert document["openapi"] == "3.1.0"
    assert described == routes
    assert echo["requestBody"]["content"]["application/json"]["example"] == {"text": "a"}
    assert echo["security"] == [{"session": [], "csrf": []}, {"token": []}]
    assert echo["x-standing"] == {"topic": "New, active, lost", "settled": "", "ours": "For tests only."}
    refused = document["components"]["responses"][echo["responses"]["403"]["$ref"].rpartition("/")[2]]
    codes = refused["content"]["application/json"]["schema"]["allOf"][1]["properties"]["error"]["properties"]["code"]
    assert codes["enum"] == ["ORIGIN_NOT_ALLOWED", "CSRF_MISMATCH", "PERMISSION_DENIED"]
    assert "Item" in document["components"]["schemas"]
    assert "HTTPValidationError" not in json.dumps(document)


def test_the_reference_comes_from_this_server_alone(caller: TestClient) -> None:
    page = caller.get("/docs")
    policy = page.headers["Content-Security-Policy"]
    files = re.findall(r'(?:src|href)="(static/[^"]+)"', page.text)

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert not any(word in page.text for word in ("http://", "https://", "//cdn"))
    assert len(files) == 4
    assert [caller.get(f"/{file}").status_code for file in files] == [200] * 4


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../factory.py", "/static/%2e%2e/factory.py", "/static/"]
)
def test_there_are_no_other_files(caller: TestClient, path: str) -> None:
    answer = caller.get(path)

    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
