"""The folders of an installation: mistyped settings begin nothing, others may read nothing, full disks are told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from odometer.errors import StartError
from odometer.installation import low_disks, require_begun, require_space, require_usable, tighten, too_open
from odometer.look_over import disk_check
from odometer.settings import Settings, read_settings

ODOMETER = str(Path(sys.executable).parent / "odometer")
READERS = (
    ("user", "list"),
    ("user", "grant", "ada@example.com", "1"),
    ("user", "password", "ada@example.com"),
    ("token", "list"),
    ("product", "list"),
    ("product", "keys", "1"),
    ("license", "list", "--product", "1"),
    ("client", "erase", "client-01", "--product", "1", "--yes"),
    ("import", __file__, "--product", "1"),
    ("export", "--product", "1"),
    ("rebuild",),
    ("doctor",),
    ("audit",),
)


def settings_of(folder: Path, **more: str) -> Settings:
    return read_settings({"ODOMETER_DATA": str(folder), **more})


def run(*words: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ODOMETER_")}
    environment |= {"ODOMETER_DATA": str(folder), **more}
    return subprocess.run(
        [ODOMETER, *words],
        env=environment,
        cwd=folder.parent,
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.e2e
@pytest.mark.parametrize("words", READERS, ids=lambda words: " ".join(words[:2]))
def test_a_mistyped_folder_begins_no_store(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "odometer-data").mkdir()
    (tmp_path / "odometer-data" / "registry.sqlite").touch()
    mistyped = tmp_path / "odometer-dta"

    done = run(*words, folder=mistyped)

    said = (done.stdout + done.stderr).replace("\n", "")
    assert done.returncode in (1, 2), said
    if done.returncode == 1:
        assert "ODOMETER_DATA" in said
        assert str(tmp_path / "odometer-data") in said
    assert "Traceback" not in said
    assert not mistyped.exists()


def test_what_begins_a_store_is_named_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="odometer user add"):
        require_begun(settings_of(tmp_path / "inside" / "nothing"))


@pytest.mark.e2e
def test_the_first_commands_begin_a_store_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert run("user", "add", "ada@example.com", "--admin", folder=folder).returncode == 0
    assert run("product", "add", "Facet", folder=folder).returncode == 0
    assert run("user", "list", folder=folder).returncode == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {"data": 0o700, "registry.sqlite": 0o600}
    assert too_open(settings_of(folder)) == []


def test_a_folder_that_is_a_file_is_named_with_its_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for variable, value in (
        ("ODOMETER_DATA", str(file)),
        ("ODOMETER_DATA", str(file / "below")),
        ("ODOMETER_FILES", str(file)),
        ("ODOMETER_ANALYTICS", f"chdb://{file}"),
        ("ODOMETER_REGISTRY", f"sqlite:///{tmp_path}"),
    ):
        settings = read_settings({"ODOMETER_DATA": str(tmp_path / "data"), variable: value})
        with pytest.raises(StartError, match=f"{variable}.*expected"):
            require_usable(settings)


@pytest.mark.e2e
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named_with_its_setting(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = run("user", "add", "ada@example.com", folder=folder / "data")
    assert done.returncode == 1
    assert done.stderr.startswith("odometer: ODOMETER_DATA: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.e2e
@pytest.mark.skipif(not Path("/proc/sys").exists(), reason="needs a file system that nobody may write")
def test_a_file_system_that_cannot_be_written_is_named_with_its_setting() -> None:
    done = run("user", "add", "ada@example.com", folder=Path("/proc/sys/odometer"))
    assert done.returncode == 1
    assert done.stderr.startswith("odometer: ODOMETER_DATA: ")
    assert done.stderr.count("\n") == 1


def test_what_others_may_use_is_told_and_taken_from_them(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    tmp_path.chmod(0o755)
    registry = tmp_path / "registry.sqlite"
    for ending in ("", "-wal", "-shm"):
        file = registry.with_name(registry.name + ending)
        file.touch()
        # Not by touch itself: commands that ran in this process before have narrowed what new files may have.
        file.chmod(0o644)
    (tmp_path / "analytics").mkdir()
    (tmp_path / "analytics").chmod(0o750)

    commands = [one.command for one in too_open(settings)]

    assert commands[0] == f"chmod 700 {tmp_path}"
    assert f"chmod 600 {registry}-wal" in commands
    assert len(commands) == 5
    assert [one.command for one in tighten(settings)] == commands
    assert too_open(settings) == []
    assert registry.stat().st_mode & 0o777 == 0o600


def test_a_folder_for_files_elsewhere_may_be_shared(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    assert too_open(settings_of(tmp_path / "data", ODOMETER_FILES=str(shared))) == []


def test_little_space_is_told_with_the_setting(tmp_path: Path) -> None:
    enough = settings_of(tmp_path, ODOMETER_MIN_FREE_MIB="1")
    little = settings_of(tmp_path, ODOMETER_MIN_FREE_MIB="1000000000")
    assert low_disks(enough) == []
    disk_check(enough)()
    (sentence,) = low_disks(little)
    assert "ODOMETER_MIN_FREE_MIB" in sentence
    with pytest.raises(StartError, match="MiB are free"):
        disk_check(little)()


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a file system without any space")
def test_a_full_disk_is_told_before_anything_is_opened() -> None:
    with pytest.raises(StartError, match="ODOMETER_DATA: the disk is full"):
        require_space(settings_of(Path("/proc/odometer")))
