"""The commands for backups: what they refuse before anything is opened, and what they print of what they found."""

import json
from pathlib import Path

import pytest
import typer

from odometer.backup.manifest import Manifest, Unreadable
from odometer.backup.take import Taken
from odometer.cli.backup import _tell
from tests.unit.test_cli_admin import Commands


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return Commands(capsys, monkeypatch)


def unframed(said: str) -> str:
    """What is said of wrong usage stands in a frame, in lines."""
    return " ".join(said.replace("│", " ").split())


def manifest(day: int, *faults: str) -> Manifest:
    return Manifest(f"2031-05-{day}T10:00:00Z", "1", 5, {}, {}, None, 1, {"203105": (3, 7)}, {}, faults)


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    """Two backups and a file that looks like a newer one."""
    place = tmp_path / "backups"
    place.mkdir()
    for one in (manifest(11), manifest(12, "odd")):
        (place / one.key).write_bytes(one.encode())
    (place / "backup-20310513T100000Z.json").write_text("{")
    return place


@pytest.mark.parametrize("words", [("backup", "file"), ("restore", "file"), ("restore", "file", "--list")])
def test_a_file_is_no_place(commands: Commands, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("precious")
    assert "is no folder" in unframed(commands.run(*words, expect=2))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("words", [("backup", "data/below"), ("backup", "."), ("restore", ".")])
def test_backups_lie_apart_from_the_data(commands: Commands, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "data").mkdir()
    assert "ODOMETER_DATA" in unframed(commands.run(*words, expect=2))
    assert list(tmp_path.rglob("*")) == [tmp_path / "data"]


@pytest.mark.usefixtures("backups")
def test_a_backup_that_cannot_be_read_is_listed_as_that(commands: Commands) -> None:
    bad = "backup-20310513T100000Z.json"
    printed = commands.run("restore", "backups", "--list")
    assert [line.split()[0] for line in printed.splitlines()] == [manifest(11).key, manifest(12).key]
    assert "damaged derived rows" in printed.splitlines()[1]
    listed = commands.json("restore", "backups", "--list")
    assert [one["backup"] for one in listed] == [manifest(11).key, manifest(12).key, bad]
    assert "damaged" in listed[-1]["unreadable"]


@pytest.mark.usefixtures("backups")
@pytest.mark.parametrize("words", [(), ("--verify",), ("--at", "backup-20310513T100000Z.json")])
def test_an_older_one_is_not_taken_in_silence(commands: Commands, words: tuple[str, ...]) -> None:
    said = commands.run("restore", "backups", *words, expect=1)
    assert f"{manifest(12).key}: name it with --at" in said
    assert "backup-20310513T100000Z.json is no manifest of a backup, or damaged" in said


@pytest.mark.usefixtures("backups")
def test_the_setting_is_named_where_nothing_can_be_restored(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("precious")
    for wrong in ("file", "file/below", "/proc/x"):
        monkeypatch.setenv("ODOMETER_DATA", wrong)
        said = commands.run("restore", "backups", "--at", manifest(11).key, expect=1)
        assert "odometer: ODOMETER_DATA: " in said
    assert (tmp_path / "file").read_text() == "precious"


def test_what_was_found_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    unreadable = [Unreadable("backup-1.json", "backup-1.json is odd."), Unreadable("backup-2.json", "Gone.")]
    taken = Taken(manifest(12, "2 clients on one side."), unreadable, ["parts/records/a.tar"])
    with pytest.raises(typer.Exit) as ended:
        _tell(taken, "backups", ["backup-2.json"], as_json=True)
    printed = capsys.readouterr()
    assert ended.value.exit_code == 1
    answer = json.loads(printed.out)
    assert (answer["rewritten"], answer["faults"]) == (["parts/records/a.tar"], ["2 clients on one side."])
    assert [one["key"] for one in answer["unreadable"]] == ["backup-1.json", "backup-2.json"]
    assert "backup-1.json is odd." in printed.err
    assert "Gone." not in printed.err
    assert "2 clients on one side." in printed.err
