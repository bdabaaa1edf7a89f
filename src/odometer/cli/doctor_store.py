"""What `odometer doctor` looks at in the analytics store: does it open, are records lost, do derived rows agree."""

from collections.abc import Sequence
from typing import Final

from odometer.app import LOSS_ADVICE, analytics_of, registry_of
from odometer.cli.finding import Finding
from odometer.control import state_of_server
from odometer.errors import Problem, StartError
from odometer.look_over import DERIVED_DAMAGED, RECORDS_LOST, DerivedRows
from odometer.settings import Settings
from odometer.store.analytics import SCHEMA_VERSION, Analytics
from odometer.store.damage import broken_parts, records_in, unreadable_parts
from odometer.store.engine import FolderInUse

_REBUILD: Final = "Run `odometer rebuild`."


def examine_store(settings: Settings) -> list[Finding]:
    """The findings about the analytics store; one only when it cannot be opened. Reads all that is stored.

    Where a server has it open, what that server knows.
    """
    try:
        with analytics_of(settings, damaged_too=True) as analytics:
            versions = f"ClickHouse {analytics.engine.version}, tables at version {SCHEMA_VERSION}"
            opened = Finding("analytics", True, f"{versions}, nothing underived")
            return [opened, _records(analytics), _parts(analytics), _derived(settings, analytics)]
    except FolderInUse:
        return _by_server(settings)
    except StartError as error:
        return [Finding("analytics", False, str(error), "Check the setting.")]
    except Problem as problem:
        advice = "See the log; `odometer rebuild` repairs derived tables."
        return [Finding("analytics", False, problem.message, advice)]


def _by_server(settings: Settings) -> list[Finding]:
    try:
        state = dict(state_of_server(settings.data.absolute()))
    except StartError as error:
        return [Finding("analytics", True, f"not looked at: {error}", "Run `odometer doctor` again after that.")]
    lost, damaged = (state.pop(name, None) for name in (RECORDS_LOST, DERIVED_DAMAGED))
    # Disks are a finding of their own.
    state.pop("disk_low", None)
    found = [Finding("analytics", True, "open in a running server, which says what follows")]
    if state:
        text = "; ".join(f"{name}: {reason}" for name, reason in sorted(state.items()))
        found = [Finding("analytics", False, f"A running server has it open, and is not ready. {text}", "See its log.")]
    if lost is None:
        found.append(Finding("records", True, "none are missed"))
    else:
        found.append(Finding("records", False, lost, f"Stop the server. {LOSS_ADVICE}"))
    found.append(Finding("parts", True, "not read while a server runs: stop it to have all files read"))
    if damaged is not None:
        found.append(Finding("derived tables", False, damaged, "Stop the server and run `odometer rebuild`."))
    elif lost is None:
        found.append(Finding("derived tables", True, "agreed with the records when they were last compared"))
    return found


def _records(analytics: Analytics) -> Finding:
    # What an import that broke off had stored is derived now, and counted.
    analytics.ledger.advance()
    if analytics.losses:
        return Finding("records", False, " ".join(analytics.losses), LOSS_ADVICE)
    total = sum(month.rows for month in analytics.ledger.entries.months.values())
    return Finding("records", True, f"{total:,}, as many as were stored, with the same checksums")


def _parts(analytics: Analytics) -> Finding:
    known = analytics.ledger.entries.set_aside
    unreadable = unreadable_parts(analytics.engine)
    if unreadable:
        text = f"Files of {_named(unreadable)} are damaged."
        records = records_in(analytics.engine, unreadable)
        if records:
            return Finding("parts", False, f"{text} In them are records: {', '.join(records)}.", LOSS_ADVICE)
        return Finding("parts", False, text, "Run `odometer rebuild --accept-loss`.")
    broken = [part for part in broken_parts(analytics.engine) if str(part) not in known]
    set_aside = f"The engine set aside {_named([str(part) for part in broken])} as damaged"
    if broken and analytics.losses:
        return Finding("parts", False, f"{set_aside}.", LOSS_ADVICE)
    # Of records the ledger knows that none are missing, whatever is set aside.
    if any(not part.holds_records and not part.is_covered for part in broken):
        return Finding("parts", False, f"{set_aside}, and no other parts have their rows.", _REBUILD)
    if broken:
        return Finding("parts", True, f"{set_aside}, and has their rows from other parts")
    return Finding("parts", True, "all files are as they were written")


def _derived(settings: Settings, analytics: Analytics) -> Finding:
    if analytics.losses:
        return Finding("derived tables", True, "not compared while records are lost")
    with registry_of(settings) as registry:
        if registry.erasures.pending():
            return Finding("derived tables", True, "not compared before an erasure that broke off is done")
        faults = DerivedRows(analytics, registry).look()
    if faults:
        return Finding("derived tables", False, " ".join(faults), _REBUILD)
    return Finding("derived tables", True, "agree with the records and with each other")


def _named(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return ", ".join(parts[:3]) + more
