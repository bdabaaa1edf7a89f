"""The composition root: the only place that builds the parts of a server from settings and puts them together."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from odometer.accounts import Registry, open_registry
from odometer.clock import Clock
from odometer.errors import StartError
from odometer.exports.daily import DailyFiles
from odometer.exports.files import open_files
from odometer.installation import require_begun, require_space, require_usable, store_note
from odometer.licenses.registry_sync import RegistrySync
from odometer.privacy.erase import Erasing
from odometer.settings import Settings
from odometer.store.analytics import Analytics, open_analytics
from odometer.store.derive import DeriveAgain, KeyReports, LicenseStates
from odometer.store.questions import Questions

# What to do about lost records.
LOSS_ADVICE: Final = (
    "Bring back a backup (`odometer restore`), or go on with what is left: `odometer rebuild --accept-loss`."
)


def clock_of(settings: Settings) -> Clock:
    """The process's clock, fixed where the settings fix it."""
    return Clock(settings.today)


@contextlib.contextmanager
def registry_of(settings: Settings, *, may_begin: bool = False) -> Iterator[Registry]:
    """The registry, open for the block; works while a server has it open too.

    Raises `StartError` where there is none, unless the caller may begin a new installation.
    """
    require_usable(settings)
    if not may_begin:
        require_begun(settings)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    registry = open_registry(
        settings.registry,
        clock_of(settings),
        session_idle_minutes=settings.session_idle_minutes,
        session_hours=settings.session_hours,
    )
    try:
        yield registry
    finally:
        registry.close()


@contextlib.contextmanager
def analytics_of(settings: Settings, *, damaged_too: bool = False) -> Iterator[Analytics]:
    """The analytics store, open for the block.

    Raises `StartError` while another process has the folder open, where there is no installation, and where records are
    lost, unless the caller can do with that.
    """
    require_usable(settings)
    require_begun(settings)
    require_space(settings)
    analytics = open_analytics(settings.analytics, note=store_note(settings))
    try:
        if analytics.losses and not damaged_too:
            raise StartError(f"{' '.join(analytics.losses)} {LOSS_ADVICE}")
        yield analytics
    finally:
        analytics.close()


def questions_of(settings: Settings, analytics: Analytics) -> Questions:
    """The reading door of a store in a process without a server."""
    return Questions(analytics.engine, analytics.gate, clock_of(settings).now_ms, settings.report_seconds)


def registry_sync_of(
    registry: Registry,
    analytics: Analytics,
    derive_again: DeriveAgain,
    should_continue: Callable[[], bool] = lambda: True,
) -> RegistrySync:
    """What brings license keys and reports together; `should_continue` is asked between two steps of long work."""
    states = LicenseStates(analytics.engine, analytics.derivation, derive_again)
    return RegistrySync(registry.license_keys, KeyReports(analytics.engine), states, should_continue)


@contextlib.contextmanager
def license_registry_sync(settings: Settings, analytics: Analytics) -> Iterator[tuple[Registry, RegistrySync]]:
    """The same, with the registry it uses, for a process without a server."""
    with registry_of(settings) as registry:
        yield registry, registry_sync_of(registry, analytics, analytics.derive_again)


def erasing_of(settings: Settings, registry: Registry, analytics: Analytics) -> Erasing:
    """What erases clients in a process without a server: nobody else stores records or writes files meanwhile."""
    files = open_files(settings.files, settings.data / "files")
    daily = DailyFiles(registry.daily_files, files, {}, settings.daily_file_days)
    return Erasing(registry, analytics.eraser, contextlib.nullcontext, daily, files, clock_of(settings))
