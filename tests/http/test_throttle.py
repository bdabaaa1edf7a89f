"""Login throttling: 10 failures of a user from an address and 30 of an address in 15 minutes."""

import pytest
from starlette.testclient import TestClient

from odometer.errors import Problem
from odometer.http.known_names import KnownNames
from odometer.http.throttle import LoginThrottle
from tests.described import DescribedClient
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
    assert refused.json()["error"]["message"] == "Too many failed logins; try again in 10 minutes."
    assert log_in(caller).status_code == 200


def test_the_last_minute_is_one() -> None:
    now = [0.0]
    throttle = LoginThrottle(1, 10, 15, lambda: now[0])
    throttle.begin("a", "1.2.3.4")
    now[0] = 14 * 60.0 + 1

    with pytest.raises(Problem, match=r"try again in 1 minute\.$"):
        throttle.begin("a", "1.2.3.4")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("how", ["password", "enable"])
def test_an_operator_lifts_the_lockout_of_one_user(caller: TestClient, world: World, how: str, *, known: bool) -> None:
    """Of the user at the address, and what the whole address has failed; others there wait on."""
    world.registry.users.add("eve@example.com", PASSWORD)
    if known:
        assert log_in(caller).status_code == 200
    for name in (EMAIL, "eve@example.com", "bob@example.com"):
        assert fail(caller, 10, name) == [401] * 10
    assert log_in(caller).status_code == 429

    if how == "password":
        world.registry.users.set_password(EMAIL, "seven lamps by the river")
    else:
        world.registry.users.set_disabled(EMAIL, disabled=False)

    password = PASSWORD if how == "enable" else "seven lamps by the river"
    assert fail(caller, 9) == [401] * 9
    assert log_in(caller, password, f" {EMAIL.upper()} ").status_code == 200
    assert log_in(caller, PASSWORD, "eve@example.com").status_code == 429
    assert fail(caller, 2) == [401, 429]


def test_whoever_was_unlocked_has_ten_failures_again(caller: TestClient, world: World) -> None:
    """As often as an operator says so, and no more."""
    assert fail(caller, 11) == [401] * 10 + [429]
    for _ in range(2):
        world.registry.users.set_disabled(EMAIL, disabled=False)
        assert fail(caller, 11) == [401] * 10 + [429]


def test_an_old_unlocking_lets_nobody_past_the_limit_of_an_address(caller: TestClient, world: World) -> None:
    world.registry.users.set_disabled(EMAIL, disabled=False)
    world.clock.move(minutes=15)
    for n in range(3):
        assert fail(caller, 10, f"user{n}@example.com") == [401] * 10

    assert log_in(caller).status_code == 429


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

    behind_proxy = DescribedClient(world.app(trusted_proxies=("10.0.0.0/8",)), client=("10.1.2.3", 1))
    direct = DescribedClient(world.app(), client=("10.1.2.3", 1))

    assert statuses(behind_proxy) == {401}
    assert statuses(direct) == {401, 429}


def test_attempts_at_the_same_moment_are_counted_before_they_are_checked() -> None:
    throttle = LoginThrottle(2, 10, 15, lambda: 0.0)
    throttle.begin("a", "1.2.3.4")
    throttle.begin("A ", "1.2.3.4")

    with pytest.raises(Problem):
        throttle.begin("a", "1.2.3.4")


def test_nobody_can_lock_out_somebody_else(world: World) -> None:
    attacker = DescribedClient(world.app(), client=("203.0.113.9", 1))
    app = attacker.app
    assert fail(attacker, 12) == [401] * 10 + [429] * 2

    assert log_in(DescribedClient(app, client=("198.51.100.7", 1))).status_code == 200


def test_one_ipv6_network_is_one_address() -> None:
    throttle = LoginThrottle(10, 2, 15, lambda: 0.0)
    throttle.begin("a", "2001:db8::1")
    throttle.begin("b", "2001:db8::2")
    throttle.begin("c", "2001:db8:1::1")

    with pytest.raises(Problem):
        throttle.begin("d", "2001:db8::3")


