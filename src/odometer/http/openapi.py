"""The API description: each route states its operation once with `operation`; the whole is assembled here."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from odometer import __version__
from odometer.errors import ERROR_CODES
from odometer.http.cookies import CSRF_COOKIE, SESSION_COOKIE
from odometer.model.standing import Standing

# The extension of an operation with its mark.
STANDING: Final = "x-standing"
_COMPONENT: Final = "#/components/schemas/{model}"
_DEFAULT_ERRORS: Final = (400, 401, 403, 404, 413, 415, 503)
_WITH_RETRY_AFTER: Final = frozenset({429, 503})
_DESCRIPTION: Final = """\
Usage intelligence for installed software. Callers log in and send two cookies, or send an API token as
`Authorization: Bearer`. Every error has the shape of the schema `Error`; every answer carries `X-Request-Id`."""

_PRODUCT_ID: Final = {
    "name": "product_id",
    "in": "path",
    "required": True,
    "description": "The product: digits only.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,19}$"},
    "example": "2376158762",
}


def operation(  # noqa: PLR0913 - all by name; each is one aspect of the description
    *,
    title: str,
    description: str,
    group: str,
    standing: Standing | None = None,
    body: type[BaseModel] | Mapping[str, Any] | None = None,
    example: tuple[dict[str, Any], dict[str, Any]] | None = None,
    security: Iterable[str] = ("session", "token"),
    errors: Iterable[int] = _DEFAULT_ERRORS,
    query: Mapping[str, str] | None = None,
    has_product: bool = False,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The description of one route, to be given to it as `openapi_extra`.

    Args:
        title: a few words.
        description: sentences, Markdown.
        group: the heading it stands under.
        standing: the mark of compatibility; every route below /v3 has one (tests/docs/test_compatibility.py).
        body: the model of the request body, or its content by media type.
        example: request and answer.
        security: names of the ways to authenticate, each sufficient; `session` includes the CSRF cookie.
        errors: statuses beside success that it answers.
        query: query parameters and what they mean.
        has_product: the path has `{product_id}`.
        headers: answer headers beside the general ones, and what they mean.

    """
    found: dict[str, Any] = {
        "summary": title,
        "description": description,
        "tags": [group],
        "security": [_requirement(name) for name in security],
        "parameters": [_PRODUCT_ID] if has_product else [],
        "responses": {str(status): {"$ref": _response_of(status)} for status in (*errors, 500)},
    }
    for name, meaning in (query or {}).items():
        found["parameters"].append({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}})
    if standing is not None:
        found[STANDING] = asdict(standing)
    if body is not None:
        found["requestBody"] = {"content": _content(body, example)}
    success: dict[str, Any] = {}
    if example is not None:
        success["content"] = {"application/json": {"schema": {"type": "object"}, "example": example[1]}}
    if headers:
        success["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in headers.items()
        }
    if success:
        found["responses"]["200"] = {"description": "Success", **success}
    return found


def _requirement(name: str) -> dict[str, list[str]]:
    return {"session": [], "csrf": []} if name == "session" else {name: []}


def _response_of(status: int) -> str:
    return "#/components/responses/" + ("TryLater" if status in _WITH_RETRY_AFTER else "Error")


def _content(body: type[BaseModel] | Mapping[str, Any], example: tuple[dict[str, Any], Any] | None) -> dict[str, Any]:
    if isinstance(body, Mapping):
        return dict(body)
    content = {"schema": body.model_json_schema(ref_template=_COMPONENT, by_alias=True)}
    return {"application/json": content | ({"example": example[0]} if example is not None else {})}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Odometer", version=__version__, description=_DESCRIPTION, openapi_version="3.1.0", routes=app.routes
        )
        components = document.setdefault("components", {})
        components["schemas"] = _lift_definitions(document["paths"]) | {"Error": _ERROR}
        components["responses"] = _RESPONSES
        components["securitySchemes"] = _SECURITY
        app.openapi_schema = document
    return app.openapi_schema


def _lift_definitions(paths: dict[str, Any]) -> dict[str, Any]:
    """Move what the body models define along with them to where the references point."""
    lifted: dict[str, Any] = {}
    for methods in paths.values():
        for described in methods.values():
            for content in described.get("requestBody", {}).get("content", {}).values():
                lifted |= content.get("schema", {}).pop("$defs", {})
    return lifted


_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "requestId"],
            "properties": {
                "code": {
                    "type": "string",
                    "enum": list(ERROR_CODES),
                    "description": "\n".join(f"- {name}: {code.meaning}" for name, code in ERROR_CODES.items()),
                },
                "message": {"type": "string", "description": "A sentence for humans."},
                "field": {"type": "string", "description": "The member at fault, if it is one."},
                "requestId": {"type": "string", "description": "The same as in the header X-Request-Id."},
            },
        }
    },
}
_ERROR_CONTENT: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_RESPONSES: Final[dict[str, Any]] = {
    "Error": {"description": "Refused; the code says why.", "content": _ERROR_CONTENT},
    "TryLater": {
        "description": "Not now; try again after the given time.",
        "content": _ERROR_CONTENT,
        "headers": {"Retry-After": {"description": "Whole seconds.", "schema": {"type": "integer", "minimum": 1}}},
    },
}
_SECURITY: Final[dict[str, Any]] = {
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "Set by login."},
    "csrf": {"type": "apiKey", "in": "cookie", "name": CSRF_COOKIE, "description": "Set by login and request-csrf."},
    "token": {"type": "http", "scheme": "bearer", "description": "An API token."},
    "ingestionKey": {"type": "http", "scheme": "bearer", "description": "An ingestion key of the product."},
}
