"""Files that commands write: complete or not at all, and never in the place of another file unasked."""

from pathlib import Path

import pytest

from odometer.cli.demo import _load
from odometer.cli.output import new_file
from odometer.errors import StartError
from odometer.settings import read_settings


def left(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_file_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    with new_file(tmp_path / "a.csv", overwrite=False) as part:
        part.write_text("whole")
        assert not (tmp_path / "a.csv").exists()

    assert left(tmp_path) == {"a.csv": "whole"}
    assert len(list(tmp_path.iterdir())) == 1


def test_what_breaks_off_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old")

    def half() -> None:
        with new_file(tmp_path / "a.csv", overwrite=True) as part:
            part.write_text("half")
            raise KeyError("broken off")

    with pytest.raises(KeyError):
        half()
    assert left(tmp_path) == {"a.csv": "old"}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("overwrite", [False, True])
def test_another_file_is_replaced_only_when_asked(tmp_path: Path, *, overwrite: bool) -> None:
    (tmp_path / "a.csv").write_text("old")

    def write() -> None:
        with new_file(tmp_path / "a.csv", overwrite=overwrite) as part:
            part.write_text("new")

    if overwrite:
        write()
    else:
        with pytest.raises(StartError, match=r"a\.csv exists already; replace it with --overwrite"):
            write()
    assert left(tmp_path) == {"a.csv": "new" if overwrite else "old"}


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    def write() -> None:
        with new_file(tmp_path / "a.csv", overwrite=False) as part:
            part.write_text("new")
            (tmp_path / "a.csv").write_text("somebody else's")

    with pytest.raises(StartError):
        write()
    assert left(tmp_path) == {"a.csv": "somebody else's"}


@pytest.mark.parametrize("place", ["missing/a.csv", ".", "/dev/null"])
def test_what_is_no_place_for_a_file_says_so(tmp_path: Path, place: str) -> None:
    with pytest.raises(StartError), new_file(tmp_path / place, overwrite=True):
        pass


@pytest.mark.parametrize("name", ["demo.ndjson", "demo-token", "demo.json"])
def test_the_demo_keeps_files_that_it_did_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    (tmp_path / name).write_text("{}")

    with pytest.raises(StartError, match=name):
        _load(read_settings(), {"clients": 1, "months": 1, "seed": 1})

    assert (tmp_path / name).read_text() == "{}"
