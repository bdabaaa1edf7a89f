"""Login throttling: 10 failures of a user from an address and 30 of an address in 15 minutes."""

import pytest
from starlette.testclient import TestClient

from odometer.errors import Problem
from odometer.http.throttle import LoginThrottle
from tests.http.conftest import EMAIL, PASSWORD, World, code_of, log_in


def fail(caller: TestClient, times: int, user_name: str = EMAIL) -> list[int]:
    return [log_in(caller, "wrong horse", user_name).status_code for _ in range(times)]


def test_after_ten_failures_even_the_right_password_waits(caller: TestClient, world: World) -> None:
    assert fail(caller, 10) == [401] * 10
    world.clock.move(minutes=5)
    refused = log_in(caller)
    world.clock.move(minutes=10)

    assert (refused.status_code, code_of(refused)) == (429, "TOO_MANY_REQUESTS")
    assert refused.headers["Retry-After"] == "600"
    assert log_in(caller).status_code == 200


def test_successes_do_not_count(caller: TestClient) -> None:
    assert [log_in(caller).status_code for _ in range(12)] == [200] * 12


def test_refusals_for_a_missing_cookie_do_not_count(caller: TestClient) -> None:
    for _ in range(20):
        caller.cookies.clear()
        caller.post("/v3/auth/web", json={"userName": EMAIL, "password": PASSWORD})

    assert log_in(caller).status_code == 200


def test_malformed_logins_do_not_count(caller: TestClient) -> None:
    caller.get("/v3/request-csrf")
    for _ in range(40):
        caller.post("/v3/auth/web", content="{")

    assert log_in(caller).status_code == 200


def test_an_address_has_thirty_failures_whoever_is_tried(caller: TestClient) -> None:
    for n in range(3):
        assert fail(caller, 10, f"user{n}@example.com") == [401] * 10

    assert log_in(caller).status_code == 429


def test_a_forwarded_address_counts_only_from_trusted_proxies(world: World) -> None:
    def statuses(app_caller: TestClient) -> set[int]:
        app_caller.get("/v3/request-csrf")
        return {
            app_caller.post(
                "/v3/auth/web",
                json={"userName": f"u{n}@example.com", "password": "wrong horse"},
                headers={"X-Forwarded-For": f"203.0.113.{n}"},
            ).status_code
            for n in range(31)
        }

    behind_proxy = TestClient(world.app(trusted_proxies=("10.0.0.0/8",)), client=("10.1.2.3", 1))
    direct = TestClient(world.app(), client=("10.1.2.3", 1))

    assert statuses(behind_proxy) == {401}
    assert statuses(direct) == {401, 429}


def test_attempts_at_the_same_moment_are_counted_before_they_are_checked() -> None:
    throttle = LoginThrottle(2, 10, 15, lambda: 0.0)
    throttle.begin("a", "1.2.3.4")
    throttle.begin("A ", "1.2.3.4")

    with pytest.raises(Problem):
        throttle.begin("a", "1.2.3.4")


def test_nobody_can_lock_out_somebody_else(world: World) -> None:
    attacker = TestClient(world.app(), client=("203.0.113.9", 1))
    app = attacker.app
    assert fail(attacker, 12) == [401] * 10 + [429] * 2

    assert log_in(TestClient(app, client=("198.51.100.7", 1))).status_code == 200


def test_one_ipv6_network_is_one_address() -> None:
    throttle = LoginThrottle(10, 2, 15, lambda: 0.0)
    throttle.begin("a", "2001:db8::1")
    throttle.begin("b", "2001:db8::2")
    throttle.begin("c", "2001:db8:1::1")

    with pytest.raises(Problem):
        throttle.begin("d", "2001:db8::3")
