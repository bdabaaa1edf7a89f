"""A socket in the data folder, for commands of the same user while a server runs: it hands out snapshots.

Whoever may connect may read the folder anyway: both are for their owner only. A snapshot lasts as long as the
connection, so that one that nobody needs any more is given up, however the command ended.
"""

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import structlog

from odometer.errors import Problem, StartError
from odometer.store.ledger import Entries, MonthSum
from odometer.store.snapshot import FrozenTable, Snapshot

SOCKET: Final = "control.sock"
_LOOK_S: Final = 0.5
_MOST_BYTES: Final = 64 * 1024 * 1024
_log = structlog.get_logger(__name__)
TakeSnapshot = Callable[[], AbstractContextManager[Snapshot]]


class Control:
    """Listens until it is closed; one caller at a time, the others wait."""

    def __init__(self, folder: Path, take: TakeSnapshot) -> None:
        self._take = take
        self._path = folder / SOCKET
        self._path.unlink(missing_ok=True)
        self._stopping = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        with _short(folder) as short:
            self._socket.bind(f"{short}/{SOCKET}")
        self._path.chmod(0o600)
        self._socket.listen(8)
        self._socket.settimeout(_LOOK_S)
        self._thread = threading.Thread(target=self._run, name="odometer-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Give up the snapshot that is in use, and stop."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    _log.info("the command that wanted a snapshot is gone")

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_LOOK_S)
        try:
            with self._take() as taken:
                _log.info("a snapshot is taken", records=sum(month.rows for month in taken.ledger.months.values()))
                connection.sendall(json.dumps({"snapshot": _as_json(taken)}).encode() + b"\n")
                self._await_end(connection)
        except (Problem, StartError) as refusal:
            _log.warning("no snapshot could be taken", reason=str(refusal))
            connection.sendall(json.dumps({"refused": str(refusal)}).encode() + b"\n")
        except (ConnectionError, BrokenPipeError):
            raise
        except Exception:  # noqa: BLE001 - see the next line
            # Whatever failed, the command must hear of it, and the next one must find somebody who listens.
            _log.exception("a snapshot failed")
            refused = {"refused": "The snapshot failed; the log of the server says why."}
            connection.sendall(json.dumps(refused).encode() + b"\n")

    def _await_end(self, connection: socket.socket) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not connection.recv(1):
                    return


@contextlib.contextmanager
def snapshot_of_server(folder: Path) -> Iterator[Snapshot]:
    """A snapshot by the server that has the folder open. Raises `StartError` where none answers, or it refuses."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection:
        try:
            with _short(folder) as short:
                connection.connect(f"{short}/{SOCKET}")
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline(_MOST_BYTES) or b'{"refused": "The server ended."}')
        except OSError as error:
            raise StartError(
                f"The data folder {folder} is in use, but by no server that answers there: wait until the import or "
                "rebuild is done."
            ) from error
        if "refused" in answer:
            raise StartError(answer["refused"])
        yield _of_json(answer["snapshot"])


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A name of the folder that fits into the address of a socket, which has about a hundred bytes."""
    if not Path("/proc/self/fd").exists():
        yield str(folder)
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _as_json(taken: Snapshot) -> dict[str, Any]:
    return {**asdict(taken), "folder": str(taken.folder), "ledger": [taken.ledger.up_to, _months(taken)]}


def _months(taken: Snapshot) -> Mapping[str, list[int]]:
    return {month: [held.rows, held.check] for month, held in taken.ledger.months.items()}


def _of_json(value: dict[str, Any]) -> Snapshot:
    up_to, months = value["ledger"]
    return Snapshot(
        folder=Path(value["folder"]),
        tables={name: FrozenTable(**table) for name, table in value["tables"].items()},
        schema=value["schema"],
        ledger=Entries(up_to, {month: MonthSum(*held) for month, held in months.items()}),
        figures=value["figures"],
    )
