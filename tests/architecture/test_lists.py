"""Every list of a request's model stops at its first bad item: an error for each of 400,000 took 800 MB."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from odometer import http, reports
from odometer.http import account, clients, daily_files, event_tracking, exports, licenses, login

assert http
assert reports
MODULES = (account, clients, daily_files, event_tracking, exports, licenses, login)


def request_models() -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {report.request for report in reports.REPORTS}
    for module in MODULES:
        found |= {one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BaseModel)}
    return found - {BaseModel}


def patient_lists(schema: Any, path: str = "") -> Iterator[str]:
    """Where a schema has lists that would go on after a bad item, at any depth."""
    if isinstance(schema, dict):
        if schema.get("type") in ("list", "tuple", "set", "frozenset") and not schema.get("fail_fast"):
            yield path
        for name, part in schema.items():
            yield from patient_lists(part, f"{path}.{name}")
    elif isinstance(schema, list | tuple):
        for place, part in enumerate(schema):
            yield from patient_lists(part, f"{path}[{place}]")


@pytest.mark.parametrize("model", sorted(request_models(), key=str), ids=str)
def test_lists_fail_fast(model: type[BaseModel]) -> None:
    assert list(patient_lists(TypeAdapter(model).core_schema)) == []


def test_the_check_finds_lists() -> None:
    class Inner(BaseModel):
        quick: Annotated[list[str], Field(fail_fast=True)]
        slow: list[str]

    class Loose(BaseModel):
        items: list[str]
        maybe: dict[str, Inner] | None = None

    assert len(list(patient_lists(TypeAdapter(Loose).core_schema))) == 2
