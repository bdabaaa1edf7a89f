"""People and their tokens: what ends when a password changes, a user is disabled or a token is over."""

import json
import re
from typing import Any

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.errors import Problem
from tests.http.conftest import EMAIL, PASSWORD, PRODUCT, REPORT_PATH, Connect, World, code_of, log_in

NEW = "seven lamps by the river"
URL = "/admin/v1/account/password"
DAY_MINUTES = 24 * 60
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def change(caller: TestClient, **members: Any) -> Any:
    return caller.post(URL, json={"currentPassword": PASSWORD, "newPassword": NEW, "revokeTokens": True} | members)


def status(caller: TestClient, token: str) -> int:
    caller.cookies.clear()
    return caller.post(REPORT_PATH, json={}, headers=bearer(token)).status_code


@pytest.mark.parametrize("revokes", [True, False])
def test_changing_ones_password_ends_sessions_and_asks_about_tokens(
    ada: TestClient, world: World, *, revokes: bool
) -> None:
    token = world.registry.tokens.add("ci", EMAIL)

    answer = change(ada, revokeTokens=revokes)

    assert (answer.status_code, answer.json()) == (200, {"result": {"tokensInForce": 0 if revokes else 1}})
    assert ada.post(REPORT_PATH, json={}).status_code == 401
    assert status(ada, token) == (401 if revokes else 200)
    assert log_in(ada, PASSWORD).status_code == 401
    assert log_in(ada, NEW).status_code == 200
    entry = next(one for one in world.registry.audit_log() if one.action == "user.set_password")
    assert (entry.actor, entry.detail) == (EMAIL, {"revokeTokens": revokes})


