"""docs/openapi.json and docs/postman.json are what a server gives out, and every example is what its schema says."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from odometer.collect.known_members import ENVELOPE, IN_ENVELOPE
from odometer.http import batch_schema
from odometer.http.postman import postman_collection
from tests.e2e.process import ODOMETER

DOCS = Path(__file__).parents[2] / "docs"
URI = "urn:description"
SUMMED = {"client_day", "event_day"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    # In a process of its own: one process has one engine.
    made: dict[str, Any] = json.loads(subprocess.run([ODOMETER, "openapi"], capture_output=True, check=True).stdout)
    return made


def test_the_files_are_fresh(document: dict[str, Any]) -> None:
    """Renew them by `make description`."""
    assert json.loads((DOCS / "openapi.json").read_text()) == document
    assert json.loads((DOCS / "postman.json").read_text()) == postman_collection(document)


def examples_in(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The contents of requests and answers, by operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            contents = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in contents:
                for media in content.get("content", {}).values():
                    yield f"{method} {path}", media


def test_every_operation_has_examples_that_fit_its_schemas(document: dict[str, Any]) -> None:
    registry = Registry().with_resource(URI, DRAFT202012.create_resource(document))
    without, wrong = [], []
    for operation, media in examples_in(document):
        if "example" not in media:
            without.append(operation)
            continue
        schema = json.loads(json.dumps(media["schema"]).replace('"#/', f'"{URI}#/'))
        faults = Draft202012Validator(schema, registry=registry).iter_errors(media["example"])
        wrong += [f"{operation} {fault.json_path}: {fault.message}" for fault in faults]

    assert wrong == []
    # What a file holds shows its own page.
    assert set(without) == {"get /files/v1/{stream}/{product}/{name}"}


def test_operations_have_short_names_of_their_own(document: dict[str, Any]) -> None:
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch("[a-z][A-Za-z]{2,35}", name)] == []


def test_no_word_of_the_workshop_is_in_it(document: dict[str, Any]) -> None:
    assert re.findall(r"(?:contract|[Cc]hapter) \d\d", json.dumps(document)) == []


def test_the_described_records_have_the_members_that_are_read() -> None:
    described = {}
    for record in get_args(get_args(batch_schema.Record)[0]):
        hints = get_type_hints(record)
        described[get_args(hints["type"])[0]] = frozenset(hints)

    assert described == {kind: members for kind, members in IN_ENVELOPE.items() if kind not in SUMMED}
    assert frozenset(get_type_hints(batch_schema.Batch)) == ENVELOPE
