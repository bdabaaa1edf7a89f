"""Exports hold the oracle's clients row by row, in every format, on every history; and CSV runs no formulas."""

import datetime as dt
import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.errors import Problem
from odometer.exports.client_files import CLIENT_FILES
from odometer.exports.client_list import ClientListOrder, FileFormat, read_order, write_client_file
from odometer.exports.delimited import harmless
from odometer.exports.jobs import sha256_of
from odometer.reports.client_property_list import REPORT
from odometer.selection.predicate import AllOf, Predicate
from odometer.store.answers.client_list import ClientQuestion
from odometer.store.gate import PATIENCE_S
from tests.client_lists import context_of, list_requests, question_of
from tests.conftest import Store, tried
from tests.exported import as_csv, read_csv, read_json_lines, read_parquet
from tests.generic import assert_same, text
from tests.oracle import client_list
from tests.properties.histories import days_of, histories, last_day, lives_of
from tests.worlds import Delivery, World, feed, to_ms

TODAY = dt.date(2031, 6, 20)


def exported(store: Store, question: ClientQuestion, file_format: FileFormat, folder: Path) -> Path:
    path = folder / f"export{CLIENT_FILES[file_format].ending}"
    told: list[tuple[int, int]] = []
    written = write_client_file(store.questions, question, file_format, path, lambda *figures: told.append(figures))
    assert told[-1] == (written, written)
    return path


@tried(4)
@given(data=st.data(), world=histories())
def test_every_format_holds_the_oracles_clients(
    store: Store, data: st.DataObject, world: World, tmp_path: Path
) -> None:
    product = feed(store, world)
    found = lives_of(world)
    for request, today in data.draw(st.lists(list_requests(days_of(found), last_day(world)), min_size=5, max_size=5)):
        expected = client_list.clients(found, request, today)
        question = question_of(store, product, request, today)
        assert_same(read_json_lines(exported(store, question, "jsonl", tmp_path)), expected, request, today)
        assert_same(read_parquet(exported(store, question, "parquet", tmp_path)), expected, request, today)
        lines = read_csv(exported(store, question, "csv", tmp_path))
        assert text(lines) == text(as_csv(expected, question.choice)), request
        assert ordered(store, product, request, question)


def ordered(store: Store, product: int, request: dict[str, Any], question: ClientQuestion) -> bool:
    """Whether an order means the same after it was stored, where the members of its filters are sorted."""
    order = ClientListOrder(question.choice, REPORT.request.model_validate(request).global_filters, "csv")
    again = read_order(order.as_text(), context_of(store, product, question.today).language)
    same = replace(again.choice, filters=order.choice.filters) == order.choice
    return same and parts(again) == parts(order) and again.as_text() == order.as_text()


def parts(order: ClientListOrder) -> set[Predicate]:
    filters = order.choice.filters
    return set(filters.parts) if isinstance(filters, AllOf) else {filters}


def fed(store: Store, *sets: dict[str, Any]) -> int:
    records = tuple(
        {"clientId": f"client-{n:05}", "type": "client_day", "day": "2031-06-10", "set": one}
        for n, one in enumerate(sets)
    )
    return feed(store, [Delivery(records, to_ms(TODAY), "import", is_import=True)])


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        *[(one, one) for one in ("", "a", "1-2", "-1", "+1.5", "-0.25", "'=1", " =1", "<NULL>")],
        *[(one, f"'{one}") for one in ("=1+1", "+a", "-a", "@a", "\ta", "\ra", "-", "+1.", "-1e5", "--1", "-1\n")],
    ],
)
def test_formulas_are_neutralised(cell: str, shown: str) -> None:
    assert harmless(cell) == shown


def test_csv_quotes_and_neutralises(store: Store, tmp_path: Path) -> None:
    texts = ['=HYPERLINK("http://evil")', "-3.10", '"quoted", comma', "two\nlines"]
    product = fed(store, *({"prodVersion": value, "ram": -1} for value in texts))
    question = question_of(store, product, {"properties": ["prodVersion", "ram"]}, TODAY)

    path = exported(store, question, "csv", tmp_path)

    assert [line[1:] for line in read_csv(path)] == [
        ["prodVersion", "ram"],
        ['\'=HYPERLINK("http://evil")', "-1"],
        ["-3.10", "-1"],
        ['"quoted", comma', "-1"],
        ["two\nlines", "-1"],
    ]


