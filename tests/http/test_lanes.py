"""Work of one kind never keeps work of another kind waiting, and a full queue says so."""

import asyncio
import threading
from functools import partial
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.errors import Problem
from odometer.http.body import BodyMemory
from odometer.http.clients import clients_router
from odometer.http.lanes import Lane, Lanes
from odometer.privacy.erase import Erasing
from tests.http.conftest import EMAIL, PASSWORD, PRODUCT, REPORT_PATH, Connect, World, code_of, log_in


def lane(**changes: Any) -> Lane:
    return Lane("Full.", **{"threads": 1, "waiting": 1, "wait_s": 5, **changes})


def test_a_lane_runs_so_many_at_once_and_lets_so_many_wait() -> None:
    go = threading.Event()

    async def main() -> None:
        one = lane()
        running = asyncio.create_task(one.run(lambda: go.wait(10)))
        waiting = asyncio.create_task(one.run(lambda: "second"))
        await asyncio.sleep(0.05)
        with pytest.raises(Problem, match=r"Full\. Try again later") as caught:
            await one.run(lambda: "third")
        assert (caught.value.code, caught.value.retry_after_s) == ("BUSY", 5)
        assert not waiting.done()
        go.set()
        assert (await running, await waiting) == (True, "second")
        assert await one.run(lambda: "fourth") == "fourth"

    asyncio.run(main())


def test_reading_metrics_is_no_work_that_metrics_tell_of() -> None:
    lanes = Lanes()

    async def main() -> list[dict[str, int]]:
        return [await lanes.operating.run(lanes.inside), await lanes.asking.run(lanes.inside)]

    operating, asking = asyncio.run(main())

    assert set(operating) == {"collecting", "large_batches", "reading", "asking", "changing", "erasing"}
    assert (sum(operating.values()), sum(asking.values()), asking["asking"]) == (0, 1, 1)


def test_a_place_that_comes_too_late_is_told() -> None:
    go = threading.Event()

    async def main() -> None:
        one = lane(wait_s=0.05)
        running = asyncio.create_task(one.run(lambda: go.wait(10)))
        await asyncio.sleep(0.01)
        with pytest.raises(Problem) as caught:
            await one.run(lambda: "late")
        assert caught.value.code == "BUSY"
        go.set()
        await running
        assert await one.run(lambda: "next") == "next"

    asyncio.run(main())


def test_work_that_fails_gives_its_place_back() -> None:
    async def main() -> None:
        one = lane()
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await one.run(lambda: 1 // 0)
        assert await one.run(lambda: "next") == "next"

    asyncio.run(main())


def test_larger_bodies_share_a_bounded_memory() -> None:
    memory = BodyMemory(300 << 10)
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    memory.hold(first, 200 << 10)
    memory.hold({}, 100 << 10)  # a small one always finds a place

    with pytest.raises(Problem) as caught:
        memory.hold(second, 200 << 10)
    assert (caught.value.code, caught.value.retry_after_s) == ("BUSY", 5)

    memory.release(first)
    memory.release(first)
    memory.hold(second, 300 << 10)


@pytest.mark.parametrize("path", ["/v3/auth/logout", "/v3/auth/web"])
def test_signing_in_and_out_take_four_kibibytes(caller: TestClient, path: str) -> None:
    caller.get("/v3/request-csrf")

    assert caller.post(path, content=b" " * 4097, headers={"Content-Type": "application/json"}).status_code == 413
    assert caller.post("/v3/auth/logout", content=b" " * 4096).status_code == 204


def test_an_address_over_its_limit_is_refused_before_its_body_is_read(connect: Connect) -> None:
    caller = connect(login_failures_per_address=5, login_failures_per_user=100)
    for number in range(5):
        assert log_in(caller, "wrong password", f"user{number}@example.com").status_code == 401

    answer = caller.post("/v3/auth/web", content=b"not json")

    assert (answer.status_code, code_of(answer)) == (429, "TOO_MANY_REQUESTS")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_body_of_too_many_values_is_refused(ada: TestClient) -> None:
    body = b'{"text": "a", "items": [' + b"[]," * 100_000 + b"[]]}"

    answer = ada.post(REPORT_PATH, content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, code_of(answer)) == (413, "BODY_TOO_LARGE")


class EndlessErasing:
    """Erases until it is told to stop, as an erasure of many clients does for a while."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.ended = 0

    def erase(self, *_: object, **__: object) -> None:
        self.go.wait(10)
        self.ended += 1
        raise Problem("BUSY", "Stopped by the test.", retry_after_s=1)


def test_health_and_signing_in_never_wait_for_erasures(world: World, connect: Connect) -> None:
    """60 of them took all 40 threads that everybody shared: health checks waited 15 seconds."""
    erasing = EndlessErasing()
    caller = connect(routers=[clients_router(cast("Erasing", erasing), lambda: None)])
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.ADMIN])
    token = world.registry.tokens.add("eraser", EMAIL)
    call = partial(
        caller.post,
        f"/admin/v1/products/{PRODUCT}/clients/erase",
        json={"clientIds": ["client-0001"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    threads = [threading.Thread(target=call) for _ in range(60)]
    for thread in threads:
        thread.start()
    try:
        assert caller.get("/healthz").status_code == 200
        assert log_in(caller, PASSWORD, EMAIL).status_code == 200
        assert caller.get("/readyz").status_code == 200
        assert erasing.ended == 0
    finally:
        erasing.go.set()
        for thread in threads:
            thread.join()


def test_health_never_waits_for_readiness(connect: Connect) -> None:
    go = threading.Event()
    ended: list[int] = []

    def slow() -> None:
        go.wait(10)
        ended.append(1)

    caller = connect(readiness={"slow": slow})
    threads = [threading.Thread(target=caller.get, args=("/readyz",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert caller.get("/healthz").status_code == 200
        assert ended == []
    finally:
        go.set()
        for thread in threads:
            thread.join()
