"""The socket for backups: whatever fails is told, the next command is answered, and an end of the server is noticed."""

import contextlib
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from odometer.backup.manifest import manifest_keys
from odometer.backup.places import FolderPlace
from odometer.backup.take import REGISTRY, take_backup
from odometer.control import SOCKET, Control, snapshot_of_server, state_of_server
from odometer.errors import StartError
from odometer.store.records.ledger import Entries
from odometer.store.snapshot import FrozenTable, Snapshot


@pytest.fixture
def taken(tmp_path: Path) -> Snapshot:
    """One table with one part, and a registry."""
    part = tmp_path / "shadow" / "records" / "203105_1_1_0"
    part.mkdir(parents=True)
    (part / "checksums.txt").write_text("sums")
    (tmp_path / "shadow" / REGISTRY).write_bytes(b"registry")
    return Snapshot(
        tmp_path / "shadow", {"records": FrozenTable("CREATE", str(part.parent))}, 5, Entries(1), {}, ("odd",)
    )


@pytest.mark.parametrize(
    "failure", [sqlite3.OperationalError("disk I/O error"), OSError(28, "No space left on device"), ValueError("odd")]
)
def test_any_failure_is_told_and_the_next_command_is_answered(
    tmp_path: Path, taken: Snapshot, failure: Exception
) -> None:
    failures = [failure]

    @contextlib.contextmanager
    def take() -> Iterator[Snapshot]:
        if failures:
            raise failures.pop()
        yield taken

    with contextlib.closing(Control(tmp_path, take)):
        with pytest.raises(StartError, match=str(failure.args[-1])), snapshot_of_server(tmp_path):
            pass
        with snapshot_of_server(tmp_path) as held:
            held.require_held()
            assert held.snapshot == taken


def test_what_is_not_as_it_should_be_is_told(tmp_path: Path, taken: Snapshot) -> None:
    state = {"derived_damaged": "2 clients on one side."}
    with contextlib.closing(Control(tmp_path, lambda: contextlib.nullcontext(taken), lambda: state)):
        assert state_of_server(tmp_path) == state
        state.clear()
        assert state_of_server(tmp_path) == {}
        with snapshot_of_server(tmp_path), pytest.raises(StartError, match="no answer"):
            state_of_server(tmp_path, within_s=0.3)
    with pytest.raises(StartError, match="no server that answers"):
        state_of_server(tmp_path)


def test_a_question_that_is_not_known_is_refused(tmp_path: Path, taken: Snapshot) -> None:
    with (
        contextlib.closing(Control(tmp_path, lambda: contextlib.nullcontext(taken))),
        socket.socket(socket.AF_UNIX) as connection,
    ):
        connection.settimeout(10)
        connection.connect(str(tmp_path / SOCKET))
        connection.sendall(b"weather\n")
        assert b"another version" in connection.makefile("rb").readline()


def test_a_snapshot_that_cannot_be_given_up_does_not_end_it(tmp_path: Path, taken: Snapshot) -> None:
    @contextlib.contextmanager
    def take() -> Iterator[Snapshot]:
        yield taken
        raise ValueError("odd")

    with contextlib.closing(Control(tmp_path, take)):
        for _ in range(2):
            with snapshot_of_server(tmp_path, within_s=10) as held:
                assert held.snapshot == taken


def test_a_command_does_not_wait_for_ever(tmp_path: Path, taken: Snapshot) -> None:
    with (
        contextlib.closing(Control(tmp_path, lambda: contextlib.nullcontext(taken))),
        snapshot_of_server(tmp_path),
        pytest.raises(StartError, match="another backup"),
        snapshot_of_server(tmp_path, within_s=0.3),
    ):
        pass


@pytest.mark.parametrize("when", ["copying", "last"])
def test_no_backup_is_complete_when_the_server_has_ended(tmp_path: Path, taken: Snapshot, when: str) -> None:
    """Also when all that was wanted could still be copied."""
    place = FolderPlace(tmp_path / "backups")
    place.begin()
    control = Control(tmp_path, lambda: contextlib.nullcontext(taken))

    def ends(_done: int, _all: int) -> None:
        control.close()
        if when == "copying":
            (taken.folder / REGISTRY).unlink()

    with pytest.raises(StartError, match="server ended"), snapshot_of_server(tmp_path) as held:
        take_backup(
            held.snapshot,
            place,
            taken_at="2031-05-20T10:00:00Z",
            has_registry=True,
            require_held=held.require_held,
            progress=ends,
        )
    assert manifest_keys(place) == []


def test_files_that_went_with_the_server_are_its_end(tmp_path: Path, taken: Snapshot) -> None:
    control = Control(tmp_path, lambda: contextlib.nullcontext(taken))

    def copy() -> None:
        with snapshot_of_server(tmp_path):
            control.close()
            (taken.folder / "gone").read_bytes()

    with pytest.raises(StartError, match="server ended"):
        copy()


def test_a_registry_that_must_be_there_is_missed(tmp_path: Path, taken: Snapshot) -> None:
    place = FolderPlace(tmp_path / "backups")
    place.begin()
    (taken.folder / REGISTRY).unlink()
    with pytest.raises(StartError, match="no copy of the registry"):
        take_backup(taken, place, taken_at="2031-05-20T10:00:00Z", has_registry=True)
    assert manifest_keys(place) == []
    made = take_backup(taken, place, taken_at="2031-05-20T10:00:00Z", has_registry=False)
    assert made.manifest.registry is None
