"""What is under way while a user is disabled, removed or given another password, and what comes after them."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Caller
from odometer.errors import Problem
from tests.http.conftest import EMAIL, PASSWORD, REPORT_PATH, World, code_of

NEW = "seven lamps by the river"
OTHER = "bob@example.com"


def signing_in(world: World) -> Caller:
    """Somebody whose password was found to be right a moment ago."""
    caller = world.registry.users.check_password(EMAIL, PASSWORD)
    assert caller is not None
    return caller


MEANWHILE: dict[str, Callable[[World], object]] = {
    "disabled": lambda world: world.registry.users.set_disabled(EMAIL, disabled=True),
    "removed": lambda world: world.registry.users.remove(EMAIL),
    "another password": lambda world: world.registry.users.set_password(EMAIL, NEW),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_sign_in_under_way_does_not_outlive_its_user_or_password(world: World, meanwhile: str) -> None:
    caller = signing_in(world)
    MEANWHILE[meanwhile](world)

    with pytest.raises(Problem) as refused:
        world.registry.sessions.open(caller)

    assert refused.value.code == "BAD_CREDENTIALS"


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_change_of_password_under_way_does_not_undo_what_an_operator_does(world: World, meanwhile: str) -> None:
    caller = signing_in(world)
    MEANWHILE[meanwhile](world)

    with pytest.raises(Problem) as refused:
        world.registry.users.set_own_password(caller, "nine boats in the harbour", revoke_tokens=False)

    assert refused.value.code == "BAD_CREDENTIALS"
    assert world.registry.users.check_password(EMAIL, "nine boats in the harbour") is None


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_a_sign_in_that_lost_the_race_is_answered_as_a_wrong_password(
    world: World, caller: TestClient, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    check = world.registry.users.check_password

    def check_and_lose(email: str, password: str) -> Caller | None:
        found = check(email, password)
        MEANWHILE[meanwhile](world)
        return found

    monkeypatch.setattr(world.registry.users, "check_password", check_and_lose)
    caller.get("/v3/request-csrf")

    answer = caller.post("/v3/auth/web", json={"userName": EMAIL, "password": PASSWORD})

    assert (answer.status_code, code_of(answer)) == (401, "BAD_CREDENTIALS")
    assert "RUI-Session-Token" not in answer.headers.get("Set-Cookie", "")


def test_a_session_is_nobodys_once_its_user_is_disabled_whoever_left_it_there(ada: TestClient, world: World) -> None:
    with world.database() as connection:
        connection.execute("UPDATE users SET disabled_ms = 1")

    assert ada.post(REPORT_PATH, json={}).status_code == 401


def test_what_proves_a_password_is_in_no_text(world: World) -> None:
    caller = signing_in(world)

    assert caller.password_proof
    assert caller.password_proof not in repr(caller)
