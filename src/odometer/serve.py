"""Running the server: both stores open, background threads running, HTTP until interrupted."""

import contextlib
import resource
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import uvicorn
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, start_http_server

from odometer.accounts import Registry
from odometer.app import clock_of, registry_of, registry_sync_of
from odometer.backup.take import copy_registry
from odometer.clock import Clock
from odometer.collect.envelope import ParseOptions, no_geography
from odometer.collect.geography import open_geography
from odometer.collect.ingest import Ingest
from odometer.collect.large_batches import LargeBatches
from odometer.control import Control
from odometer.errors import Problem, StartError
from odometer.exports.client_list import client_list_writer
from odometer.exports.daily import DailyDuty, DailyFiles, Wanted, sources_of
from odometer.exports.files import open_files
from odometer.exports.jobs import ExportDuty
from odometer.exports.links import Links
from odometer.exports.worker import Worker
from odometer.http import HttpParts, create_http
from odometer.http.clients import clients_router
from odometer.http.collect import collect_router
from odometer.http.connections import BoundedConfig, ConnectionLimits, look_after
from odometer.http.daily_files import daily_files_router, wanted_by
from odometer.http.downloads import downloads_router
from odometer.http.exports import exports_router
from odometer.http.request_log import configure_logging
from odometer.installation import registry_file, store_note
from odometer.listening import require_free_addresses
from odometer.look_over import Check, DerivedRows, damage_of, disk_check, log_losses, look_over, not_ready
from odometer.monitoring import Collected, State, watch
from odometer.privacy.clean_up import CleanUp
from odometer.privacy.erase import Erasing
from odometer.settings import Settings
from odometer.store.analytics import LiveAnalytics, open_live_analytics
from odometer.store.parts import last_received

# How often connections are looked at, in ticks of uvicorn's tenth of a second.
_TICKS_PER_LOOK = 10
# More open files than a server of many months of data and its connections need.
_MOST_FILES = 65_536
# Deriving anew takes minutes.
_DAMAGED_RETRY_S = 300
# Longer than the longest report may take: stopping lets running requests finish.
_GRACE_S = 10
# How often daily files are brought up to date: soon after midnight, and well within an hour (chapter 08).
_DAILY_LOOK_S = 900
# How often files that are due are looked for; a new export wakes the worker at once.
_EXPORTS_LOOK_S = 60
# How often it is looked whether erased clients have left the disk; an erasure wakes the worker at once.
_CLEAN_UP_LOOK_S = 30
# How often it is written down when tokens and keys were used last.
_LAST_USES_S = 30
# How often new license keys and changes of the registry are looked for: figures follow within a minute.
_LICENSES_LOOK_S = 5
# How often records that are derived are entered in the ledger; those of the last look are missed by nobody.
_LEDGER_LOOK_S = 2
# How often derived rows that did not agree with the records are looked at again.
_DAMAGE_LOOK_S = 30


@contextlib.contextmanager
def application_of(settings: Settings) -> Iterator[FastAPI]:
    """The application on open stores, which are closed after the block. Raises `StartError`."""
    clock = clock_of(settings)
    with contextlib.ExitStack() as stack:
        look_over(settings)
        registry = stack.enter_context(registry_of(settings, may_begin=True))
        analytics = open_live_analytics(
            settings.analytics,
            clock,
            registry.blocked_clients.among,
            note=store_note(settings),
            report_threads=settings.worker_threads,
            report_seconds=settings.report_seconds,
            report_memory_mib=settings.report_memory_mib,
        )
        stack.callback(analytics.close)
        damage = damage_of(analytics.store, registry)
        _begin_work(registry, analytics, damage.derived, stack)
        metrics, metrics_access = _metrics_of(settings, stack)
        collected = Collected(metrics, clock, partial(last_received, analytics.store.engine))
        large_batches = LargeBatches(settings.geo)
        stack.callback(large_batches.close)
        collect = collect_router(
            Ingest(analytics.writer, clock, large_batches.parse),
            ParseOptions(
                locate=no_geography if settings.geo is None else open_geography(settings.geo),
                max_age_days=settings.max_record_age_days,
                max_bytes=settings.max_collect_bytes,
                max_decompressed_bytes=settings.max_collect_decompressed_bytes,
            ),
            collected.count,
        )
        readiness = {"analytics": analytics.questions.ping, **damage.checks, "disk_low": disk_check(settings)}
        _begin_control(settings, analytics, damage.derived, readiness, stack)
        app = create_http(
            HttpParts(
                metrics=metrics,
                metrics_access=metrics_access,
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
                routers=[collect, *_file_routers(settings, registry, analytics, clock, stack)],
                require_right_figures=partial(_require_right_figures, damage.derived, analytics),
                readiness=readiness,
            )
        )
        watch(metrics, _state_of(settings, app, registry, analytics, collected, clock))
        yield app


