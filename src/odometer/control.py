"""A socket in the data folder, for commands of the same user while a server runs: it gives snapshots, tells its state.

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
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog

from odometer.errors import Problem, StartError
from odometer.store.records import Entries, MonthSum
from odometer.store.snapshot import FrozenTable, Snapshot

SOCKET: Final = "control.sock"
_LOOK_S: Final = 0.5
# A command that does not read for so long is taken for gone.
_SEND_S: Final = 10.0
# Deletions are waited for by then; what takes longer is another backup.
_ANSWERED_WITHIN_S: Final = 600.0
_STATE_WITHIN_S: Final = 10.0
_HELD: Final = b"held\n"
_SNAPSHOT: Final = b"snapshot\n"
_STATE: Final = b"state\n"
_MOST_ASKED: Final = 32
_MOST_BYTES: Final = 64 * 1024 * 1024
_log = structlog.get_logger(__name__)
TakeSnapshot = Callable[[], AbstractContextManager[Snapshot]]
# What is not as it should be, by name, and why.
AskState = Callable[[], Mapping[str, str]]


class Control:
    """Listens until it is closed; one caller at a time, the others wait."""

    def __init__(self, folder: Path, take: TakeSnapshot, state: AskState = dict) -> None:
        self._take = take
        self._state = state
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
            except OSError:
                # Too many open files, for one; the next command must find somebody who listens.
                _log.exception("a command could not be answered")
                self._stopping.wait(_LOOK_S)
                continue
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    _log.info("the command that wanted a snapshot is gone")
                except Exception:  # noqa: BLE001 - the next command must find somebody who listens
                    _log.exception("a snapshot could not be given up")

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(_SEND_S)
        with connection.makefile("rb", buffering=0) as lines:
            asked = lines.readline(_MOST_ASKED)
        if asked == _STATE:
            _say(connection, {"state": dict(self._state())})
            return
        if asked != _SNAPSHOT:
            _say(connection, {"refused": "The server is of another version of Odometer than this command."})
            return
        with contextlib.ExitStack() as holding:
            try:
                taken = holding.enter_context(self._take())
            except (Problem, StartError) as refusal:
                _log.warning("no snapshot could be taken", reason=str(refusal))
                _say(connection, {"refused": str(refusal)})
                return
            except Exception as failure:  # noqa: BLE001 - whatever failed, the command must hear of it
                _log.exception("no snapshot could be taken")
                _say(connection, {"refused": f"The server could not take a snapshot: {failure}"})
                return
            _log.info("a snapshot is taken", records=sum(month.rows for month in taken.ledger.months.values()))
            _say(connection, {"snapshot": _as_json(taken)})
            self._await_end(connection)

    def _await_end(self, connection: socket.socket) -> None:
        """Answer each byte, so that the caller knows that the snapshot is still there."""
        connection.settimeout(_LOOK_S)
        while not self._stopping.is_set():
            try:
                asked = connection.recv(1)
            except TimeoutError:
                continue
            if not asked or self._stopping.is_set():
                return
            connection.sendall(_HELD)


def _say(connection: socket.socket, what: Mapping[str, Any]) -> None:
    connection.sendall(json.dumps(what).encode() + b"\n")


class HeldSnapshot(NamedTuple):
    """A snapshot, and what raises `StartError` unless it is still there as a whole."""

    snapshot: Snapshot
    require_held: Callable[[], None]


def state_of_server(folder: Path, *, within_s: float = _STATE_WITHIN_S) -> Mapping[str, str]:
    """What is not as it should be by the word of the server that has the folder open, and why.

    Raises `StartError` where none answers.
    """
    with _asked(folder, _STATE, within_s) as (_, answer, _):
        found: Mapping[str, str] = answer["state"]
        return found


@contextlib.contextmanager
def snapshot_of_server(folder: Path, *, within_s: float = _ANSWERED_WITHIN_S) -> Iterator[HeldSnapshot]:
    """A snapshot by the server that has the folder open. Raises `StartError` where none answers, or it refuses."""
    with _asked(folder, _SNAPSHOT, within_s) as (connection, answer, lines):

        def require_held() -> None:
            try:
                connection.sendall(b"?")
                is_held = lines.readline() == _HELD
            except OSError:
                is_held = False
            if not is_held:
                raise StartError("The server ended while the backup was taken: there is none. Take it again.")

        try:
            yield HeldSnapshot(_of_json(answer["snapshot"]), require_held)
        except OSError:
            # Files that are not there any more are the server's end, and nothing else.
            require_held()
            raise


@contextlib.contextmanager
def _asked(
    folder: Path, what: bytes, within_s: float
) -> Iterator[tuple[socket.socket, dict[str, Any], BufferedReader]]:
    """The connection to the server, its answer, and what else it says."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as connection, connection.makefile("rb") as lines:
        connection.settimeout(within_s)
        try:
            with _short(folder) as short:
                connection.connect(f"{short}/{SOCKET}")
            connection.sendall(what)
            answer = json.loads(lines.readline(_MOST_BYTES) or b'{"refused": "The server ended."}')
        except TimeoutError as error:
            raise StartError(
                f"The server gave no answer within {within_s:.0f} seconds: is another backup being taken? "
                "Its log says more."
            ) from error
        except OSError as error:
            raise StartError(
                f"The data folder {folder} is in use, but by no server that answers there: wait until the import or "
                "rebuild is done."
            ) from error
        if "refused" in answer:
            raise StartError(answer["refused"])
        yield connection, answer, lines


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
        faults=tuple(value["faults"]),
    )
