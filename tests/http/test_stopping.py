"""Reports that are given up: the caller who waited too long gets 503, the one who hung up stops his query."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
import uvicorn

from odometer.accounts import Permission
from odometer.reports.definition import Context, Report, ReportRequest
from odometer.store.engine import Job
from odometer.store.questions import Questions
from tests.http.conftest import AS_OF_MS, EMAIL, MARK, PRODUCT, SAID, Answer, Connect, World, code_of, log_in


class Endless:
    """The door of a store whose one question ends only when it is stopped."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.stopped = threading.Event()

    def as_of_ms(self) -> int:
        return AS_OF_MS

    def ask(self) -> None:
        self.asked.release()
        assert self.stopped.wait(30), "nobody stopped it"

    def stop(self, _job: Job) -> None:
        self.stopped.set()


def endless(_request: ReportRequest, context: Context) -> Answer:
    cast("Endless", context.questions).ask()
    return {"result": {}}


REPORT = Report("/v3/reporting/endless", "Endless", "Never ends.", ReportRequest, Answer, endless, SAID, MARK)
PATH = f"{REPORT.path}/{PRODUCT}"


@pytest.fixture
def questions() -> Iterator[Endless]:
    found = Endless()
    yield found
    found.stopped.set()


def test_a_report_over_its_time_is_stopped_and_answered_with_503(connect: Connect, questions: Endless) -> None:
    caller = connect(reports=(REPORT,), questions=cast("Questions", questions), report_seconds=0.2)
    log_in(caller)

    answer = caller.post(PATH, json={})

    assert (answer.status_code, code_of(answer)) == (503, "QUERY_TIMEOUT")
    assert int(answer.headers["Retry-After"]) >= 1
    assert questions.stopped.is_set()


def test_a_caller_who_hangs_up_stops_his_report(world: World, questions: Endless) -> None:
    token = world.registry.tokens.add("hang up", EMAIL)
    app = world.app(reports=(REPORT,), questions=cast("Questions", questions))
    with serving(app) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            head = (
                f"POST {PATH} HTTP/1.1\r\nHost: testserver\r\nAuthorization: Bearer {token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
            )
            caller.sendall(head.encode())
            assert questions.asked.acquire(timeout=10)
            assert not questions.stopped.is_set()
        assert questions.stopped.wait(10), "the report went on for nobody"


def test_the_places_of_a_user_are_free_again_after_hanging_up(world: World, questions: Endless) -> None:
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING])
    token = world.registry.tokens.add("hang up", EMAIL)
    app = world.app(reports=(REPORT,), questions=cast("Questions", questions), reports_per_user=1)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: testserver\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    with serving(app) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(head.encode())
            assert questions.asked.acquire(timeout=10)
        assert questions.stopped.wait(10)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(head.encode())
            answer = b"".join(iter(lambda: caller.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200")


@contextlib.contextmanager
def serving(app: Any) -> Iterator[int]:
    """The application on a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    listener.close()