def test_one_ipv4_address_is_one_however_it_is_written() -> None:
    throttle = LoginThrottle(10, 2, 15, lambda: 0.0)
    throttle.begin("a", "203.0.113.9")
    throttle.begin("b", "::ffff:203.0.113.9")

    with pytest.raises(Problem):
        throttle.begin("c", "::ffff:cb00:7109")


@pytest.mark.parametrize(
    "entries",
    [
        [f"203.0.113.9:{5000 + n}" for n in range(11)],
        [f"[2001:db8::9]:{5000 + n}" for n in range(11)],
        [f'"[2001:db8::{n + 1}]"' for n in range(11)],
        ["203.0.113.9", "::ffff:203.0.113.9", " 203.0.113.9 ", "[::ffff:203.0.113.9]:443"] * 3,
        [f"unknown{n}" for n in range(11)],
        [f"203.0.113.{n}, 203.0.113.9:80" for n in range(11)],
    ],
)
@pytest.mark.parametrize("proxies", ["10.0.0.0/8", "::ffff:10.0.0.0/104"])
def test_a_proxy_gives_a_caller_no_second_address(world: World, entries: list[str], proxies: str) -> None:
    caller = DescribedClient(world.app(trusted_proxies=(proxies,)), client=("::ffff:10.1.2.3", 1))
    caller.get("/v3/request-csrf")
    statuses = [
        caller.post(
            "/v3/auth/web",
            json={"userName": EMAIL, "password": "wrong horse"},
            headers={"X-Forwarded-For": entry},
        ).status_code
        for entry in entries
    ]

    assert statuses[:10] == [401] * 10
    assert statuses[10] == 429


def test_whoever_has_signed_in_from_an_address_is_not_kept_out_by_others_there(
    caller: TestClient, world: World
) -> None:
    world.registry.users.add("eve@example.com", PASSWORD)
    assert log_in(caller).status_code == 200
    for n in range(3):
        assert fail(caller, 10, f"user{n}@example.com") == [401] * 10

    assert fail(caller, 1, "user3@example.com") == [429]
    assert log_in(caller, PASSWORD, "eve@example.com").status_code == 429
    assert log_in(caller, PASSWORD, f" {EMAIL.upper()}").status_code == 200
    assert fail(caller, 11) == [401] * 10 + [429]


def test_whoever_is_known_there_has_ten_failures_too(caller: TestClient) -> None:
    assert log_in(caller).status_code == 200

    assert fail(caller, 11) == [401] * 10 + [429]
    assert log_in(caller).status_code == 429


def test_where_nobody_is_known_the_body_is_not_read() -> None:
    throttle = LoginThrottle(10, 2, 15, lambda: 0.0)
    throttle.welcome("ada", "203.0.113.9")
    for address in ("203.0.113.9", "203.0.113.10"):
        throttle.begin("a", address)
        throttle.begin("b", address)

    throttle.check_address("203.0.113.9")
    with pytest.raises(Problem):
        throttle.check_address("203.0.113.10")


def test_a_name_is_known_for_thirty_days_after_its_last_sign_in() -> None:
    known, day = KnownNames(), 86_400.0
    known.note("ada", "home", 0)
    known.note("eve", "home", 0)
    known.note("ada", "home", 10 * day)

    assert known.has("eve", "home", 30 * day - 1)
    assert not known.has("eve", "home", 30 * day)
    assert not known.has("ada", "elsewhere", 30 * day)
    assert known.has_any("home", 40 * day - 1)
    assert not known.has_any("home", 40 * day)


def test_only_so_many_names_are_known_those_that_came_last() -> None:
    known = KnownNames(at_most=2)
    for n, name in enumerate(("ada", "eve", "ada", "bob")):
        known.note(name, "home", n)

    assert [name for name in ("ada", "bob", "eve") if known.has(name, "home", 4)] == ["ada", "bob"]
