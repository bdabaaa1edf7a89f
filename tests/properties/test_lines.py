"""Lines of custom events and exceptions are what the oracle tells, in previews and in files (chapter 08)."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from odometer.exports.line_files import LINE_TYPES, line_writer
from odometer.model.lines import LineType, preview_of
from tests.conftest import Store, tried
from tests.exported import read_csv
from tests.oracle.lines import Row, lines
from tests.worlds import feed, feed_as_stored, received, worlds

TODAY = dt.date(2034, 1, 1)


def key(row: Row) -> list[tuple[str, Any]]:
    return sorted(row.items())


def preview(store: Store, product: int, line_type: LineType, count: int) -> list[Row]:
    return [preview_of(one, line_type) for one in store.questions.lines.last(product, line_type, count, TODAY)]


def from_files(store: Store, product: int, line_type: LineType) -> list[Row]:
    """The rows of all files, day by day, without the column that only files have."""
    stream = next(stream for stream, found in LINE_TYPES.items() if found == line_type)
    states = store.questions.lines.content_by_day(product, line_type, (dt.date(1970, 1, 1), TODAY))
    found: list[Row] = []
    for day in sorted(states):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "lines.csv.zip"
            rows = line_writer(store.questions.lines, stream)(product, day, path, lambda: None)
            header, *cells = read_csv(path)
            assert len(cells) == rows
            found += [dict(zip(header, row, strict=True)) for row in cells]
    for row in found:
        row.pop("event.dataJson", None)
    return found


@tried(5)
@given(data=st.data(), world=worlds(), pause=st.none() | st.integers(0, 5))
def test_previews_and_files_are_what_the_records_say(
    store: Store, data: st.DataObject, world: Any, pause: int | None
) -> None:
    twice = data.draw(st.booleans())
    product = feed_as_stored(store, data.draw(st.permutations(world))) if twice else feed(store, world, pause=pause)
    for line_type in LINE_TYPES.values():
        expected = lines(received(world), line_type)
        found = from_files(store, product, line_type)
        # Lines of one moment and client without seq stand in the order of their hashes.
        assert sorted(found, key=key) == sorted(expected, key=key)
        assert [row["timestamp"] for row in found] == [row["timestamp"] for row in expected]
        assert [row["clientId"] for row in found] == [row["clientId"] for row in expected]
        count = data.draw(st.integers(1, 12))
        assert preview(store, product, line_type, count) == found[::-1][:count]
