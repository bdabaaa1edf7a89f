"""What became of an import, record by record, in one unit: a record is a line, or a row of Parquet."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from odometer.collect.import_rows import FileChunk, Ignored, LineRejection

OPTED_OUT: Final = "OPTED_OUT"
BLOCKED: Final = "BLOCKED"
# So many kinds of faults and names of members are told one by one.
_MOST_KINDS: Final = 100
# Which of many values it was makes no kind of its own: `data[3]` is `data[]`.
_PLACE: Final = re.compile(r"\[\d+\]")


@dataclass(slots=True)
class Fault:
    """One kind of refusal: code and member, how often, where it came first, and what was said of that one."""

    code: str
    field: str | None
    count: int
    first: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {name: getattr(self, name) for name in ("code", "field", "count", "first", "message")}


@dataclass(slots=True)
class IgnoredMember:
    """A member that nothing reads: in how many records it stood, where first, and what was probably meant."""

    records: int
    nearest: str
    first: str

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {"records": self.records, "nearest": self.nearest or None, "first": self.first}


@dataclass(slots=True)
class ImportSummary:
    """Counts of records; accepted + duplicates + all rejected = records read.

    Attributes:
        accepted: stored, or in a dry run what would be.
        duplicates: known already, from the store or from earlier in the import.
        conflicts: duplicates that carried other content under a used seq.
        rejected: refused, by code.
        faults: refusals by code and member.
        other_faults: refusals of kinds that came when there were too many kinds to tell.
        ignored: members that nothing reads, by name, with the records in which they stood; of those that were refused
            as they were read none counts.
        damaged: of each file that could not be read to its end why, and where.
        stopped: why the import did not go on, where it stopped by itself.
        interrupted: what the command ends with after Ctrl+C or SIGTERM; 0 without.
        rejected_file: where the refused lines are; None when there were none.
        earlier_rejected_file: where the rejected lines of an earlier import are kept, if they were in the way.

    """

    accepted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    faults: dict[tuple[str, str | None], Fault] = field(default_factory=dict)
    other_faults: int = 0
    ignored: dict[str, IgnoredMember] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    stopped: str | None = None
    interrupted: int = 0
    rejected_file: Path | None = None
    earlier_rejected_file: Path | None = None

    @property
    def records(self) -> int:
        """Records read and judged."""
        return self.accepted + self.duplicates + self.rejected.total()

    @property
    def has_taken_nothing(self) -> bool:
        """Whether there was no line that could be taken as a record."""
        unread = self.rejected.total() - self.rejected[OPTED_OUT] - self.rejected[BLOCKED]
        return unread == self.records

    def refuse(self, chunk: FileChunk, rejections: list[LineRejection]) -> None:
        """Count lines that were refused as they were read."""
        for one in rejections:
            self.rejected[one.code] += 1
            self._fault(one.code, one.field, 1, f"{chunk.file}:{one.line}", one.message)

    def refuse_stored(self, code: str, count: int, message: str) -> None:
        """Count records that the store refused."""
        if count:
            self.rejected[code] += count
            self._fault(code, None, count, "", message)

    def _fault(self, code: str, member: str | None, count: int, first: str, message: str) -> None:
        member = member and _PLACE.sub("[]", member)
        known = self.faults.get((code, member))
        if known is not None:
            known.count += count
        elif len(self.faults) < _MOST_KINDS:
            self.faults[code, member] = Fault(code, member, count, first, message)
        else:
            self.other_faults += count

    def ignore(self, chunk: FileChunk, found: list[Ignored]) -> None:
        """Count members that nothing reads."""
        for one in found:
            known = self.ignored.get(one.name)
            if known is not None:
                known.records += one.records
            elif len(self.ignored) < _MOST_KINDS:
                self.ignored[one.name] = IgnoredMember(one.records, one.nearest, f"{chunk.file}:{one.line}")
