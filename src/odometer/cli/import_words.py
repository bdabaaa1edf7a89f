"""What `odometer import` says of an import: a text for people, the same as JSON for scripts."""

from collections.abc import Iterator
from typing import Any

from odometer.collect.import_summary import ImportSummary


def as_json(summary: ImportSummary, *, dry_run: bool) -> dict[str, Any]:
    """Members beside the four first ones only where there is something to tell."""
    told: dict[str, Any] = {
        "accepted": summary.accepted,
        "duplicates": summary.duplicates,
        "rejected": dict(summary.rejected),
        "rejectedFile": None if summary.rejected_file is None else str(summary.rejected_file),
    }
    more = {
        "dryRun": dry_run,
        "conflicts": summary.conflicts,
        "faults": [fault.as_dict() for fault in summary.faults.values()],
        "otherFaults": summary.other_faults,
        "ignored": {name: member.as_dict() for name, member in summary.ignored.items()},
        "damaged": summary.damaged,
        "stopped": summary.stopped,
        "interrupted": bool(summary.interrupted),
        "earlierRejectedFile": summary.earlier_rejected_file and str(summary.earlier_rejected_file),
    }
    return told | {name: value for name, value in more.items() if value}


def lines_of(summary: ImportSummary, *, dry_run: bool) -> Iterator[str]:
    """The summary, line by line."""
    accepted = "would be stored" if dry_run else "accepted"
    yield f"{summary.records:,} records: {summary.accepted:,} {accepted}, {summary.duplicates:,} duplicates"
    if summary.conflicts:
        yield f"  {summary.conflicts:,} of the duplicates carry other content under a used seq"
    for fault in sorted(summary.faults.values(), key=lambda one: -one.count):
        where = f" (first: {fault.first})" if fault.first else ""
        member = f" in {fault.field}" if fault.field else ""
        yield f"  {fault.count:,} rejected: {fault.code}{member}{where}: {fault.message}"
    if summary.other_faults:
        yield f"  {summary.other_faults:,} rejected for more kinds of faults than are told here"
    for name, ignored in sorted(summary.ignored.items(), key=lambda one: -one[1].records):
        meant = f", the nearest is {ignored.nearest}" if ignored.nearest else ""
        yield f"  {name} was ignored in {ignored.records:,} records{meant} (first: {ignored.first})"
    for damage in summary.damaged:
        yield f"Damaged: {damage} What stands before it was read."
    if summary.rejected_file:
        yield f"Rejected lines and their reasons: {summary.rejected_file}"
    if summary.earlier_rejected_file:
        yield f"Rejected lines of an earlier import are kept in {summary.earlier_rejected_file}"
    yield from _ending(summary, dry_run=dry_run)


def _ending(summary: ImportSummary, *, dry_run: bool) -> Iterator[str]:
    """Why it ended before the end of what was given, and what is stored now."""
    is_kept = summary.accepted > 0 and not dry_run
    if summary.stopped:
        yield f"Stopped: {summary.stopped}.{' What came before is kept.' if is_kept else ''}"
    if summary.interrupted and dry_run:
        yield f"Interrupted: only the first {summary.records:,} records were tried. Run it again to try all."
    elif summary.interrupted and is_kept:
        yield "Interrupted. Run the import again for the rest: what is stored is recognised."
        yield "What was accepted is kept; the next command derives it, and then reports show it."
    elif summary.interrupted:
        yield "Interrupted before anything new was stored. Run the import again."
    if dry_run:
        yield "Nothing was stored."