@pytest.mark.parametrize(
    ("members", "code", "field"),
    [
        ({"currentPassword": "wrong horse"}, "BAD_CREDENTIALS", "currentPassword"),
        ({"newPassword": "short"}, "INVALID_FIELD", "newPassword"),
        ({"newPassword": "password1234"}, "INVALID_FIELD", "newPassword"),
        ({"newPassword": PASSWORD}, "INVALID_FIELD", "newPassword"),
        ({"newPassword": f"{EMAIL}!"}, "INVALID_FIELD", "newPassword"),
        ({"revokeTokens": None}, "INVALID_FIELD", "revokeTokens"),
        ({"revoke": True}, "INVALID_FIELD", "revoke"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changed(
    ada: TestClient, members: dict[str, Any], code: str, field: str
) -> None:
    answer = change(ada, **members)

    assert (code_of(answer), answer.json()["error"]["field"]) == (code, field)
    assert PASSWORD not in answer.text
    assert ada.post(REPORT_PATH, json={}).status_code == 200


def test_what_becomes_of_tokens_has_to_be_said(ada: TestClient) -> None:
    answer = ada.post(URL, json={"currentPassword": PASSWORD, "newPassword": NEW})

    assert (code_of(answer), answer.json()["error"]["field"]) == ("MISSING_FIELD", "revokeTokens")


def test_a_token_cannot_change_the_password(caller: TestClient, world: World) -> None:
    token = world.registry.tokens.add("ci", EMAIL)

    answer = caller.post(
        URL, json={"currentPassword": PASSWORD, "newPassword": NEW, "revokeTokens": True}, headers=bearer(token)
    )

    assert (answer.status_code, code_of(answer)) == (403, "PERMISSION_DENIED")


def test_guessing_the_current_password_is_throttled(ada: TestClient) -> None:
    statuses = [change(ada, currentPassword=f"wrong horse {n}").status_code for n in range(11)]

    assert statuses == [401] * 10 + [429]


def test_a_disabled_user_is_out_at_once_and_can_come_back(ada: TestClient, world: World) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    world.registry.users.set_disabled(EMAIL, disabled=True)

    assert ada.post(REPORT_PATH, json={}).status_code == 401
    assert log_in(ada).status_code == 401
    assert status(ada, token) == 401

    world.registry.users.set_disabled(EMAIL, disabled=False)

    assert log_in(ada).status_code == 200
    assert status(ada, token) == 401


def test_a_removed_user_is_gone_with_sessions_and_tokens(ada: TestClient, world: World) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    world.registry.users.remove(EMAIL)

    assert ada.post(REPORT_PATH, json={}).status_code == 401
    assert status(ada, token) == 401
    assert log_in(ada).status_code == 401
    assert world.registry.tokens.list() == []


def test_a_demoted_administrator_keeps_only_what_was_granted(world: World, caller: TestClient) -> None:
    users = world.registry.users
    users.add("root@example.com", NEW, is_admin=True)
    users.set_admin(EMAIL, is_admin=True)
    token = world.registry.tokens.add("ci", EMAIL)
    users.set_admin(EMAIL, is_admin=False)

    assert status(caller, token) == 401
    found = users.check_password(EMAIL, PASSWORD)
    assert found is not None
    assert found.permissions_on(PRODUCT) == {Permission.REPORTING}


@pytest.mark.parametrize("act", ["remove", "disable", "demote"])
def test_the_last_administrator_stays(world: World, act: str) -> None:
    users = world.registry.users
    users.set_admin(EMAIL, is_admin=True)
    users.add("off@example.com", NEW, is_admin=True)
    users.set_disabled("off@example.com", disabled=True)
    acts = {
        "remove": lambda: users.remove(EMAIL),
        "disable": lambda: users.set_disabled(EMAIL, disabled=True),
        "demote": lambda: users.set_admin(EMAIL, is_admin=False),
    }

    with pytest.raises(Problem, match="last administrator"):
        acts[act]()

    users.set_disabled("off@example.com", disabled=False)
    acts[act]()


def test_a_token_ends_after_its_days_and_says_so(world: World, caller: TestClient) -> None:
    short = world.registry.tokens.add("short", EMAIL, days=2)
    usual = world.registry.tokens.add("usual", EMAIL)
    world.clock.move(minutes=2 * DAY_MINUTES - 1)
    assert status(caller, short) == 200
    world.clock.move(minutes=1)

    refused = caller.post(REPORT_PATH, json={}, headers=bearer(short))

    assert (refused.status_code, code_of(refused)) == (401, "NOT_AUTHENTICATED")
    assert re.search(r"has ended at 2030-03-\d\dT", refused.json()["error"]["message"])
    world.clock.move(minutes=362 * DAY_MINUTES)
    assert status(caller, usual) == 200
    world.clock.move(minutes=DAY_MINUTES)
    assert status(caller, usual) == 401


@pytest.mark.parametrize("days", [0, -1, 3_651])
def test_a_token_holds_for_a_day_to_ten_years(world: World, days: int) -> None:
    with pytest.raises(Problem, match="1 to 3,650 days"):
        world.registry.tokens.add("ci", EMAIL, days=days)


def test_a_list_tells_which_token_is_which_and_when_it_was_used(world: World, caller: TestClient) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    world.clock.move(minutes=7)
    assert status(caller, token) == 200
    world.registry.write_last_uses()

    (entry,) = world.registry.tokens.list()

    assert entry.prefix == token[:8]
    assert entry.last_used_ms == entry.created_ms + 7 * 60_000
    assert entry.expires_ms == entry.created_ms + 365 * 86_400_000


def test_a_revoked_token_says_so(world: World, caller: TestClient) -> None:
    token = world.registry.tokens.add("ci", EMAIL)
    world.registry.tokens.revoke("ci", EMAIL)

    assert "was revoked at 2030-03-17T" in caller.post(REPORT_PATH, headers=bearer(token)).json()["error"]["message"]
    unknown = caller.post(REPORT_PATH, headers=bearer("odt_unknown")).json()["error"]["message"]
    assert unknown == "This API token is unknown."


def test_an_ingestion_key_in_place_of_a_token_is_recognised(world: World, caller: TestClient) -> None:
    key = world.registry.keys.add(PRODUCT).text

    answer = caller.post(REPORT_PATH, headers=bearer(key))

    assert answer.status_code == 401
    assert "This is an ingestion key" in answer.json()["error"]["message"]


@pytest.mark.parametrize("sign", ["x", "я", "😀"])
@pytest.mark.parametrize("escaped", [True, False])
def test_every_password_that_is_taken_can_be_changed_and_signs_in(
    world: World, caller: TestClient, sign: str, *, escaped: bool
) -> None:
    email = "l" * 300 + "@example.com"
    first, second = ("abcdef" + sign * 250, "ghijkl" + sign * 250)

    def post(path: str, members: dict[str, Any]) -> Any:
        return caller.post(
            path,
            content=json.dumps(members, ensure_ascii=escaped).encode(),
            headers={"Content-Type": "application/json"},
        )

    world.registry.users.add(email, first)
    caller.get("/v3/request-csrf")

    assert post("/v3/auth/web", {"userName": email, "password": first}).status_code == 200
    members = {"currentPassword": first, "newPassword": second, "revokeTokens": False}
    assert post(URL, members).status_code == 200
    caller.get("/v3/request-csrf")
    assert post("/v3/auth/web", {"userName": email, "password": second}).status_code == 200


def test_a_longer_password_of_before_can_be_changed(world: World, caller: TestClient) -> None:
    before = "old " * 256
    with world.database() as connection:
        connection.execute("UPDATE users SET password_hash = ?", (CHEAP.hash(before),))

    assert log_in(caller, before).status_code == 200
    assert change(caller, currentPassword=before).status_code == 200
    assert log_in(caller, NEW).status_code == 200


@pytest.mark.parametrize("email", ["l" * 310 + "@example.com", "я" * 150 + "@example.com"])
def test_an_address_that_would_fit_into_no_login_is_refused(world: World, email: str) -> None:
    with pytest.raises(Problem, match="no email address"):
        world.registry.users.add(email, NEW)


@pytest.mark.parametrize(("is_admin", "expected"), [(True, 200), (False, 403)])
def test_an_administrators_session_reads_metrics(
    world: World, ada: TestClient, *, is_admin: bool, expected: int
) -> None:
    if is_admin:  # promoting ends no session
        world.registry.users.set_admin(EMAIL, is_admin=True)

    assert ada.get("/metrics").status_code == expected


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        ("token", {"nobody": 401, "user": 403, "administrator": 200, "of one product": 403, "read-only": 200}),
        ("open", dict.fromkeys(("nobody", "user", "administrator", "of one product", "read-only"), 200)),
        ("elsewhere", dict.fromkeys(("nobody", "user", "administrator", "of one product", "read-only"), 404)),
    ],
)
def test_metrics_are_for_administrators_unless_the_operator_says_otherwise(
    world: World, connect: Connect, access: str, expected: dict[str, int]
) -> None:
    registry, root = world.registry, "root@example.com"
    registry.users.add(root, NEW, is_admin=True)
    tokens = {
        "user": registry.tokens.add("a", EMAIL),
        "administrator": registry.tokens.add("b", root),
        "of one product": registry.tokens.add("c", root, products=[PRODUCT]),
        "read-only": registry.tokens.add("d", root, is_read_only=True),
    }
    caller = connect(metrics_access=access)

    found = {
        who: caller.get("/metrics", headers=bearer(tokens[who]) if who in tokens else {}).status_code
        for who in expected
    }

    assert found == expected
