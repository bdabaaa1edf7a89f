"""What `odometer doctor` looks at: each check gives one finding, and advice where something is wrong."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from odometer.app import analytics_of, clock_of, registry_of
from odometer.errors import Problem, StartError
from odometer.privacy.erase import CLEANED_WITHIN_MS
from odometer.settings import Settings
from odometer.store.tables import MIGRATIONS

_MIN_DISK_GIB: Final = 2.0
_MIN_MEMORY_GIB: Final = 1.0
_PLAUSIBLE_SINCE: Final = 1_767_225_600  # 2026-01-01: a clock before it was never set


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    subject: str
    is_fine: bool
    text: str
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"subject": self.subject, "ok": self.is_fine, "text": self.text, "advice": self.advice or None}


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order a person would look."""
    checks = (_folder, _disk, _memory, _clock, _registry, _erasures, _engine)
    return [check(settings) for check in checks]


def _folder(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".odometer-doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        advice = "Make the folder writable, or point ODOMETER_DATA to another one."
        return Finding("data folder", False, f"{folder} cannot be written: {error.strerror}", advice)
    return Finding("data folder", True, str(folder))


def _disk(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    existing = folder if folder.exists() else folder.parent
    free = shutil.disk_usage(existing).free / 2**30
    if free < _MIN_DISK_GIB:
        return Finding("disk", False, f"{free:.1f} GiB free", f"Free at least {_MIN_DISK_GIB:.0f} GiB.")
    return Finding("disk", True, f"{free:.0f} GiB free")


def _memory(_settings: Settings) -> Finding:
    table = Path("/proc/meminfo")
    if not table.exists():
        return Finding("memory", True, "not known on this system")
    line = next(line for line in table.read_text().splitlines() if line.startswith("MemAvailable"))
    free = int(line.split()[1]) / 2**20
    if free < _MIN_MEMORY_GIB:
        return Finding("memory", False, f"{free:.1f} GiB available", "The engine wants 1 GiB or more to work with.")
    return Finding("memory", True, f"{free:.1f} GiB available")


def _clock(settings: Settings) -> Finding:
    if settings.today is not None:
        advice = "Unset ODOMETER_TODAY for real use."
        return Finding("clock", False, f"fixed at {settings.today} by ODOMETER_TODAY", advice)
    if time.time() < _PLAUSIBLE_SINCE:
        return Finding("clock", False, "set to a time long past", "Set the system clock; figures depend on today.")
    return Finding("clock", True, time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _registry(settings: Settings) -> Finding:
    try:
        with registry_of(settings) as registry:
            registry.ping()
            products = len(registry.products.list())
    except StartError as error:
        return Finding("registry", False, str(error), "Check ODOMETER_REGISTRY and the rights on its file.")
    return Finding("registry", True, f"open and migrated, {products} products")


def _erasures(settings: Settings) -> Finding:
    try:
        with registry_of(settings) as registry:
            due_ms = clock_of(settings).now_ms() - CLEANED_WITHIN_MS
            unfinished = [*registry.erasures.pending(), *registry.erasures.unfinished()]
            late = [erasure for erasure in unfinished if erasure.erased_ms < due_ms or erasure.pending]
    except StartError as error:
        return Finding("erasures", False, str(error), "See the registry.")
    if late:
        text = f"{len(late)} erasures broke off, or have left traces on the disk for more than an hour"
        return Finding("erasures", False, text, "Let a server run for some minutes; if it does, see its log.")
    if unfinished:
        return Finding("erasures", True, f"{len(unfinished)} are done, and the disk is being cleaned up after them")
    return Finding("erasures", True, "no traces are left")


def _engine(settings: Settings) -> Finding:
    try:
        with analytics_of(settings) as analytics:
            version = analytics.engine.rows("SELECT version()")[0][0]
    except StartError as error:
        advice = "A running server holds the folder: that is fine while it serves; stop it to import or rebuild."
        return Finding("analytics", "in use" in str(error), str(error), advice)
    except Problem as problem:
        advice = "See the log; `odometer rebuild` repairs derived tables."
        return Finding("analytics", False, problem.message, advice)
    return Finding("analytics", True, f"ClickHouse {version}, tables at version {MIGRATIONS[-1][0]}, nothing underived")
