"""A restore may die at any moment: the next one begins anew or finishes it, and nothing is a dead end."""

import shutil
from pathlib import Path

import pytest

from odometer.backup.restore import finish, put_in_place

KEY = "backup-20310520T100000.000000Z.json"
WANTED = ("analytics", "registry.sqlite", "store.json")


class Killed(Exception):
    """The process dies here."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in which everything was restored, but lies aside."""
    aside = tmp_path / ".restoring"
    (aside / "analytics").mkdir(parents=True)
    (aside / "analytics" / "ledger.json").write_text("ledger")
    (aside / "store.json").write_text("note")
    (aside / "registry.sqlite").write_text("registry")
    return tmp_path


def content(data: Path) -> list[str]:
    return sorted(path.name for path in data.iterdir())


def test_it_is_the_data_folder_then(data: Path) -> None:
    put_in_place(data / ".restoring", data, KEY)
    assert content(data) == list(WANTED)


@pytest.mark.parametrize("survived", range(4))
def test_a_kill_between_the_renames_is_finished(data: Path, monkeypatch: pytest.MonkeyPatch, survived: int) -> None:
    rename = Path.rename
    done: list[Path] = []

    def dies(path: Path, target: Path) -> Path:
        if len(done) == survived:
            raise Killed
        done.append(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", dies)
    with pytest.raises(Killed):
        put_in_place(data / ".restoring", data, KEY)
    monkeypatch.undo()
    assert (data / ".restoring").exists()

    assert finish(data / ".restoring", data) == KEY

    assert content(data) == list(WANTED)
    assert (data / "analytics" / "ledger.json").read_text() == "ledger"


def test_a_kill_while_the_rest_is_removed_leaves_a_data_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(_path: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise Killed

    monkeypatch.setattr(shutil, "rmtree", dies)
    with pytest.raises(Killed):
        put_in_place(data / ".restoring", data, KEY)
    assert not (data / ".restoring").exists()
    assert set(content(data)) == {".restored", *WANTED}


def test_what_is_not_whole_is_not_finished(data: Path) -> None:
    assert finish(data / ".restoring", data) is None
    assert content(data) == [".restoring"]
    assert finish(data / "nothing", data) is None
