"""Running the server: both stores open, background threads running, HTTP until interrupted."""

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from odometer.app import clock_of, registry_of
from odometer.collect.envelope import ParseOptions, nowhere
from odometer.collect.geography import open_geography
from odometer.collect.ingest import Ingest
from odometer.errors import StartError
from odometer.http import HttpParts, create_http
from odometer.http.collect import collect_router
from odometer.http.request_log import configure_logging
from odometer.settings import Settings
from odometer.store.analytics import open_live_analytics

# Longer than the longest report may take: stopping lets running requests finish.
_GRACE_S = 10


@contextlib.contextmanager
def application_of(settings: Settings) -> Iterator[FastAPI]:
    """The application on open stores, which are closed after the block. Raises `StartError`."""
    clock = clock_of(settings)
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(registry_of(settings))
        analytics = open_live_analytics(
            settings.analytics,
            clock,
            report_threads=settings.worker_threads,
            report_seconds=settings.report_seconds,
            report_memory_mib=settings.report_memory_mib,
        )
        stack.callback(analytics.close)
        collect = collect_router(
            Ingest(analytics.writer, clock),
            ParseOptions(
                locate=nowhere if settings.geo is None else open_geography(settings.geo),
                max_age_days=settings.max_record_age_days,
                max_bytes=settings.max_collect_bytes,
                max_decompressed_bytes=settings.max_collect_decompressed_bytes,
            ),
        )
        yield create_http(
            HttpParts(
                registry=registry,
                clock=clock,
                questions=analytics.questions,
                public_url=settings.public_url,
                allowed_origins=settings.allowed_origins,
                cors_origins=settings.cors_origins,
                trusted_proxies=settings.trusted_proxies,
                max_body_bytes=settings.max_body_bytes,
                report_seconds=settings.report_seconds,
                reports_per_user=settings.reports_per_user,
                report_wait_seconds=settings.report_wait_seconds,
                login_failures_per_user=settings.login_failures_per_user,
                login_failures_per_address=settings.login_failures_per_address,
                login_window_minutes=settings.login_window_minutes,
                worker_threads=settings.worker_threads,
                routers=[collect],
                readiness={"analytics": analytics.questions.ping},
            )
        )


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def serve(settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGINT or SIGTERM; running requests are finished. Raises `StartError` when it cannot start."""
    configure_logging(settings.log_level)
    with application_of(settings) as app:
        config = uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            access_log=False,
            log_config=None,
            server_header=False,
            # Only configured proxies are believed (ODOMETER_TRUSTED_PROXIES), and by our own rule.
            proxy_headers=False,
            timeout_graceful_shutdown=settings.report_seconds + _GRACE_S,
        )
        server = _Server(config, on_ready)
        try:
            server.run()
        except SystemExit as error:
            raise StartError(f"Cannot listen on {settings.host}:{settings.port}; is the port in use?") from error
