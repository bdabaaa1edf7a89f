"""Every list of a request's model stops at its first bad item: an error for each of 400,000 took 800 MB."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, FailFast

from odometer import http, reports
from odometer.http import account, clients, daily_files, event_tracking, exports, login

assert http
assert reports
MODULES = (account, clients, daily_files, event_tracking, exports, login)


def request_models() -> set[type[BaseModel]]:
    found: set[type[BaseModel]] = {report.request for report in reports.REPORTS}
    for module in MODULES:
        found |= {one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BaseModel)}
    return found - {BaseModel}


def lists_in(annotation: Any, metadata: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """What is said beside each list within a type."""
    if get_origin(annotation) in (list, tuple, set, frozenset):
        yield metadata
    # What is said of an alternative of types is said of each of them.
    own = metadata if isinstance(annotation, UnionType) else ()
    for part in get_args(annotation):
        yield from lists_in(part, own)


@pytest.mark.parametrize("model", sorted(request_models(), key=str), ids=str)
def test_lists_fail_fast(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        for said in lists_in(field.annotation, tuple(field.metadata)):
            assert any(isinstance(one, FailFast) for one in said), f"{model.__name__}.{name}"


def test_the_check_finds_lists() -> None:
    class Loose(BaseModel):
        items: list[str]
        maybe: list[int] | None = None

    said = [one for field in Loose.model_fields.values() for one in lists_in(field.annotation, tuple(field.metadata))]
    assert said == [(), ()]
