"""What lies in a folder of backups may rot: it is named, the rest goes on, and new backups rely on nothing of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from odometer.backup.manifest import Manifest, manifest_keys, read_manifests
from odometer.backup.places import BackupPlace, FolderPlace, WrongPlace, open_place, require_apart, sha256_of
from odometer.backup.take import Taken, keep_newest, take_backup
from odometer.store.records.ledger import Entries
from odometer.store.snapshot import FrozenTable, Snapshot


@pytest.fixture
def place(tmp_path: Path) -> Iterator[BackupPlace]:
    with open_place(str(tmp_path / "backups"), to_write=True) as place:
        yield place


@pytest.fixture
def taken(tmp_path: Path) -> Snapshot:
    """One table with two parts, and no registry."""
    parts = tmp_path / "shadow" / "records"
    for name in ("203105_1_1_0", "203106_2_2_0"):
        (parts / name).mkdir(parents=True)
        (parts / name / "checksums.txt").write_text(f"sums of {name}")
        (parts / name / "data.bin").write_bytes(name.encode() * 1000)
    return Snapshot(tmp_path / "shadow", {"records": FrozenTable("CREATE", str(parts))}, 5, Entries(1), {})


def take(snapshot: Snapshot, place: BackupPlace, day: int, *, check: bool | None = None) -> Taken:
    return take_backup(snapshot, place, taken_at=f"2031-05-{day}T10:00:00Z", has_registry=False, check=check)


def path_of(tmp_path: Path, key: str) -> Path:
    return tmp_path / "backups" / key


def flip(path: Path, position: int = 5000) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def is_whole(tmp_path: Path, manifest: Manifest) -> bool:
    return all(sha256_of(path_of(tmp_path, kept.key)) == kept.sha256 for kept in manifest.files)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def exchanged(path: Path) -> None:
    """It is JSON still, of another shape."""
    path.write_text(json.dumps({**json.loads(path.read_text()), "parts": ["odd"]}))


def no_object(path: Path) -> None:
    path.write_text("[1]")


def deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def of_another(path: Path) -> None:
    path.write_text(path.read_text().replace("2031-05-12", "2031-05-13"))


def newer(path: Path) -> None:
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))


@pytest.mark.parametrize("harm", [cut, exchanged, no_object, deep, of_another, newer])
def test_a_manifest_that_says_nothing_is_named_and_the_others_are_used(
    place: BackupPlace, taken: Snapshot, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    older, newest = take(taken, place, 11).manifest, take(taken, place, 12).manifest
    harm(path_of(tmp_path, newest.key))

    manifests, unreadable = read_manifests(place)

    assert manifests == [older]
    assert [one.key for one in unreadable] == [newest.key]
    assert ("newer version" if harm is newer else "damaged") in unreadable[0].reason
    before = {key: path_of(tmp_path, key).stat().st_ino for key in place.sizes() if key.startswith("parts/")}
    again = take(taken, place, 13)
    assert again.unreadable == unreadable
    assert {kept.key: path_of(tmp_path, kept.key).stat().st_ino for kept in again.manifest.files} == before


def test_without_any_manifest_that_can_be_read_all_is_brought_again(
    place: BackupPlace, taken: Snapshot, tmp_path: Path
) -> None:
    first = take(taken, place, 11).manifest
    path_of(tmp_path, first.key).write_text("")
    for kept in first.files:
        flip(path_of(tmp_path, kept.key))
    assert is_whole(tmp_path, take(taken, place, 12).manifest)


def test_files_stay_while_it_is_not_known_whose_they_are(place: BackupPlace, taken: Snapshot, tmp_path: Path) -> None:
    first, second = take(taken, place, 11).manifest, take(taken, place, 12).manifest
    one_part = replace(taken, tables={"records": FrozenTable("CREATE", None)})
    third, fourth = take(one_part, place, 13).manifest, take(one_part, place, 14).manifest
    path_of(tmp_path, third.key).write_text("")

    assert keep_newest(place, 2) == [first.key]
    assert manifest_keys(place) == [second.key, third.key, fourth.key]
    assert keep_newest(place, 3) == []
    # Nothing goes in place of a backup that is not one.
    assert keep_newest(place, 1) == [second.key, third.key]
    assert list(place.sizes()) == [fourth.key]


def test_what_others_keep_there_stays(place: BackupPlace, taken: Snapshot, tmp_path: Path) -> None:
    """All below `parts` and `registry` was removed, whoever had put it there."""
    names = ("parts/screws/m3.tar", "parts/list.txt", "registry/of-births.sqlite", "backup-1.json", "notes/a/b/c.txt")
    for name in names:
        path_of(tmp_path, name).parent.mkdir(parents=True, exist_ok=True)
        path_of(tmp_path, name).write_text("precious")
    first, second = take(taken, place, 11).manifest, take(taken, place, 12).manifest
    assert keep_newest(place, 1) == [first.key]
    assert read_manifests(place) == ([second], [])
    assert {path_of(tmp_path, name).read_text() for name in names} == {"precious"}


@pytest.mark.parametrize("harm", ["rotted", "cut", "gone"])
def test_what_has_rotted_is_written_anew_for_all_who_need_it(
    place: BackupPlace, taken: Snapshot, tmp_path: Path, harm: str
) -> None:
    first = take(taken, place, 11).manifest
    part, other = (path_of(tmp_path, kept.key) for kept in first.files)
    if harm == "rotted":
        flip(part)
    elif harm == "cut":
        cut(part)
    else:
        part.unlink()
    before = other.stat().st_ino

    second = take(taken, place, 12)

    assert second.rotted == [part.relative_to(tmp_path / "backups").as_posix()]
    assert is_whole(tmp_path, second.manifest)
    assert is_whole(tmp_path, first)
    assert other.stat().st_ino == before
    assert take(taken, place, 13).rotted == []


@pytest.mark.parametrize("check", [True, False])
def test_whether_hashes_are_compared_may_be_chosen(
    place: BackupPlace, taken: Snapshot, tmp_path: Path, *, check: bool
) -> None:
    (part, _) = (path_of(tmp_path, kept.key) for kept in take(taken, place, 11).manifest.files)
    flip(part)
    assert bool(take(taken, place, 12, check=check).rotted) is check


def test_what_was_damaged_when_it_was_taken_is_in_the_manifest(place: BackupPlace, taken: Snapshot) -> None:
    faults = ("Product 1: 2 clients on one side, 1 on the other.",)
    take(replace(taken, faults=faults), place, 11)
    (manifest,), _ = read_manifests(place)
    assert manifest.faults == faults


def test_looking_changes_nothing(place: BackupPlace, taken: Snapshot, tmp_path: Path) -> None:
    """It removed the unfinished files of a backup that was being made, and wrote to media that may only be read."""
    take(taken, place, 11)
    unfinished = place.work_file()
    with open_place(str(tmp_path / "backups")) as other:
        assert len(read_manifests(other)[0]) == 1
        with pytest.raises(RuntimeError):
            other.work_file()
    with open_place(str(tmp_path / "backups"), to_write=True):
        pass
    assert unfinished.exists()
    with open_place(str(tmp_path / "nothing")) as nothing:
        assert read_manifests(nothing) == ([], [])
    assert not (tmp_path / "nothing").exists()


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    with open_place(str(tmp_path / "a" / "b"), to_write=True) as place:
        place.work_file()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("address", ["{}/file", "{}/file/below", "/proc/x", "ftp://host/x", ""])
def test_what_can_be_no_place_is_told_and_nothing_is_changed(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(WrongPlace, match="folder"), open_place(address.format(tmp_path), to_write=True):
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize(
    ("address", "said"),
    [("data", "is"), ("data/backups", "lies in"), (".", "holds"), ("link", "is"), ("link/b", "lies in")],
)
def test_backups_lie_apart_from_the_data(tmp_path: Path, address: str, said: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    with pytest.raises(WrongPlace, match=rf" {said} .*data \(ODOMETER_DATA\)"):
        require_apart(str(tmp_path / address), [("ODOMETER_DATA", tmp_path / "data")])
    for other in (str(tmp_path / "data-backups"), "s3://bucket/data"):
        require_apart(other, [("ODOMETER_DATA", tmp_path / "data")])


def test_what_a_killed_backup_left_goes_with_a_later_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = FolderPlace(tmp_path / "backups")
    killed.begin()
    left = killed.work_file()
    for seconds, is_left in ((3600, True), (2 * 24 * 3600, False)):
        later = left.stat().st_mtime + seconds
        monkeypatch.setattr("odometer.backup.places.time.time", lambda later=later: later)
        with open_place(str(tmp_path / "backups"), to_write=True):
            pass
        assert left.exists() is is_left
