"""A real application over a real registry; only the analytics store is a stand-in, as no test here asks it anything."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.testclient import TestClient
from typing_extensions import TypedDict

from odometer.accounts import Permission, Registry, open_registry
from odometer.clock import Clock
from odometer.http import HttpParts, create_http
from odometer.model.compatibility import Compatibility, Topic
from odometer.reports.definition import Context, PositiveNumber, Report, ReportRequest
from odometer.selection.wire import whole
from odometer.store.engine import Job
from odometer.store.questions import Questions
from tests.described import DescribedClient

EMAIL = "ada@example.com"
PASSWORD = "correct horse"
PRODUCT = 2376158762
HIDDEN = 2376158763
FORBIDDEN = 2376158764
AS_OF_MS = 1_900_000_000_123
REPORT_PATH = f"/v3/reporting/echo/{PRODUCT}"


class MovableClock(Clock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.ms = 1_900_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def move(self, *, minutes: float) -> None:
        self.ms += int(minutes * 60_000)


class NoQuestions:
    """The door of a store that holds nothing."""

    def as_of_ms(self) -> int:
        return AS_OF_MS

    def custom_slots_in_use(self, _product_id: int) -> frozenset[str]:
        return frozenset()

    def stop(self, _job: Job) -> None:
        """Nothing is ever asked of it."""


class Item(BaseModel):
    model_config = ConfigDict(strict=True)
    limit: PositiveNumber


class EchoRequest(ReportRequest):
    """Answers with what it was asked."""

    text: str = "nothing"
    number: Annotated[int, BeforeValidator(whole)] | None = None
    items: list[Item] = Field(default_factory=list)
    fail: bool = False


class Answer(TypedDict):
    """What the reports here answer."""

    result: Any


def echo(request: EchoRequest, context: Context) -> Answer:
    if request.fail:
        raise ZeroDivisionError("the secret path /srv/data")
    return {"result": {"text": request.text, "number": request.number, "productId": context.product_id}}


def slow(_request: EchoRequest, _context: Context) -> Answer:
    time.sleep(0.8)
    return {"result": {}}


class MustRequest(ReportRequest):
    """Has a member that must be given."""

    start_date: str = Field(alias="startDate")


def must(request: MustRequest, context: Context) -> Answer:
    start = context.range_of(request.start_date, "NOW").start
    return {"result": start.isoformat()}


MARK = Compatibility(topic=Topic.GENERIC, settled="", ours="For tests only.")
SAID: tuple[dict[str, Any], Answer] = ({"text": "a"}, {"result": {}})
WANTED: tuple[dict[str, Any], Answer] = ({"startDate": "NOW"}, {"result": 0})
REPORTS: tuple[Report[Any, Any], ...] = (
    Report("/v3/reporting/echo", "Echo", "Says it again.", EchoRequest, Answer, echo, SAID, MARK),
    Report("/v3/reporting/slow", "Slow", "Takes its time.", EchoRequest, Answer, slow, SAID, MARK),
    Report("/v3/reporting/must", "Must", "Wants a day.", MustRequest, Answer, must, WANTED, MARK),
)


@dataclass
class World:
    """The application and what its tests turn and look at."""

    registry: Registry
    clock: MovableClock
    parts: HttpParts
    folder: Path

    def app(self, **changes: Any) -> FastAPI:
        return create_http(replace(self.parts, metrics=CollectorRegistry(), **changes))

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The registry's file, for what another process might do with it; what is changed is committed."""
        connection = sqlite3.connect(self.folder / "registry.sqlite")
        with closing(connection), connection:
            yield connection


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = MovableClock()
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock, hasher=cheap)
    for product_id, name in ((PRODUCT, "Facet"), (HIDDEN, "Hidden"), (FORBIDDEN, "Forbidden")):
        registry.products.add(name, product_id)
    registry.users.add(EMAIL, PASSWORD, display_name="Ada")
    registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING])
    registry.users.grant(EMAIL, FORBIDDEN, [Permission.LICENSE_FILTERING])
    parts = HttpParts(
        registry=registry,
        clock=clock,
        questions=cast("Questions", NoQuestions()),
        public_url="http://testserver",
        allowed_origins=("https://allowed.example",),
        reports=REPORTS,
        monotonic_s=lambda: clock.ms / 1000,
    )
    yield World(registry, clock, parts, tmp_path)
    registry.close()


Connect = Callable[..., TestClient]


@pytest.fixture
def connect(world: World) -> Iterator[Connect]:
    """Makes callers of the application; `connect(cors_origins=...)` of one with other parts."""
    opened: list[TestClient] = []

    def make(**changes: Any) -> TestClient:
        caller = DescribedClient(world.app(**changes), raise_server_exceptions=False, base_url=world.parts.public_url)
        opened.append(caller.__enter__())
        return caller

    yield make
    for caller in opened:
        caller.__exit__(None, None, None)


@pytest.fixture
def caller(connect: Connect) -> TestClient:
    """Somebody who has not logged in."""
    return connect()


@pytest.fixture
def ada(caller: TestClient) -> TestClient:
    """Ada, logged in with both cookies."""
    log_in(caller)
    return caller


def log_in(caller: TestClient, password: str = PASSWORD, user_name: str = EMAIL) -> Any:
    """Log in as a client does that asks for the cookie first."""
    caller.get("/v3/request-csrf")
    return caller.post("/v3/auth/web", json={"userName": user_name, "password": password})


def code_of(answer: Any) -> str:
    """The code of an error, after checking that it has the one shape."""
    error = answer.json()["error"]
    assert set(error) - {"field"} == {"code", "message", "requestId"}
    assert error["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    return str(error["code"])
