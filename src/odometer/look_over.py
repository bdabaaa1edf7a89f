"""What a server looks at before it serves, and what keeps it from being ready: full disks, lost records."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from odometer.accounts import Registry
from odometer.app import LOSS_ADVICE
from odometer.errors import StartError
from odometer.installation import low_disks, require_space, require_usable, tighten
from odometer.settings import Settings
from odometer.store.analytics import Analytics
from odometer.store.damage import broken_parts, derived_faults
from odometer.store.derive import Deriver, catch_up, read_mark

_log = structlog.get_logger(__name__)
Check = Callable[[], None]
# Rows that reports read do not agree with the records, or with each other.
DERIVED_DAMAGED: Final = "derived_damaged"
RECORDS_LOST: Final = "records_lost"
_IDLE_WITHIN_S: Final = 5.0


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


class DerivedRows:
    """Whether derived rows agree with the records and with each other: while they do not, no figure is right."""

    def __init__(self, analytics: Analytics, registry: Registry) -> None:
        self._analytics = analytics
        self._registry = registry
        # Sentences that say what is wrong.
        self.faults: Sequence[str] = ()

    def look(self) -> Sequence[str]:
        """Compare, where that says anything; nobody stores anything meanwhile. The faults."""
        engine, derivation = self._analytics.engine, self._analytics.derivation
        if not self._can_be_compared():
            return self.faults
        faults = derived_faults(engine)
        if faults:
            # It must not be of a passing moment: reports answer nothing while they do not agree.
            catch_up(engine, derivation)
            faults = derived_faults(engine)
        self.faults = faults
        return faults

    def look_again(self, deriver: Deriver) -> None:
        """While they do not agree, see whether they do by now: what is derived anew is right."""
        if not self.faults or not self._can_be_compared() or not deriver.wait_until_idle(_IDLE_WITHIN_S):
            return
        engine, derivation = self._analytics.engine, self._analytics.derivation
        with derivation.paused():
            # What is stored meanwhile lies above the mark.
            self.faults = derived_faults(engine, read_mark(engine))
        if not self.faults:
            _log.info("derived rows are right again")

    def require(self) -> None:
        """Raise `StartError` while they do not agree."""
        if self.faults:
            raise StartError(" ".join(self.faults))

    def _can_be_compared(self) -> bool:
        # An erasure that broke off leaves derived rows without records; it is completed in a moment. On a ClickHouse
        # server another process may be storing now.
        analytics = self._analytics
        return analytics.engine.folder is not None and not analytics.losses and not self._registry.erasures.pending()


class Damage(NamedTuple):
    """What was found, and what to ask later."""

    derived: DerivedRows
    # For /readyz, one for each kind of damage: each raises while there is some.
    checks: Mapping[str, Check]


def damage_of(analytics: Analytics, registry: Registry) -> Damage:
    """Look for each kind of damage; what is found now is logged."""
    known = analytics.ledger.entries.set_aside
    broken = [str(part) for part in broken_parts(analytics.engine) if str(part) not in known]
    if broken:
        _log.warning("the engine set aside damaged parts", parts=broken)
    log_losses(analytics)
    derived = DerivedRows(analytics, registry)
    if derived.look():
        advice = "Stop the server and run `odometer rebuild`."
        _log.error(DERIVED_DAMAGED, reason=" ".join(derived.faults), advice=advice)
    return Damage(derived, {RECORDS_LOST: partial(_records_check, analytics), DERIVED_DAMAGED: derived.require})


def not_ready(checks: Mapping[str, Check]) -> dict[str, str]:
    """The names of the checks that fail now, and why."""
    found = {}
    for name, check in checks.items():
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
            found[name] = str(error)
    return found


def log_losses(analytics: Analytics) -> None:
    """Say in the log which records are lost, if any are."""
    if analytics.losses:
        _log.error(RECORDS_LOST, reason=" ".join(analytics.losses), advice=LOSS_ADVICE)


def _records_check(analytics: Analytics) -> None:
    if analytics.losses:
        raise StartError(" ".join(analytics.losses))
