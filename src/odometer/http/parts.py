"""What the HTTP room is given by the composition root: open stores and plain values, never settings."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from starlette.requests import Request

from odometer.accounts import Registry
from odometer.clock import Clock
from odometer.reports import REPORTS
from odometer.reports.definition import Report

if TYPE_CHECKING:
    from odometer.store.questions import Questions

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpParts:
    """Everything `create_http` composes.

    Attributes:
        registry: accounts; whoever opened it closes it.
        clock: tells now and today.
        questions: the reading door of the analytics store.
        public_url: the address users see; https makes cookies Secure.
        allowed_origins: values of Origin accepted beside the public URL's own.
        cors_origins: origins whose pages may read answers; accepted as Origin too.
        trusted_proxies: networks whose X-Forwarded-For is believed.
        max_body_bytes: largest body of a request to /v3.
        report_seconds: time limit of a report, from the moment it is handed to the pool.
        reports_per_user: reports of one user at the same time.
        report_wait_seconds: how long a further one waits.
        login_failures_per_user: failures from one address within the window before 429.
        login_failures_per_address: the same of all users.
        login_window_minutes: the window.
        worker_threads: threads that run reports.
        reports: the operations `POST {path}/{product_id}`.
        routers: further routes, such as collecting.
        require_right_figures: raises `Problem` while reports could only give wrong figures.
        readiness: further checks of /readyz by name; each raises when its part is not ready. May block.
        on_close: called when the server has finished its last request.
        metrics: where this server's metrics are registered.
        metrics_access: who may read /metrics here; `elsewhere` = it is served at an address of its own.
        monotonic_s: measures spans of time that a fixed clock must not stop.

    """

    registry: Registry
    clock: Clock
    questions: "Questions"
    public_url: str
    allowed_origins: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    max_body_bytes: int = 4 * _MIB
    report_seconds: float = 60
    reports_per_user: int = 4
    report_wait_seconds: float = 10
    login_failures_per_user: int = 10
    login_failures_per_address: int = 30
    login_window_minutes: int = 15
    worker_threads: int = 4
    reports: tuple[Report[Any, Any], ...] = REPORTS
    routers: Sequence[APIRouter] = ()
    require_right_figures: Callable[[], None] = lambda: None
    readiness: dict[str, Callable[[], None]] = field(default_factory=dict)
    on_close: Callable[[], None] | None = None
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)
    metrics_access: Literal["token", "open", "elsewhere"] = "token"
    monotonic_s: Callable[[], float] = time.monotonic

    @property
    def is_secure(self) -> bool:
        """Whether cookies travel over https only."""
        return self.public_url.startswith("https://")


def parts_of(request: Request) -> HttpParts:
    """The parts of the application that serves this request."""
    parts: HttpParts = request.app.state.parts
    return parts
