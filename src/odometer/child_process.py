"""What every process does that another one starts for its work: it ends when that one ends, however that happens."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait


def end_with_parent() -> None:
    """Leave Ctrl+C to the process that started this one, and end as soon as it is gone, also by SIGKILL.

    Nothing else would end it: a worker that waits for work holds both ends of the pipe that brings it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), name="odometer-parent", daemon=True).start()


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
