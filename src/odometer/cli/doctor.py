"""What `odometer doctor` looks at: each check gives one finding, and advice where something is wrong."""

import time
from pathlib import Path
from typing import Final

from odometer.app import clock_of, registry_of
from odometer.cli.doctor_store import examine_store
from odometer.cli.finding import Finding
from odometer.errors import StartError
from odometer.installation import free_mib, low_disks, require_begun, require_usable, too_open
from odometer.privacy.erase import CLEANED_WITHIN_MS
from odometer.settings import Settings

_MIN_MEMORY_GIB: Final = 1.0
_PLAUSIBLE_SINCE: Final = 1_767_225_600  # 2026-01-01: a clock before it was never set


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order a person would look."""
    checks = (_folder, _rights, _disk, _memory, _clock)
    findings = [check(settings) for check in checks]
    if findings[0].is_fine:
        findings += [check(settings) for check in (_registry, _erasures)]
        findings += examine_store(settings)
    return findings


def _folder(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    try:
        require_usable(settings)
        require_begun(settings)
        probe = folder / ".odometer-doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        advice = "Make the folder writable, or point ODOMETER_DATA to another one."
        return Finding("data folder", False, f"{folder} cannot be written: {error.strerror}", advice)
    except StartError as error:
        return Finding("data folder", False, str(error), "Check the setting.")
    return Finding("data folder", True, str(folder))


def _rights(settings: Settings) -> Finding:
    found = too_open(settings)
    if found:
        paths = ", ".join(str(one.path) for one in found)
        advice = "; ".join(one.command for one in found) + ". The next start of the server does it too."
        return Finding("rights", False, f"Other users of this machine may use {paths}", advice)
    return Finding("rights", True, "for the owner only")


def _disk(settings: Settings) -> Finding:
    low = low_disks(settings)
    if low:
        return Finding("disk", False, " ".join(low), "Free some: with none left nothing can be stored.")
    return Finding("disk", True, f"{min(free for _, free in free_mib(settings)) / 1024:.0f} GiB free")


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
