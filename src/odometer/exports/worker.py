"""A background thread that does one duty whenever it is woken, and every so often by itself."""

import threading
from collections.abc import Callable

import structlog

_log = structlog.get_logger(__name__)


class Stopped(Exception):
    """Raised within a duty to leave it: the process is to end."""


class Worker:
    """Runs `duty(stopping)`, which looks at the event now and then and leaves with `Stopped` when it is set."""

    def __init__(self, name: str, duty: Callable[[threading.Event], None], every_s: float) -> None:
        self._name = name
        self._duty = duty
        self._every_s = every_s
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"odometer-{name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let the duty be done soon."""
        self._woken.set()

    def close(self) -> None:
        """Stop the duty where it stands, and the thread."""
        self._stopping.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._duty(self._stopping)
            except Stopped:
                return
            except Exception:  # noqa: BLE001 - a duty that fails once is tried again; it must not end the thread
                _log.exception("background work failed, trying again", duty=self._name)
            self._woken.wait(self._every_s)
            self._woken.clear()
