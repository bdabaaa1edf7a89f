"""Telling what a request said in vain: members that the operation has not, values that can match nothing.

The wire demands that they are ignored (chapter 00); a header says so, for whoever wonders about a figure.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.requests import Request
from starlette.types import Scope

from odometer.http.body import OLDER_MEMBERS, parse_object, validated
from odometer.http.parts import parts_of
from odometer.model.nearest import nearest_name

HEADER: Final = "X-Odometer-Ignored"
DESCRIPTION: Final = (
    "Only where there is something to tell: members of the body that this operation has not, with the nearest one it "
    "has, and filter values that no stored value can equal. Separated by semicolons."
)
M = TypeVar("M", bound=BaseModel)
_MOST: Final = 20
_NAME_SHOWN: Final = 64
_STATE: Final = "ignored"


def teller_of(request: Request) -> Callable[[str], None]:
    """Takes sentences for the header of the answer to this request; so many as it has room for, each once."""
    told: list[str] = request.scope["state"].setdefault(_STATE, [])

    def tell(sentence: str) -> None:
        if len(told) < _MOST and sentence not in told:
            told.append(sentence)

    return tell


def tell_unknown(request: Request, content: Mapping[str, Any], model: type[BaseModel]) -> None:
    """Tell the members of a body that its model has not, at any depth that models describe."""
    tell = teller_of(request)
    elsewhere = {name for report in parts_of(request).reports for name in _fields_of(report.request) if name in content}
    # No more than the header has room for: looking for the nearest name takes a while.
    for sentence in islice(_unknown(content, model, "", elsewhere), _MOST):
        tell(sentence)


def tell_unknown_names(request: Request, content: Mapping[str, Any], known: Collection[str], path: str = "") -> None:
    """Tell the members of an object that are none of the known ones."""
    tell = teller_of(request)
    unknown = (name for name in content if name not in known and (path or name not in OLDER_MEMBERS))
    for name in islice(unknown, _MOST):
        tell(_sentence(path + name[:_NAME_SHOWN], name, known))


def read_request(request: Request, body: bytes, model: type[M]) -> M:
    """As `parse_body`, telling what the model has not."""
    content = parse_object(body)
    tell_unknown(request, content, model)
    return validated(model, content)


def tell_no_more(scope: Scope, field: str | None) -> None:
    """Take back what was told of a member that the answer names as an error: it was not ignored."""
    told: list[str] = scope.get("state", {}).get(_STATE, [])
    if field:
        told[:] = [sentence for sentence in told if not re.match(rf"{re.escape(field)}(?![\w-])", sentence)]


def ignored_header(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The header of the answer, if there is something to tell."""
    told = scope.get("state", {}).get(_STATE)
    if not told:
        return []
    # A header is one line of plain signs, whatever the caller wrote.
    line = "; ".join(told).encode("ascii", "backslashreplace")
    return [(HEADER.lower().encode(), bytes(sign if 32 <= sign < 127 else 63 for sign in line))]


def _fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _unknown(content: object, model: type[BaseModel], path: str, elsewhere: Collection[str] = ()) -> Iterator[str]:
    """`elsewhere` are members that are spelt right and belong to other operations: none of this one is meant."""
    if not isinstance(content, dict):
        return
    fields = _fields_of(model)
    for name, value in content.items():
        if name in fields:
            inner = _model_within(fields[name].annotation)
            if inner is not None:
                yield from _within(value, inner, path + name)
        elif name in elsewhere:
            yield f"{name} is not used here"
        elif path or name not in OLDER_MEMBERS:
            yield _sentence(path + name[:_NAME_SHOWN], name, fields)


def _within(value: object, model: type[BaseModel], path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield from _unknown(value, model, f"{path}.")
        return
    for place, one in enumerate(value):
        yield from _unknown(one, model, f"{path}[{place}].")


def _model_within(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type that a field may have
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        # Models of the query language refuse what they have not.
        return None if annotation.model_config.get("extra") == "forbid" else annotation
    return next((found for part in get_args(annotation) if (found := _model_within(part)) is not None), None)


def _sentence(path: str, name: str, known: Collection[str]) -> str:
    near = nearest_name(name, known)
    return f"{path} is unknown here" + (f", did you mean {near}?" if near else "")
