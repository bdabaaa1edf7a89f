"""A gate between reports and the one writer of derived tables: a report never sees half of a change."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

# A report that still runs after this long has long taken its view of the tables; waiting on would only hold up others.
PATIENCE_S: Final = 1.0


class Gate:
    """Many reports pass at once; while the writer has it closed, new ones wait for it (some milliseconds)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._holding = 0
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the gate open while a report reads."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def pinned(self) -> Iterator[None]:
        """Keep the writer out until the end of the block, however long that takes.

        For opening several streams that must show one state: each takes its view of its table as it is opened.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._holding += 1
        try:
            yield
        finally:
            with self._changed:
                self._holding -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Let no report start while the writer changes several tables; waits `PATIENCE_S` for those inside."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed and not self._holding)
            self._closed = True
            self._changed.wait_for(lambda: self._inside == 0, timeout=PATIENCE_S)
        try:
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()