@pytest.mark.parametrize("file_format", ["jsonl", "csv", "parquet"])
def test_the_same_data_make_the_same_bytes(store: Store, file_format: FileFormat, tmp_path: Path) -> None:
    """Files tell nothing but their data; a product without clients makes a valid empty file."""
    for product in (fed(store, {"ram": 1}, {"ram": 2}), store.new_product()):
        question = question_of(store, product, {"properties": ["ram"]}, TODAY)
        first = sha256_of(exported(store, question, file_format, tmp_path))
        time.sleep(0.01)
        assert sha256_of(exported(store, question, file_format, tmp_path)) == first


COUNT = 6_000  # more than a stream reads ahead


def change_everybody(store: Store, product: int) -> None:
    """Every client gets another day, version, memory and session; a hundred are new."""
    values = {"type": "client_day", "day": "2031-06-11", "sessions": 1, "set": {"prodVersion": "2", "ram": 2}}
    records = tuple({"clientId": f"client-{n:05}", **values} for n in range(COUNT + 100))
    feed(store, [Delivery(records, to_ms(TODAY) + 1, "late", is_import=True)], product=product)


@pytest.mark.parametrize("moment", ["while the statements are opened", "while the answers are read"])
def test_a_file_shows_one_state_while_data_arrives(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whenever data arrives, the file shows none of it, or it would show parts of a client before and after."""
    product = fed(store, *({"prodVersion": "1", "ram": 1} for _ in range(COUNT)))
    days = {"startDate": "2031-06-01", "stopDate": "NOW"}
    properties = ["prodVersion", "ram", "lifetimeSessionCount"]
    question = question_of(store, product, {"properties": properties, "retDailyData": days}, TODAY)
    arriving = threading.Thread(target=change_everybody, args=(store, product))
    opened, knocked = itertools.count(1), threading.Event()
    stream, closed = store.engine.stream, store.gate.writing

    def slowly_opened(*args: Any) -> Any:
        if next(opened) == 2 and moment == "while the statements are opened":
            arriving.start()
            assert knocked.wait(30)
            arriving.join(PATIENCE_S + 0.5)  # time enough to change everything, if it could
        return stream(*args)

    def knocking() -> Any:
        knocked.set()
        return closed()

    def change(*_: int) -> None:
        if moment == "while the answers are read" and arriving.ident is None:
            arriving.start()
            arriving.join()

    monkeypatch.setattr(store.engine, "stream", slowly_opened)
    monkeypatch.setattr(store.gate, "writing", knocking)
    path = tmp_path / "export.jsonl.gz"
    assert write_client_file(store.questions, question, "jsonl", path, change) == COUNT
    arriving.join()
    old = {"prodVersion": "1", "ram": 1, "lifetimeSessionCount": 0, "dailyData": [{"date": "2031-06-10"}]}
    assert [one | {"clientId": ""} for one in read_json_lines(path)] == [{"clientId": "", **old}] * COUNT
    assert write_client_file(store.questions, question, "jsonl", path, lambda *_: None) == COUNT + 100


def test_a_writer_that_fails_gives_the_engine_back(store: Store, tmp_path: Path) -> None:
    """Streams that are left in the middle hold nothing: afterwards all goes on."""
    product = fed(store, *({"ram": 1} for _ in range(5_000)))
    question = question_of(store, product, {"properties": ["ram", "prodVersion"]}, TODAY)

    def stop(written: int, _total: int) -> None:
        if written:
            raise Problem("BUSY", "stop")

    for _ in range(6):  # more often than there are handles
        with pytest.raises(Problem, match="stop"):
            write_client_file(store.questions, question, "csv", tmp_path / "x", stop)
    assert write_client_file(store.questions, question, "csv", tmp_path / "x", lambda *_: None) == 5_000
