"""Daily files (chapter 08): which there should be, made soon after midnight and anew when late data changes a day."""

import datetime as dt
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import structlog

from odometer.exports.files import FileKey, FileStore
from odometer.exports.jobs import sha256_of
from odometer.exports.line_files import LINE_TYPES, line_writer
from odometer.exports.raw_files import Pause, write_raw_csv, write_raw_parquet
from odometer.exports.worker import Stopped
from odometer.model.daily_file import DailyFile, Stream
from odometer.store.questions import Questions

_ONE_DAY: Final = dt.timedelta(days=1)
_NAME: Final = re.compile(r"[A-Za-z]+_([0-9]{4}-[0-9]{2}-[0-9]{2})(\.[a-z.]+)")
_log = structlog.get_logger(__name__)

# Writes the rows of a product's day to a path and returns how many there are.
WriteDay = Callable[[int, dt.date, Path, Pause], int]
# A product's days from the first to the last that have rows → what stands for their content.
DayStates = Callable[[int, tuple[dt.date, dt.date]], dict[dt.date, str]]


class Book(Protocol):
    """Where complete files are noted; see `odometer.accounts.daily_files`."""

    def of(self, product_id: int, stream: Stream) -> list[DailyFile]:
        """The files of a stream, newest day first."""

    def put(self, file: DailyFile) -> None:
        """Note that the file is complete."""

    def remove(self, file: DailyFile) -> None:
        """Note that the file is to be had no more."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a stream come from: the states of its days, and a writer for each ending of a file."""

    states: DayStates
    writers: Mapping[str, WriteDay]


# The endings of a product's files, by stream; a stream without one has no files.
Wanted = Mapping[Stream, tuple[str, ...]]
_CSV: Final = ".csv.zip"
_ENDINGS: Final = {"csv": _CSV, "parquet": ".parquet"}


def wanted_files(raw_formats: Iterable[str]) -> Wanted:
    """What a product has: custom events and exceptions always, raw events in these formats."""
    raw = tuple(_ENDINGS[one] for one in raw_formats)
    return {Stream.CUSTOM_EVENTS: (_CSV,), Stream.EXCEPTIONS: (_CSV,), Stream.RAW_EVENTS: raw}


def sources_of(questions: Questions) -> dict[Stream, Source]:
    """The streams of a store."""
    lines = {
        stream: Source(
            partial(_line_states, questions, stream),
            {_CSV: line_writer(questions.lines, stream)},
        )
        for stream in LINE_TYPES
    }
    raw = questions.raw
    writers = {_CSV: partial(write_raw_csv, raw), _ENDINGS["parquet"]: partial(write_raw_parquet, raw)}
    return {**lines, Stream.RAW_EVENTS: Source(raw.content_by_day, writers)}


def _line_states(
    questions: Questions, stream: Stream, product_id: int, days: tuple[dt.date, dt.date]
) -> dict[dt.date, str]:
    return questions.lines.content_by_day(product_id, LINE_TYPES[stream], days)


