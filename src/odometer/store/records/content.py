"""What a record says beside its identity, as one number: tells a replay from other content under a used seq (09).

Neither what its batch says of all records (machine, clock, address) nor how it was spelled is part of it.
"""

import hashlib
from typing import Final

from odometer.model.records import RecordRow

# No text of a record holds any of these but the last two, which can only mistake one odd pair for another.
_PART, _PAIR, _NAME = "\0", "\2", "\1"
_SET: Final = r"arrayStringConcat(arrayMap(k -> concat(k, '\x01', set[k]), arraySort(mapKeys(set))), '\x02')"
CONTENT: Final = (
    r"reinterpretAsUInt128(MD5(concatWithSeparator('\0', toString(at_ms), type, session, category, name, "
    r"toString(count), ifNull(toString(value), ''), text, toString(sessions), toString(runtime_ms), data, "
    f"{_SET})))"
)


def content_of(row: RecordRow) -> int:
    """The same of a row that is not stored: equal to what `CONTENT` gives for the row once it is."""
    said = (
        *(str(row["at_ms"]), row["type"], row["session"], row["category"], row["name"]),
        *(str(row["count"]), row["value"] or "", row["text"], str(row["sessions"]), str(row["runtime_ms"])),
        *(row["data"], _PAIR.join(f"{name}{_NAME}{value}" for name, value in sorted(row["set"].items()))),
    )
    digest = hashlib.md5(_PART.join(said).encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest, "little")
