"""Describing operations: each route states its own once with `operation`; openapi_document.py puts them together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from odometer.errors import ERROR_CODES
from odometer.model.compatibility import Compatibility

JSON: Final = "application/json"
# A file, of which a caller may ask for a part; its real type stands in the answer.
FILE: Final = "application/octet-stream"
# Groups of operations, in the order in which they are shown.
TAGS: Final[dict[str, str]] = {
    "Sessions": "Sign in and out. A session is two cookies; an API token needs none of this.",
    "Metadata": "What can be asked of a product: its properties and their values.",
    "Event tracking": "Which events a product has, and which of them reports list.",
    "New, active, lost": "How many installations there are, by any property.",
    "Reports about events": "Who uses which feature, how often, and what the lost never found.",
    "Engagement and churn": "How much the product is used, who stays, and what the lost had done.",
    "Clients": "Installations one by one.",
    "Exports": "All clients in one file, made in the background.",
    "Raw data": "Custom events, exceptions and raw events: the latest lines, and a file for each finished day.",
    "Files": "Fetch a file by the link that another operation gave.",
    "License keys": "The registry of license keys and how many installations use each.",
    "Collecting": "How applications and relays send records.",
    "Administration": "Settings, erasing clients, and one's own password.",
    "Operation": "For whoever runs the server.",
}
# Where a route keeps its description.
_EXTRA: Final = "operation"
_EVERYWHERE: Final = ("REQUEST_TIMEOUT", "INTERNAL_ERROR", "BUSY")
_OF_CALLERS: Final = ("NOT_AUTHENTICATED", "ORIGIN_NOT_ALLOWED", "STORE_UNAVAILABLE")
_OF_SESSIONS: Final = ("SESSION_EXPIRED", "CSRF_MISMATCH")
_OF_PRODUCTS: Final = ("PRODUCT_NOT_FOUND", "PERMISSION_DENIED")
_OF_BODIES: Final = ("MALFORMED_JSON", "INVALID_FIELD", "MISSING_FIELD", "BODY_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")


@dataclass(frozen=True, slots=True)
class Content:
    """A body in one media type.

    Attributes:
        type: what pydantic makes the schema of.
        example: one such body; None only where there is none to show.
        media_type: of the body.

    """

    type: Any
    example: Any = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a query or a path."""

    description: str
    schema: Mapping[str, Any]
    example: str | bool


PRODUCT_ID: Final = Parameter("The product.", {"type": "string", "pattern": "^[0-9]{1,19}$"}, "2376158762")


@dataclass(frozen=True, slots=True)
class Operation:
    """All that is described of one route."""

    name: str
    title: str
    description: str
    tag: str
    body: tuple[Content, ...] = ()
    answer: Content | None = None
    security: tuple[str, ...] = ("session", "token")
    errors: tuple[str, ...] = ()
    query: Mapping[str, Parameter] | None = None
    path: Mapping[str, Parameter] | None = None
    headers: Mapping[str, str] | None = None
    compatibility: Compatibility | None = None


def operation(  # noqa: PLR0913 - all by name; each is one aspect of the description
    *,
    name: str,
    title: str,
    description: str,
    tag: str,
    body: type[BaseModel] | tuple[Content, ...] | None = None,
    answer: Any = None,  # noqa: ANN401 - whatever pydantic makes a schema of
    example: tuple[Any, Any] = (None, None),
    security: Iterable[str] = ("session", "token"),
    errors: Iterable[str] = (),
    query: Mapping[str, Parameter] | None = None,
    path: Mapping[str, Parameter] | None = None,
    has_product: bool = False,
    headers: Mapping[str, str] | None = None,
    compatibility: Compatibility | None = None,
) -> Operation:
    """The description of one route, to be given to `add_operation`.

    Args:
        name: the operation id: short, stable, unique.
        title: a few words.
        description: sentences, Markdown.
        tag: one of `TAGS`.
        body: the model of the JSON body, or bodies by media type.
        answer: the type of the JSON answer, or a `Content`; None = 204 without a body.
        example: request and answer.
        security: names of the ways to authenticate, each sufficient; `session` includes the CSRF cookie.
        errors: codes beside those that follow from security, body and product.
        query: parameters of the query.
        path: parameters of the path beside `{product_id}`.
        has_product: the path has `{product_id}`.
        headers: answer headers beside the general ones, and what they mean.
        compatibility: the mark of compatibility; every route below /v3 has one (tests/docs/test_compatibility.py).

    """
    ways = tuple(security)
    codes = [*_EVERYWHERE, *errors]
    if ways:
        codes += _OF_CALLERS
    if "session" in ways or "csrf" in ways:
        codes += _OF_SESSIONS
    if has_product:
        codes += _OF_PRODUCTS
    if body is not None:
        codes += _OF_BODIES
    return Operation(
        name=name,
        title=title,
        description=description,
        tag=tag,
        body=body if isinstance(body, tuple) else () if body is None else (Content(body, example[0]),),
        answer=answer if isinstance(answer, Content | None) else Content(answer, example[1]),
        security=ways,
        errors=tuple(code for code in ERROR_CODES if code in codes),
        query=query,
        path={**({"product_id": PRODUCT_ID} if has_product else {}), **(path or {})},
        headers=headers,
        compatibility=compatibility,
    )


def add_operation(router: APIRouter, method: str, path: str, endpoint: Any, described: Operation) -> None:  # noqa: ANN401 - any endpoint
    """Route a method of a path to an endpoint, under its description."""
    router.add_api_route(
        path,
        endpoint,
        methods=[method],
        name=described.name,
        status_code=204 if described.answer is None else 200,
        openapi_extra={_EXTRA: described},
    )


def operations_of(app: FastAPI) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and description of every described route, in the order of the tags."""
    found = [
        (method, route.path, (route.openapi_extra or {})[_EXTRA])
        for route in app.routes
        if isinstance(route, APIRoute) and _EXTRA in (route.openapi_extra or {})
        for method in sorted(route.methods or ())
    ]
    tags = list(TAGS)
    yield from sorted(found, key=lambda one: tags.index(one[2].tag))
