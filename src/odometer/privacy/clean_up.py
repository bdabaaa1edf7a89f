"""Completing erasures and cleaning up after them: what no answer shows leaves the disk too (chapter 09, Deleting)."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from odometer.accounts.erasures import Erasures
from odometer.exports.worker import Stopped
from odometer.store.derive import Eraser

# Deleted rows are marked soon after an erasure; what takes longer is seen to at the next look.
_PAUSE_S: Final = 0.5
_PATIENCE: Final = 20


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Goes on wherever the last look or the last process stopped.

    Attributes:
        complete: carries out erasures that were begun and broke off.
        erasures: which there were, and how far each is.
        eraser: the analytics store.

    """

    complete: Callable[[], None]
    erasures: Erasures
    eraser: Eraser

    def __call__(self, stopping: threading.Event) -> None:
        """Do what can be done now; the engine removes old files by itself, so it takes several looks.

        Raises `Problem` when the engine is busy with the same data: the next look tries again. While records are lost
        everything waits.
        """

        def pause() -> None:
            if stopping.is_set():
                raise Stopped

        if not self.eraser.is_whole:
            return
        self.complete()
        waiting = [one for one in self.erasures.unfinished() if one.rewritten_ms is None]
        if waiting and self._deleted(stopping):
            months = frozenset(month for one in waiting for month in one.months)
            at_ms = self.eraser.rewrite(months, pause)
            self.erasures.note_rewritten([one.receipt_id for one in waiting], at_ms)
        rewritten = [one for one in self.erasures.unfinished() if one.rewritten_ms is not None]
        gone = [one for one in rewritten if not self.eraser.has_old_parts(one.rewritten_ms or 0)]
        if gone:
            self.erasures.note_cleaned([one.receipt_id for one in gone])

    def _deleted(self, stopping: threading.Event) -> bool:
        for _ in range(_PATIENCE):
            if not self.eraser.is_deleting():
                return True
            stopping.wait(_PAUSE_S)
        return False

    def is_done(self) -> bool:
        """Whether nothing is left to clean up."""
        return not self.erasures.pending() and not self.erasures.unfinished()
