"""Places of backups hold no file open that they have made."""

from pathlib import Path

from odometer.backup.places import FolderPlace


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_that_are_put_are_not_held_open(tmp_path: Path) -> None:
    """A first backup of a thousand parts ran out of files."""
    place = FolderPlace(tmp_path)
    place.begin()
    before = open_files()
    for number in range(50):
        work = place.work_file()
        work.write_text("part")
        place.put(f"parts/{number}.tar", work)
    place.close()

    assert open_files() == before
    assert len(place.sizes()) == 50
