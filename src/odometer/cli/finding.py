"""A finding of `odometer doctor`: one check, its outcome, and what to do."""

from dataclasses import dataclass
from typing import Any


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