@dataclass(slots=True)
class DailyFiles:
    """The daily files of all products: brought up to date one by one, each at most once at a time.

    Attributes:
        book: which are complete.
        files: where they are kept.
        sources: their rows.
        kept_days: files of so many finished days are there.

    """

    book: Book
    files: FileStore
    sources: Mapping[Stream, Source]
    kept_days: int
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _publishing: threading.Lock = field(default_factory=threading.Lock)
    # How often clients of a product were erased.
    _erasures: Counter[int] = field(default_factory=Counter)

    def days(self, today: dt.date) -> tuple[dt.date, dt.date]:
        """The first and the last finished day that have files."""
        return today - self.kept_days * _ONE_DAY, today - _ONE_DAY

    def listed(self, product_id: int, stream: Stream, endings: tuple[str, ...], today: dt.date) -> list[DailyFile]:
        """The complete files, newest first."""
        first, last = self.days(today)
        return [
            file
            for file in self.book.of(product_id, stream)
            if file.name.endswith(endings) and first <= file.day <= last
        ]

    def find(
        self, product_id: int, stream: Stream, endings: tuple[str, ...], today: dt.date, name: str
    ) -> DailyFile | None:
        """The file of a name; written now where that has not been done yet. None when there cannot be one."""
        found = next((file for file in self.listed(product_id, stream, endings, today) if file.name == name), None)
        if found is not None:
            return found
        match = _NAME.fullmatch(name)
        day = _day(match[1]) if match else None
        first, last = self.days(today)
        if match is None or day is None or not first <= day <= last or name not in _names(stream, day, endings):
            return None
        state = self.sources[stream].states(product_id, (day, day)).get(day)
        return None if state is None else self._make(product_id, stream, day, match[2], state, lambda: None)

    def refresh(self, product_id: int, wanted: Wanted, today: dt.date, pause: Pause) -> None:
        """Make what is missing or has changed, take away what nobody wants any more. Doing it again changes nothing."""
        for stream, source in self.sources.items():
            endings = wanted.get(stream, ())
            states = source.states(product_id, self.days(today)) if endings else {}
            known = {file.name: file for file in self.book.of(product_id, stream)}
            due = {name for day in states for name in _names(stream, day, endings)}
            for file in known.values():
                if file.name not in due:
                    self._take_away(file)
            for day in sorted(states, reverse=True):
                for name, ending in _names(stream, day, endings).items():
                    pause()
                    if name not in known or known[name].state != states[day]:
                        self._make(product_id, stream, day, ending, states[day], pause)

    def _make(
        self, product_id: int, stream: Stream, day: dt.date, ending: str, state: str, pause: Pause
    ) -> DailyFile | None:
        """Write one file; None, and no file, when the day has lost its rows meanwhile.

        `state` was read before, so what comes in between only makes the file anew next time.
        """
        name = f"{stream}_{day}{ending}"
        with self._writing:
            there = next((file for file in self.book.of(product_id, stream) if file.name == name), None)
            if there is not None and there.state == state:
                return there
            while True:
                erasures = self._erasures[product_id]
                with ExitStack() as publishing, suppress(_ErasedMeanwhile):
                    key = FileKey(stream, product_id, name)
                    with self.files.writing(key) as path:
                        rows = self.sources[stream].writers[ending](product_id, day, path, pause)
                        size, sha256 = path.stat().st_size, sha256_of(path)
                        publishing.enter_context(self._publishing)
                        if erasures != self._erasures[product_id]:
                            raise _ErasedMeanwhile
                    file = DailyFile(
                        stream=stream,
                        product_id=product_id,
                        day=day,
                        name=name,
                        rows=rows,
                        file_size=size,
                        sha256=sha256,
                        state=state,
                    )
                    if rows == 0:
                        self._take_away(file)
                        return None
                    self.book.put(file)
                    return file

    def erased(self, product_id: int, days: Mapping[Stream, Collection[dt.date]]) -> list[str]:
        """Take away the files of days on which erased clients show, at once; `refresh` makes them again without them.

        What is being written at this moment is not published but written again.
        """
        with self._publishing:
            self._erasures[product_id] += 1
            affected = [
                file for stream, of in days.items() for file in self.book.of(product_id, stream) if file.day in of
            ]
            for file in affected:
                self._take_away(file)
        return [file.name for file in affected]

    def _take_away(self, file: DailyFile) -> None:
        # In this order: a file that could not be deleted is known, and tried again.
        self.files.delete(key_of(file))
        self.book.remove(file)


class _ErasedMeanwhile(Exception):
    """Clients were erased while a file was written, in which they may be."""


@dataclass(frozen=True, slots=True)
class DailyDuty:
    """What the worker of daily files does: one product after the other, each by itself.

    Attributes:
        daily: the files.
        products: the products, and what each wants.
        today: tells the present day.

    """

    daily: DailyFiles
    products: Callable[[], Iterable[tuple[int, Wanted]]]
    today: Callable[[], dt.date]

    def __call__(self, stopping: threading.Event) -> None:
        """Bring the files of every product up to date."""

        def pause() -> None:
            if stopping.is_set():
                raise Stopped

        for product_id, wanted in self.products():
            try:
                self.daily.refresh(product_id, wanted, self.today(), pause)
            except Stopped:
                raise
            except Exception:  # noqa: BLE001 - one product's trouble must not keep the others from their files
                _log.exception("daily files were not brought up to date, trying again", product_id=product_id)


def key_of(file: DailyFile) -> FileKey:
    """Where the file is kept."""
    return FileKey(file.stream, file.product_id, file.name)


def _names(stream: Stream, day: dt.date, endings: tuple[str, ...]) -> dict[str, str]:
    """The names of the files of a day, with their endings."""
    return {f"{stream}_{day}{ending}": ending for ending in endings}


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
