"""Who may do what: a matrix over every route of the application, the Origin rule, and API tokens."""

from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.exports.files import LocalFiles
from odometer.exports.links import Links
from odometer.http.downloads import PATH as DOWNLOAD_PATH
from odometer.http.downloads import downloads_router
from odometer.http.exports import exports_router
from odometer.reports import REPORTS as REAL_REPORTS
from tests.http.conftest import (
    EMAIL,
    FORBIDDEN,
    HIDDEN,
    PASSWORD,
    PRODUCT,
    REPORT_PATH,
    Connect,
    World,
    code_of,
    log_in,
)

OPEN = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/postman.json",
    "/docs",
    "/v3/request-csrf",
    "/v3/auth/web",
    "/v3/auth/logout",
    DOWNLOAD_PATH,
}
# Further parts of paths.
OTHERS = {"export_id": "ex-1"}
NO_PRODUCT = [HIDDEN, 1, 0, 2**63, 2**64 + PRODUCT, "abc", "-1", f"+{PRODUCT}", f"{PRODUCT}.0", "%D9%A3", "9" * 5000]


def everything(world: World) -> dict[str, Any]:
    """What a real server is made of, beside what it is made of in any case."""
    files = LocalFiles(world.folder)
    links = Links(files, b"secret", world.parts.public_url, world.clock, 15)
    return {
        "reports": (*world.parts.reports, *REAL_REPORTS),
        "routers": [exports_router(links, lambda: None, 3), downloads_router(files, links)],
    }


def guarded(world: World) -> list[tuple[str, str]]:
    """Method and path of every route that is not open to everybody."""
    return [
        (method, route.path)
        for route in world.app(**everything(world)).routes
        if isinstance(route, APIRoute) and route.path not in OPEN
        for method in sorted(route.methods or ())
    ]


def test_every_guarded_route_refuses_in_the_order_of_the_definitions(connect: Connect, world: World) -> None:
    anonymous = connect(**everything(world))
    routes = guarded(world)
    found = {}
    for method, path in routes:
        found[method, path, "nobody"] = code_of(
            anonymous.request(method, path.format(product_id=PRODUCT, **OTHERS), content="{")
        )
    log_in(anonymous)
    routes = [(method, path) for method, path in routes if "{product_id}" in path]
    foreign = {"Origin": "https://evil.example"}
    for method, path in routes:
        hidden, forbidden = path.format(product_id=HIDDEN, **OTHERS), path.format(product_id=FORBIDDEN, **OTHERS)
        found[method, path, "foreign"] = code_of(anonymous.request(method, hidden, content="{", headers=foreign))
        found[method, path, "hidden"] = code_of(anonymous.request(method, hidden, content="{"))
        found[method, path, "forbidden"] = code_of(anonymous.request(method, forbidden, content="{"))

    expected = {
        "nobody": "NOT_AUTHENTICATED",
        "foreign": "ORIGIN_NOT_ALLOWED",
        "hidden": "PRODUCT_NOT_FOUND",
        "forbidden": "PERMISSION_DENIED",
    }
    assert len(routes) >= 2
    with_product = {(method, path, who): code for method, path in routes for who, code in expected.items()}
    without_product = (("GET", "/v3/meta/productProperties"), ("POST", "/admin/v1/account/password"))
    assert found == {(*route, "nobody"): "NOT_AUTHENTICATED" for route in without_product} | with_product


@pytest.mark.parametrize("product", NO_PRODUCT)
def test_what_is_no_visible_product_is_404(ada: TestClient, product: object) -> None:
    answer = ada.post(f"/v3/reporting/echo/{product}")

    assert (answer.status_code, code_of(answer)) == (404, "PRODUCT_NOT_FOUND")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "https://analytics.revenera.com"}, 200),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://allowed.example"}, 200),
        ({"Origin": "https://Allowed.Example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "https://testserver"}, 403),
        ({"Origin": "http://testserver:81"}, 403),
        ({"Origin": "https://allowed.example.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_the_origin_rule(ada: TestClient, headers: dict[str, str], status: int) -> None:
    report = ada.post(REPORT_PATH, headers=headers)
    login = ada.post("/v3/auth/web", json={"userName": EMAIL, "password": PASSWORD}, headers=headers)

    assert [report.status_code, login.status_code] == [status, status]
    assert status == 200 or code_of(report) == code_of(login) == "ORIGIN_NOT_ALLOWED"
    assert not any(name.startswith("access-control") for name in report.headers)


def test_on_the_own_machine_all_its_names_are_own_origins(connect: Connect) -> None:
    caller = connect(public_url="http://127.0.0.1:8080")
    statuses = [
        caller.get("/v3/request-csrf", headers={"Origin": f"http://{host}:8080"}).status_code
        for host in ("127.0.0.1", "localhost", "[::1]", "other")
    ]

    assert statuses == [204, 204, 204, 403]


def test_cors_headers_are_for_listed_origins_only(connect: Connect) -> None:
    caller = connect(cors_origins=("https://page.example",))
    asking = {"Access-Control-Request-Method": "POST"}
    listed = caller.options(REPORT_PATH, headers={"Origin": "https://page.example", **asking})
    other = caller.options(REPORT_PATH, headers={"Origin": "https://allowed.example", **asking})
    refused = caller.post(REPORT_PATH, headers={"Origin": "https://page.example"})

    assert (listed.status_code, listed.headers["Access-Control-Allow-Origin"]) == (204, "https://page.example")
    assert (other.status_code, "Access-Control-Allow-Origin" in other.headers) == (405, False)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, "https://page.example")
    assert refused.headers["Vary"] == "Origin"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_needs_neither_csrf_nor_origin(caller: TestClient, world: World) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    answer = caller.post(REPORT_PATH, headers={**bearer(token), "Origin": "https://evil.example", "X-RUI-Csrf": "x"})

    assert answer.status_code == 200


def test_a_wrong_or_revoked_token_is_401_even_beside_a_session(ada: TestClient, world: World) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    world.registry.tokens.revoke("ci", EMAIL)

    codes = [code_of(ada.post(REPORT_PATH, headers=bearer(text))) for text in (token, "odt_x", "", "x y")]

    assert codes == ["NOT_AUTHENTICATED"] * 4


def test_a_token_is_limited_to_its_products(caller: TestClient, world: World) -> None:
    world.registry.users.grant(EMAIL, HIDDEN, [Permission.REPORTING])
    token = world.registry.tokens.add("ci", EMAIL, products=[HIDDEN])

    answers = [caller.post(f"/v3/reporting/echo/{product}", headers=bearer(token)) for product in (PRODUCT, HIDDEN)]

    assert [answer.status_code for answer in answers] == [404, 200]


def test_a_read_only_token_reads(caller: TestClient, world: World) -> None:
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.DEVELOPER])
    token = world.registry.tokens.add("ci", EMAIL, is_read_only=True)

    assert caller.post(REPORT_PATH, headers=bearer(token)).status_code == 200


def test_a_permission_taken_away_counts_at_once(ada: TestClient, world: World) -> None:
    before = ada.post(REPORT_PATH)
    world.registry.users.grant(EMAIL, PRODUCT, [])
    after = ada.post(REPORT_PATH)

    assert [before.status_code, after.status_code] == [200, 404]


def test_an_administrator_sees_every_product(caller: TestClient, world: World) -> None:
    world.registry.users.add("root@example.com", PASSWORD, is_admin=True)
    log_in(caller, user_name="root@example.com")

    assert caller.post(f"/v3/reporting/echo/{HIDDEN}").status_code == 200
