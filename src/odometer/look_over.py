"""What a server looks at before it serves, and what keeps it from being ready: full disks, lost records."""

from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from odometer.accounts import Registry
from odometer.app import LOSS_ADVICE
from odometer.errors import StartError
from odometer.installation import low_disks, require_space, require_usable, tighten
from odometer.settings import Settings
from odometer.store.analytics import Analytics
from odometer.store.damage import broken_parts, derived_faults
from odometer.store.deriver import catch_up

_log = structlog.get_logger(__name__)
Check = Callable[[], None]
# Rows that reports read do not agree with the records, or with each other.
DERIVED_DAMAGED: Final = "derived_damaged"


def look_over(settings: Settings) -> None:
    """Before anything is opened: raise `StartError` when it cannot work, take from others what is not for them."""
    require_usable(settings)
    require_space(settings)
    for changed in tighten(settings):
        _log.warning("others could use this; now they cannot", path=str(changed.path), now=f"{changed.mode:o}")
    for sentence in low_disks(settings):
        _log.warning("disk_low", reason=sentence)


def disk_check(settings: Settings) -> Check:
    """Raises while a disk has little space left."""

    def check() -> None:
        for sentence in low_disks(settings):
            raise StartError(sentence)

    return check


def damage_of(analytics: Analytics, registry: Registry) -> dict[str, Check]:
    """Checks for /readyz, one for each kind of damage; what is found now is logged.

    Lost records may show later too, derived rows are compared once.
    """
    found: dict[str, Check] = {"records_lost": partial(_records_check, analytics)}
    known = analytics.ledger.entries.set_aside
    broken = [part for part in broken_parts(analytics.engine) if part not in known]
    if broken:
        _log.warning("the engine set aside damaged parts", parts=broken)
    if analytics.losses:
        _log.error("records_lost", reason=" ".join(analytics.losses), advice=LOSS_ADVICE)
    elif analytics.engine.folder is not None and not registry.erasures.pending():
        # An erasure that broke off leaves derived rows without records; it is completed in a moment. On a ClickHouse
        # server another process may be storing now.
        faults = derived_faults(analytics.engine)
        if faults:
            # The check fails for as long as the process lives, so that it must not be of a passing moment.
            catch_up(analytics.engine, analytics.derivation)
            faults = derived_faults(analytics.engine)
        if faults:
            reason = " ".join(faults)
            _log.error("derived_damaged", reason=reason, advice="Stop the server and run `odometer rebuild`.")
            found[DERIVED_DAMAGED] = _failing(reason)
    return found


def _records_check(analytics: Analytics) -> None:
    if analytics.losses:
        raise StartError(" ".join(analytics.losses))


def _failing(reason: str) -> Check:
    def check() -> None:
        raise StartError(reason)

    return check
