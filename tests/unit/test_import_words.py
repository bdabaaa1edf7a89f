"""The summary of an import: each kind of fault by code and member, and what is stored now, whatever ended it."""

from pathlib import Path

import pytest

from odometer.cli.import_words import as_json, lines_of
from odometer.collect.import_rows import FileChunk, LineRejection
from odometer.collect.import_summary import ImportSummary

CHUNK = FileChunk(Path("a.ndjson"), 1, "lines", b"", 0)


def refused(*faults: tuple[str, str | None, str]) -> ImportSummary:
    summary = ImportSummary()
    summary.refuse(CHUNK, [LineRejection(line, *fault, "") for line, fault in enumerate(faults, 1)])
    return summary


def test_each_kind_of_fault_has_its_count_first_line_and_message() -> None:
    summary = refused(
        ("MISSING_FIELD", "day", "day is required."),
        ("MISSING_FIELD", "clientId", "clientId is required."),
        ("INVALID_FIELD", "day", "day lies in the future."),
        ("MISSING_FIELD", "clientId", "clientId is required."),
    )

    assert as_json(summary, dry_run=False)["faults"] == [
        *({"code": "MISSING_FIELD", "field": "day", "count": 1, "first": "a.ndjson:1", "message": "day is required."},),
        {
            "code": "MISSING_FIELD",
            "field": "clientId",
            "count": 2,
            "first": "a.ndjson:2",
            "message": "clientId is required.",
        },
        {
            "code": "INVALID_FIELD",
            "field": "day",
            "count": 1,
            "first": "a.ndjson:3",
            "message": "day lies in the future.",
        },
    ]
    assert list(lines_of(summary, dry_run=False)) == [
        "4 records: 0 accepted, 0 duplicates",
        "  2 rejected: MISSING_FIELD in clientId (first: a.ndjson:2): clientId is required.",
        "  1 rejected: MISSING_FIELD in day (first: a.ndjson:1): day is required.",
        "  1 rejected: INVALID_FIELD in day (first: a.ndjson:3): day lies in the future.",
    ]


def test_places_in_a_list_are_one_kind() -> None:
    found = as_json(refused(*(("INVALID_FIELD", f"data[{n}]", "no pair") for n in range(300))), dry_run=False)

    assert [(one["field"], one["count"]) for one in found["faults"]] == [("data[]", 300)]
    assert "otherFaults" not in found


def test_faults_beyond_a_hundred_kinds_are_counted() -> None:
    summary = refused(*(("UNKNOWN_PROPERTY", f"set.p{n}", "unknown") for n in range(103)))

    assert as_json(summary, dry_run=False)["otherFaults"] == 3
    assert "  3 rejected for more kinds of faults than are told here" in lines_of(summary, dry_run=False)


@pytest.mark.parametrize(
    ("accepted", "dry_run", "last"),
    [
        (0, False, ["Interrupted before anything new was stored. Run the import again."]),
        (
            7,
            False,
            [
                "Interrupted. Run the import again for the rest: what is stored is recognised.",
                "What was accepted is kept; the next command derives it, and then reports show it.",
            ],
        ),
        (
            7,
            True,
            ["Interrupted: only the first 7 records were tried. Run it again to try all.", "Nothing was stored."],
        ),
        (
            0,
            True,
            ["Interrupted: only the first 0 records were tried. Run it again to try all.", "Nothing was stored."],
        ),
    ],
)
def test_an_interrupted_import_says_what_is_stored(accepted: int, last: list[str], *, dry_run: bool) -> None:
    told = lines_of(ImportSummary(accepted=accepted, interrupted=130), dry_run=dry_run)

    assert list(told)[1:] == last


@pytest.mark.parametrize(
    ("accepted", "dry_run", "ending"),
    [
        (1, False, "Stopped: a.ndjson: no record. What came before is kept."),
        (0, False, "Stopped: a.ndjson: no record."),
        (1, True, "Stopped: a.ndjson: no record."),
    ],
)
def test_an_import_that_stops_says_that_something_is_kept_only_where_it_is(
    accepted: int, ending: str, *, dry_run: bool
) -> None:
    assert ending in lines_of(ImportSummary(accepted=accepted, stopped="a.ndjson: no record"), dry_run=dry_run)