def _require_right_figures(derived: DerivedRows, analytics: LiveAnalytics) -> None:
    """Raise `Problem` while reports could only be wrong: a wrong figure is worse than none."""
    message = ""
    if derived.faults:
        message = "Figures are damaged; the operator has to derive them anew (odometer rebuild)."
    elif analytics.store.ledger.is_other_store:
        message = "The analytics store of this installation is gone; the operator has to bring it back."
    if message:
        raise Problem("STORE_UNAVAILABLE", message, retry_after_s=_DAMAGED_RETRY_S)


def _begin_work(
    registry: Registry, analytics: LiveAnalytics, derived: DerivedRows, stack: contextlib.ExitStack
) -> None:
    """Begin what is done again and again in the background, until the stack ends."""
    if not analytics.store.losses:
        # It would derive clients anew whose records are missing.
        licenses = Worker("licenses", _license_duty(registry, analytics), _LICENSES_LOOK_S)
        stack.callback(licenses.close)
    ledger = Worker("ledger", lambda _stopping: _enter_derived(analytics), _LEDGER_LOOK_S)
    stack.callback(ledger.close)
    if derived.faults:
        again = Worker("derived-rows", lambda _stopping: derived.look_again(analytics.deriver), _DAMAGE_LOOK_S)
        stack.callback(again.close)
    uses = Worker("last-uses", lambda _stopping: registry.write_last_uses(), _LAST_USES_S)
    stack.callback(uses.close)


def _begin_control(
    settings: Settings,
    analytics: LiveAnalytics,
    derived: DerivedRows,
    readiness: Mapping[str, Check],
    stack: contextlib.ExitStack,
) -> None:
    """Listen to commands until the stack ends."""
    copy = partial(copy_registry, registry_file(settings))
    control = Control(settings.data, lambda: analytics.snapshot(copy, derived.faults), partial(not_ready, readiness))
    stack.callback(control.close)


def _enter_derived(analytics: LiveAnalytics) -> None:
    if analytics.enter_derived():
        log_losses(analytics.store)


def _state_of(
    settings: Settings,
    app: FastAPI,
    registry: Registry,
    analytics: LiveAnalytics,
    collected: Collected,
    clock: Clock,
) -> State:
    return State(
        engine=analytics.store.engine,
        registry=registry,
        collected=collected,
        folder=settings.data,
        lag_s=lambda: max(0, clock.now_ms() - analytics.questions.as_of_ms()) / 1000,
        waiting=lambda: {"storing": analytics.writer.waiting, **app.state.lanes.inside()},
        damaged=lambda: bool(analytics.store.losses),
    )


def _metrics_of(
    settings: Settings, stack: contextlib.ExitStack
) -> tuple[CollectorRegistry, Literal["token", "open", "elsewhere"]]:
    """Where metrics are registered and who may read them; an address of their own is served until the stack ends."""
    metrics = CollectorRegistry()
    if settings.metrics == "open":
        return metrics, "open"
    if settings.metrics == "token":
        return metrics, "token"
    host, _, port = settings.metrics.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry=metrics)
    except OSError as error:
        raise StartError(f"ODOMETER_METRICS: cannot listen on {settings.metrics} ({error.strerror}).") from error
    stack.callback(thread.join, 5)
    stack.callback(server.shutdown)
    return metrics, "elsewhere"


