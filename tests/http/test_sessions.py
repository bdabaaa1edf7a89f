"""Login, logout, cookies and expiry, exactly as chapter 00 tells them."""

import pytest
from starlette.testclient import TestClient

from tests.described import DescribedClient
from tests.http.conftest import EMAIL, FORBIDDEN, PASSWORD, PRODUCT, REPORT_PATH, Connect, World, code_of, log_in

LOGIN = "/v3/auth/web"
CREDENTIALS = {"userName": EMAIL, "password": PASSWORD}


def cookies_set_by(answer: object) -> dict[str, list[str]]:
    """Attributes by name of each cookie of an answer, the value first."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):  # type: ignore[attr-defined]
        first, *attributes = line.split("; ")
        name, _, value = first.partition("=")
        found[name] = [value, *attributes]
    return found


def test_the_documented_flow(caller: TestClient) -> None:
    asked = caller.get("/v3/request-csrf")
    login = caller.post(LOGIN, json=CREDENTIALS)
    report = caller.post(REPORT_PATH)
    logout = caller.post("/v3/auth/logout")

    assert [asked.status_code, login.status_code, report.status_code, logout.status_code] == [204, 200, 200, 204]
    assert (asked.content, logout.content) == (b"", b"")
    assert list(cookies_set_by(asked)) == ["RUI-Csrf"]
    assert sorted(cookies_set_by(login)) == ["RUI-Csrf", "RUI-Session-Token"]
    assert cookies_set_by(login)["RUI-Csrf"][0] != cookies_set_by(asked)["RUI-Csrf"][0]
    assert code_of(caller.post(REPORT_PATH)) == "NOT_AUTHENTICATED"


def test_the_body_of_a_login(caller: TestClient) -> None:
    assert log_in(caller).json() == {
        "account": {"accountId": 1, "name": "Odometer"},
        "freeware": {},
        "products": {
            str(PRODUCT): {
                "productId": PRODUCT,
                "name": "Facet",
                "daysUntilDeclaredLost": 40,
                "oldestDate": None,
                "permissions": ["reporting"],
            },
            str(FORBIDDEN): {
                "productId": FORBIDDEN,
                "name": "Forbidden",
                "daysUntilDeclaredLost": 40,
                "oldestDate": None,
                "permissions": ["license_filtering"],
            },
        },
        "userSettings": {"userName": EMAIL, "displayName": "Ada"},
    }


def test_a_plain_retry_after_cookie_missing_succeeds(caller: TestClient) -> None:
    refused = caller.post(LOGIN, json=CREDENTIALS)
    again = caller.post(LOGIN, json=CREDENTIALS)

    assert (refused.status_code, code_of(refused)) == (401, "COOKIE_MISSING")
    assert "Cookie Missing" in refused.json()["error"]["message"]
    assert list(cookies_set_by(refused)) == ["RUI-Csrf"]
    assert again.status_code == 200


@pytest.mark.parametrize("cookie", ["", "forged", "1.2.3.4", "9999999999.a.-.00", "\xe9", "...", "a"])
def test_a_forged_cookie_is_a_missing_one(caller: TestClient, cookie: str) -> None:
    answer = caller.post(LOGIN, json=CREDENTIALS, headers={b"Cookie": f"RUI-Csrf={cookie}".encode("latin-1")})

    assert code_of(answer) == "COOKIE_MISSING"


def test_a_csrf_cookie_lives_for_a_day(caller: TestClient, world: World) -> None:
    caller.get("/v3/request-csrf")
    world.clock.move(minutes=24 * 60)

    assert code_of(caller.post(LOGIN, json=CREDENTIALS)) == "COOKIE_MISSING"


def test_unknown_user_and_wrong_password_look_the_same(caller: TestClient) -> None:
    wrong = log_in(caller, password="wrong horse").json()["error"]
    unknown = log_in(caller, user_name="eve@example.com").json()["error"]

    assert wrong["code"] == "BAD_CREDENTIALS"
    assert {**wrong, "requestId": ""} == {**unknown, "requestId": ""}


def test_basic_authorization_is_ignored(caller: TestClient) -> None:
    caller.get("/v3/request-csrf")
    answer = caller.post(LOGIN, json=CREDENTIALS, headers={"Authorization": "Basic YTpi"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "MISSING_FIELD"),
        ("{", "MALFORMED_JSON"),
        ("[]", "INVALID_FIELD"),
        ('{"userName": "a@b.c"}', "MISSING_FIELD"),
        ('{"userName": 1, "password": "x"}', "INVALID_FIELD"),
        ('{"userName": "a", "userName": "b", "password": "x"}', "MALFORMED_JSON"),
        ('{"userName": "\\ud800", "password": "x"}', "MALFORMED_JSON"),
    ],
)
def test_a_malformed_login_is_400(caller: TestClient, body: str, code: str) -> None:
    caller.get("/v3/request-csrf")
    answer = caller.post(LOGIN, content=body)

    assert (answer.status_code, code_of(answer)) == (400, code)


def test_a_second_login_replaces_the_presented_session(ada: TestClient) -> None:
    old = ada.cookies["RUI-Session-Token"]
    ada.post(LOGIN, json=CREDENTIALS)
    new = ada.cookies["RUI-Session-Token"]
    ada.cookies.set("RUI-Session-Token", old, domain="testserver.local", path="/")

    assert new != old
    assert code_of(ada.post(REPORT_PATH)) == "NOT_AUTHENTICATED"


def test_sessions_of_one_user_live_side_by_side(world: World) -> None:
    app = world.app()
    first, second = DescribedClient(app), DescribedClient(app)
    log_in(first)
    log_in(second)

    assert [first.post(REPORT_PATH).status_code, second.post(REPORT_PATH).status_code] == [200, 200]


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", "", 200),
        ("?allSessions=true", "", 401),
        ("?allSessions=false", "", 200),
        ("", '{"allSessions": true, "user": 1}', 401),
        ("", '{"allSessions": "true"}', 200),
        ("", "no json", 200),
    ],
)
def test_logout_ends_the_others_when_told_to(world: World, query: str, body: str, expected: int) -> None:
    app = world.app()
    first, second = DescribedClient(app), DescribedClient(app)
    log_in(first)
    log_in(second)

    logout = first.post("/v3/auth/logout" + query, content=body)

    assert logout.status_code == 204
    assert second.post(REPORT_PATH).status_code == expected


def test_logout_needs_nothing_and_expires_the_cookie(caller: TestClient) -> None:
    answer = caller.post("/v3/auth/logout", headers={"Content-Type": "text/plain"})
    cookies = cookies_set_by(answer)

    assert answer.status_code == 204
    assert cookies["RUI-Session-Token"][0] == ""
    assert "Max-Age=0" in cookies["RUI-Session-Token"]
    assert cookies["RUI-Csrf"][0] != ""


@pytest.mark.parametrize(("url", "secure"), [("http://testserver", []), ("https://testserver", ["Secure"])])
def test_cookie_attributes(connect: Connect, url: str, secure: list[str]) -> None:
    caller = connect(public_url=url)
    csrf = caller.get("/v3/request-csrf")
    caller.cookies.set("RUI-Csrf", cookies_set_by(csrf)["RUI-Csrf"][0])
    cookies = cookies_set_by(caller.post(LOGIN, json=CREDENTIALS))

    assert cookies["RUI-Session-Token"][1:] == ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax", *secure]
    assert cookies["RUI-Csrf"][1:] == ["Path=/", "Max-Age=86400", "SameSite=Lax", *secure]
    assert len(cookies["RUI-Session-Token"][0]) >= 43  # 256 bits


def test_an_idle_session_expires_and_a_used_one_does_not(ada: TestClient, world: World) -> None:
    world.clock.move(minutes=59)
    used = ada.post(REPORT_PATH)
    world.clock.move(minutes=59)
    still_used = ada.post(REPORT_PATH)
    world.clock.move(minutes=61)
    idle = ada.post(REPORT_PATH)

    assert [used.status_code, still_used.status_code] == [200, 200]
    assert (idle.status_code, code_of(idle)) == (401, "SESSION_EXPIRED")


def test_an_unknown_token_is_not_authenticated(caller: TestClient) -> None:
    caller.cookies.set("RUI-Session-Token", "nonsense")
    answer = caller.post(REPORT_PATH)

    assert (answer.status_code, code_of(answer)) == (401, "NOT_AUTHENTICATED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_csrf_value_of_another_session_is_refused(ada: TestClient, world: World) -> None:
    other = DescribedClient(world.app())
    log_in(other)
    ada.cookies.set("RUI-Csrf", other.cookies["RUI-Csrf"], domain="testserver.local", path="/")
    answer = ada.post(REPORT_PATH)

    assert (answer.status_code, code_of(answer)) == (403, "CSRF_MISMATCH")


def test_a_session_without_csrf_cookie_is_refused(ada: TestClient) -> None:
    ada.cookies.delete("RUI-Csrf")

    assert code_of(ada.post(REPORT_PATH)) == "CSRF_MISMATCH"


def test_asking_for_a_csrf_cookie_again_keeps_the_session_working(ada: TestClient) -> None:
    ada.get("/v3/request-csrf")

    assert ada.post(REPORT_PATH).status_code == 200


def test_the_csrf_header_must_match_if_it_is_sent(ada: TestClient) -> None:
    right = ada.post(REPORT_PATH, headers={"X-RUI-Csrf": ada.cookies["RUI-Csrf"]})
    wrong = ada.post(REPORT_PATH, headers={"X-RUI-Csrf": "other"})
    wrong_login = ada.post(LOGIN, json=CREDENTIALS, headers={"X-RUI-Csrf": "other"})

    assert right.status_code == 200
    assert (code_of(wrong), code_of(wrong_login)) == ("CSRF_MISMATCH", "CSRF_MISMATCH")
