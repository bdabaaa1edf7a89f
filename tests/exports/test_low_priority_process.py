"""Writing in another process: the same as here, at a low priority, and over when it fails or nobody wants it."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from odometer.exports.low_priority_process import write_in_low_priority_process
from odometer.store.engine import Columns

MANY = 12


def blocks(count: int) -> Iterator[Columns]:
    yield from (([number], [str(number)]) for number in range(count))


def write(path: Path, sent: Iterator[Columns]) -> int:
    lines = [f"{number}{text}" for numbers, texts in sent for number, text in zip(numbers, texts, strict=True)]
    path.write_text("\n".join([*lines, f"{os.getpid()} {os.nice(0)}"]))
    return len(lines)


def fail(_sent: Iterator[Columns]) -> int:
    os._exit(3)


@pytest.mark.parametrize("count", [0, 1, MANY])
def test_all_is_written_and_much_by_a_process_of_low_priority(tmp_path: Path, count: int) -> None:
    assert write_in_low_priority_process(partial(write, tmp_path / "file"), blocks(count)) == count

    *lines, told = (tmp_path / "file").read_text().split("\n")
    pid, nice = map(int, told.split())
    assert lines == [f"{number}{number}" for number in range(count)]
    assert (pid != os.getpid()) == (count == MANY)
    assert nice == (19 if count == MANY else os.nice(0))


def test_a_process_that_dies_is_an_error_of_the_system() -> None:
    with pytest.raises(OSError, match="ended too soon"):
        write_in_low_priority_process(fail, blocks(MANY))


def test_what_its_rows_raise_ends_it(tmp_path: Path) -> None:
    def broken() -> Iterator[Columns]:
        yield from blocks(MANY)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        write_in_low_priority_process(partial(write, tmp_path / "file"), broken())

    assert not (tmp_path / "file").exists()