def _file_routers(
    settings: Settings, registry: Registry, analytics: LiveAnalytics, clock: Clock, stack: contextlib.ExitStack
) -> list[APIRouter]:
    """The routes of files, and of erasing clients, who may be in them; their workers are stopped with the stack."""
    questions = analytics.questions
    files = open_files(settings.files, settings.data / "files")
    links = Links(files, registry.signing_secret("links"), settings.public_url, clock, settings.link_minutes)
    registry.export_jobs.put_back_interrupted()
    duty = ExportDuty(registry.export_jobs, files, client_list_writer(questions), settings.export_days)
    worker = Worker("exports", duty, _EXPORTS_LOOK_S)
    stack.callback(worker.close)
    daily = DailyFiles(registry.daily_files, files, sources_of(questions), settings.daily_file_days)
    products = registry.products

    def wishes() -> list[tuple[int, Wanted]]:
        return [(product.product_id, wanted_by(product)) for product in products.list()]

    keeper = Worker("daily-files", DailyDuty(daily, wishes, clock.today), _DAILY_LOOK_S)
    stack.callback(keeper.close)
    erasing = Erasing(registry, analytics.eraser, analytics.writer.paused, daily, files, clock)
    clean_up = Worker("clean-up", CleanUp(erasing.complete, registry.erasures, analytics.eraser), _CLEAN_UP_LOOK_S)
    stack.callback(clean_up.close)

    def on_erased() -> None:
        worker.wake()
        clean_up.wake()

    return [
        clients_router(erasing, on_erased),
        exports_router(links, worker.wake, settings.exports_per_user),
        daily_files_router(daily, links),
        downloads_router(files, links),
    ]


def _license_duty(registry: Registry, analytics: LiveAnalytics) -> Callable[[threading.Event], None]:
    """Keys that clients report enter the registry, and figures follow what it says (chapter 07)."""
    deriver = analytics.deriver

    def duty(stopping: threading.Event) -> None:
        def should_continue() -> bool:
            return not stopping.is_set()

        def derive_again(product_id: int, clients: Sequence[str]) -> bool:
            return should_continue() and deriver.derive_again(product_id, clients)

        sync = registry_sync_of(registry, analytics.store, derive_again, should_continue)
        for product in registry.products.list():
            decides = product.is_license_registry_decisive
            if should_continue():
                sync.run(product.product_id, collects=product.collect_license_keys, decides=decides)

    return duty


def _connection_limits(settings: Settings) -> ConnectionLimits:
    """The limits of the settings; the engine needs some of the files that this process may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        soft = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return ConnectionLimits(
        most=min(settings.max_connections, soft // 2),
        head_seconds=settings.request_head_seconds,
        body_seconds=settings.request_body_seconds,
        stall_seconds=settings.stall_seconds,
    )


class _Server(uvicorn.Server):
    """Uvicorn that says when it listens, and looks after its connections."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_PER_LOOK == 0:
            look_after(self.server_state)
        return await super().on_tick(counter)


class _Terminated(BaseException):
    """SIGTERM came; every block is left in order."""


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Within the block SIGTERM leaves it, as Ctrl+C does, so that both stores are closed and nothing stays behind.

    The server library takes the signal to finish its requests and raises it once more when it has; by itself that would
    end the process on the spot.
    """

    def terminate(_number: int, _frame: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with contextlib.suppress(_Terminated):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def serve(settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGINT or SIGTERM; running requests are finished. Raises `StartError` when it cannot start."""
    # First of all: nothing is made for a server that cannot be reached.
    require_free_addresses(settings)
    configure_logging(settings.log_level)
    with _ended_by_sigterm(), application_of(settings) as app:
        config = BoundedConfig(
            app,
            limits=_connection_limits(settings),
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
            message = f"Cannot listen on {settings.host}:{settings.port}: it is in use, or no address of this machine."
            raise StartError(f"{message} ODOMETER_HOST and ODOMETER_PORT name another.") from error
