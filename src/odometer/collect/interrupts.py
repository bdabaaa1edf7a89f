"""Ctrl+C and SIGTERM during long work of a command: it ends where it can say what was kept."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class InterruptedWorkError(Exception):
    """The work was asked to end; `exit_code` is what a command then ends with."""

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class Interrupts:
    """While open, Ctrl+C and SIGTERM raise `InterruptedWorkError` in the main thread, but not within `shielded`."""

    def __init__(self) -> None:
        self._is_shielded = False
        self._waiting: int | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """For the block; outside the main thread, which alone gets signals, nothing is changed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._handle) for one in _SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """What happens in the block is done as a whole; the exception follows."""
        self._is_shielded = True
        try:
            yield
        finally:
            self._is_shielded = False
        if self._waiting is not None:
            raise InterruptedWorkError(self._waiting)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self._is_shielded:
            self._waiting = signum
        else:
            raise InterruptedWorkError(signum)
