"""Worked cases of getLastLines and of the files of custom events and exceptions (chapter 08), to the letter."""

import datetime as dt
import json
from pathlib import Path
from typing import Any, cast

import pytest

from odometer.errors import Problem
from odometer.exports.line_files import line_writer
from odometer.http.body import parse_body
from odometer.model.daily_file import Stream
from odometer.model.lines import DATA_JSON, LINE_COLUMNS
from odometer.reports.last_lines import CUSTOM_EVENTS, EXCEPTIONS
from tests.client_lists import context_of
from tests.conftest import Store
from tests.exported import read_csv
from tests.generic import text
from tests.oracle import lines
from tests.oracle.wire import DAY_MS
from tests.worlds import Delivery, feed, received, to_ms

Case = dict[str, Any]
WORLD = json.loads((Path(__file__).parent / "golden/last_lines/worked_example.json").read_text(encoding="utf-8"))
TODAY = dt.date.fromisoformat(WORLD["T"])
DELIVERED = [Delivery(tuple(WORLD["records"]), to_ms(TODAY) + DAY_MS - 1, "golden", is_import=True)]
REPORTS = {"custom_event": CUSTOM_EVENTS, "exception": EXCEPTIONS}
OWN = {
    "custom_event": ["event.category", "event.name", "event.data"],
    "exception": [f"exception.{name}" for name in ("className", "methodName", "message", "stackTrace")],
}


@pytest.fixture(scope="module")
def product(store: Store) -> int:
    return feed(store, DELIVERED)


def wanted(case: Case) -> list[Case]:
    """The rows of a case with what it leaves out: "" where nothing is set, N where no flag is."""
    columns = [*WORLD["columns"], *OWN[case["type"]]]
    return [
        {name: row.get(name, "N" if name.startswith("licenseStatus.") else "") for name in columns}
        for row in case["result"]
    ]


def ask(store: Store, product: int, kind: str, request: Case) -> Case:
    report = REPORTS[kind]
    asked = parse_body(json.dumps(request).encode(), report.request)
    return cast("Case", report.run(asked, context_of(store, product, TODAY)))


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_engine_gives_it(store: Store, product: int, case: Case) -> None:
    answer = ask(store, product, case["type"], case["request"])
    assert list(answer) == ["fieldNames", "result"]
    assert text(answer["result"]) == text(wanted(case)), case["why"]
    assert list(answer["fieldNames"]) == [*WORLD["columns"], *OWN[case["type"]]]


@pytest.mark.parametrize("case", WORLD["cases"], ids=lambda case: case["why"])
def test_the_oracle_gives_it(case: Case) -> None:
    found = lines.lines(received(DELIVERED), case["type"])[::-1][: int(case["request"].get("lineCount", 20))]
    assert text(found) == text(wanted(case))


def test_labels_are_friendly_names_except_where_the_definitions_say_so(store: Store, product: int) -> None:
    names = ask(store, product, "custom_event", {})["fieldNames"]
    assert (names["os.version"], names["event.name"]) == ("OS Type", "Event Type")
    assert (names["prodVersion"], names["licenseStatus.blocked"]) == ("Product Version", "License Blocked")


@pytest.mark.parametrize("count", [0, 1001, -1, "0", "1001", "x", "", "\uff11", " 5", 1.5, True, [], "1" * 5000])
def test_another_line_count_is_refused(store: Store, product: int, count: Any) -> None:
    with pytest.raises(Problem) as caught:
        ask(store, product, "exception", {"lineCount": count})
    assert (caught.value.code, caught.value.field) == ("INVALID_FIELD", "lineCount")


@pytest.mark.parametrize("count", [1, "1", 1.0, "0001"])
def test_whole_numbers_and_digits_are_line_counts(store: Store, product: int, count: Any) -> None:
    assert len(ask(store, product, "exception", {"lineCount": count})["result"]) == 1


def test_the_file_of_a_day_has_the_lines_of_the_worked_example(store: Store, product: int, tmp_path: Path) -> None:
    write = line_writer(store.questions.lines, Stream.CUSTOM_EVENTS)
    path = tmp_path / "customEvents_2031-06-18.csv.zip"

    assert write(product, dt.date(2031, 6, 18), path, lambda: None) == 1

    header, row = read_csv(path)
    assert header == [*LINE_COLUMNS["custom_event"], DATA_JSON]
    told = dict(zip(header, row, strict=True))
    assert (told["timestamp"], told["clientId"]) == ("2031-06-18T10:00:00.000Z", "client-X")
    assert (told["prodVersion"], told["event.data"]) == ("3.1", r"sku=A\|1|sku=B|n=2")
    assert told["event.dataJson"] == '[["sku","A|1"],["sku","B"],["n","2"]]'
