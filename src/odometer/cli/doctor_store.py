"""What `odometer doctor` looks at in the analytics store: does it open, are records lost, do derived rows agree."""

from collections.abc import Sequence
from typing import Final

from odometer.app import LOSS_ADVICE, analytics_of, registry_of
from odometer.cli.finding import Finding
from odometer.errors import Problem, StartError
from odometer.settings import Settings
from odometer.store.analytics import Analytics
from odometer.store.damage import broken_parts, derived_faults, unreadable_parts
from odometer.store.tables import MIGRATIONS, RECORDS

_REBUILD: Final = "Run `odometer rebuild`."


def examine_store(settings: Settings) -> list[Finding]:
    """The findings about the analytics store; one only when it cannot be opened. Reads all that is stored."""
    try:
        with analytics_of(settings, damaged_too=True) as analytics:
            version = analytics.engine.rows("SELECT version()")[0][0]
            tables = f"tables at version {MIGRATIONS[-1][0]}"
            opened = Finding("analytics", True, f"ClickHouse {version}, {tables}, nothing underived")
            return [opened, _records(analytics), _parts(analytics), _derived(settings, analytics)]
    except StartError as error:
        advice = "A running server holds the folder: that is fine while it serves, and /readyz tells what it found."
        return [Finding("analytics", "in use" in str(error), str(error), advice)]
    except Problem as problem:
        advice = "See the log; `odometer rebuild` repairs derived tables."
        return [Finding("analytics", False, problem.message, advice)]


def _records(analytics: Analytics) -> Finding:
    if analytics.losses:
        return Finding("records", False, " ".join(analytics.losses), LOSS_ADVICE)
    total = sum(month.rows for month in analytics.ledger.entries.months.values())
    return Finding("records", True, f"{total:,}, as many as were stored, with the same checksums")


def _parts(analytics: Analytics) -> Finding:
    known = analytics.ledger.entries.set_aside
    unreadable = unreadable_parts(analytics.engine)
    broken = [part for part in broken_parts(analytics.engine) if part not in known]
    if unreadable:
        text = f"Files of {_named(unreadable)} are damaged."
        is_record = any(part.startswith(f"{RECORDS.name}/") for part in unreadable)
        return Finding("parts", False, text, LOSS_ADVICE if is_record else "Run `odometer rebuild --accept-loss`.")
    if broken and analytics.losses:
        return Finding("parts", False, f"The engine set aside {_named(broken)} as damaged.", LOSS_ADVICE)
    if broken:
        text = f"The engine set aside {_named(broken)} as damaged, and has their rows from other parts"
        return Finding("parts", True, text)
    return Finding("parts", True, "all files are as they were written")


def _derived(settings: Settings, analytics: Analytics) -> Finding:
    if analytics.losses:
        return Finding("derived tables", True, "not compared while records are lost")
    with registry_of(settings) as registry:
        if registry.erasures.pending():
            return Finding("derived tables", True, "not compared before an erasure that broke off is done")
    faults = derived_faults(analytics.engine)
    if faults:
        return Finding("derived tables", False, " ".join(faults), _REBUILD)
    return Finding("derived tables", True, "agree with the records and with each other")


def _named(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return ", ".join(parts[:3]) + more
