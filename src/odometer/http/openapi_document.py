"""The OpenAPI 3.1 document of an application, assembled from what its routes state."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from odometer import __version__
from odometer.errors import ERROR_CODES
from odometer.http.cookies import CSRF_COOKIE, SESSION_COOKIE
from odometer.http.openapi import FILE, JSON, TAGS, Content, Operation, Parameter, operations_of

# The extension of an operation with its mark.
STANDING: Final = "x-standing"
_SCHEMAS: Final = "#/components/schemas/"
_WITH_RETRY_AFTER: Final = frozenset({429, 503})
_DESCRIPTION: Final = """\
Usage intelligence for installed software: how many installations are new, active and lost, who uses which feature, and
how long users stay.

**Signing in.** Send an API token as `Authorization: Bearer <token>`. Or open a session as existing scripts do: ask for
a CSRF cookie, log in, and send both cookies with every call.

**Answers.** Success is 200 or 204. Every error has the shape of the schema `Error`, and its `code` says what to do.
Every answer carries `X-Request-Id`, by which the operator finds the request in the log.

**Dates** are `YYYY-MM-DD`, both ends of a range count, and days are UTC days. `NOW` and `NOW-<days>` are dates too.
"""

_Key = tuple[str, str, str]


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route, made once."""
    if app.openapi_schema is None:
        listed = list(operations_of(app))
        schemas, definitions = _schemas(described for _, _, described in listed)
        paths: dict[str, Any] = {}
        refusals = _Refusals()
        for method, path, described in listed:
            paths.setdefault(path, {})[method.lower()] = _described(described, schemas, refusals)
        app.openapi_schema = {
            "openapi": "3.1.0",
            "info": {
                "title": "Odometer",
                "version": __version__,
                "description": _DESCRIPTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/", "description": "This server"}],
            "tags": [{"name": name, "description": meaning} for name, meaning in TAGS.items()],
            "paths": paths,
            "components": {
                "schemas": {**definitions, "Error": _ERROR},
                "responses": refusals.responses,
                "headers": _HEADERS,
                "securitySchemes": _SECURITY,
            },
        }
    return app.openapi_schema


class _Schemas(GenerateJsonSchema):
    """JSON schemas without titles that only repeat names; an answer has the members described and no others."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - as declared above it
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        found = super().default_schema(schema)
        # Null is absent: there is nothing to tell.
        if found.get("default", "") is None:
            found.pop("default")
        return found

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        # Not each form needs its `type`: tools take such alternatives for ambiguous in a oneOf.
        found = super().tagged_union_schema(schema)
        return {"anyOf": found.pop("oneOf"), **found}

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        found = super().typed_dict_schema(schema)
        return {"additionalProperties": False, **found} if self.mode == "serialization" else found


def _schemas(listed: Iterable[Operation]) -> tuple[dict[_Key, JsonSchemaValue], dict[str, JsonSchemaValue]]:
    """The schema of every body and answer, and what they refer to."""
    contents = [
        (described.name, side, content)
        for described in listed
        for side, found in (("body", described.body), ("answer", (described.answer,)))
        for content in found
        if content is not None
    ]
    inputs: list[tuple[_Key, Literal["validation", "serialization"], TypeAdapter[Any]]] = [
        (
            (name, side, content.media_type),
            "validation" if side == "body" else "serialization",
            TypeAdapter(content.type),
        )
        for name, side, content in contents
    ]
    made, document = TypeAdapter.json_schemas(inputs, ref_template=_SCHEMAS + "{model}", schema_generator=_Schemas)
    return {key: schema for (key, _), schema in made.items()}, dict(document.get("$defs", {}))


def _described(described: Operation, schemas: Mapping[_Key, JsonSchemaValue], refusals: "_Refusals") -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": described.name,
        "summary": described.title,
        "description": _told(described),
        "tags": [described.tag],
        "security": [_requirement(name) for name in described.security],
    }
    parameters = [*_parameters("path", described.path), *_parameters("query", described.query)]
    if parameters:
        found["parameters"] = parameters
    if described.body:
        bodies = {content.media_type: _media(described.name, "body", content, schemas) for content in described.body}
        is_required = any(_has_required_members(content.type) for content in described.body)
        found["requestBody"] = {"required": is_required, "content": bodies}
    found["responses"] = {**_success(described, schemas), **refusals.of(described.errors)}
    if described.compatibility is not None:
        found[STANDING] = asdict(described.compatibility)
    return found


def _told(described: Operation) -> str:
    """The description, and of an operation of v3 what is settled."""
    compatibility = described.compatibility
    if compatibility is None:
        return described.description
    said = [described.description]
    if compatibility.settled:
        said.append(f"**Settled by public clients, never changed:** {compatibility.settled}")
    if compatibility.ours:
        said.append(f"**Our decision:** {compatibility.ours}")
    return "\n\n".join(said)


def _requirement(name: str) -> dict[str, list[str]]:
    return {"session": [], "csrf": []} if name == "session" else {name: []}


def _parameters(place: str, parameters: Mapping[str, Parameter] | None) -> Iterator[dict[str, Any]]:
    for name, parameter in (parameters or {}).items():
        yield {
            "name": name,
            "in": place,
            **({"required": True} if place == "path" else {}),
            "description": parameter.description,
            "schema": dict(parameter.schema),
            "example": parameter.example,
        }


def _has_required_members(model: object) -> bool:
    """Whether a body without members is refused; one that is no object is never empty."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return any(field.is_required() for field in model.model_fields.values())
    return bool(getattr(model, "__required_keys__", True))


def _media(name: str, side: str, content: Content, schemas: Mapping[_Key, JsonSchemaValue]) -> dict[str, Any]:
    found: dict[str, Any] = {"schema": schemas[name, side, content.media_type]}
    return found if content.example is None else {**found, "example": content.example}


def _success(described: Operation, schemas: Mapping[_Key, JsonSchemaValue]) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    for name, meaning in (described.headers or {}).items():
        headers[name] = {"description": meaning, "schema": {"type": "string"}}
    content = described.answer
    if content is None:
        return {"204": {"description": "Done.", "headers": headers}}
    media = {content.media_type: _media(described.name, "answer", content, schemas)}
    found = {"200": {"description": "Success.", "headers": headers, "content": media}}
    if content.media_type == FILE:
        text = {"text/plain": {"schema": {"type": "string"}}}
        found["206"] = {"description": "The part that the header Range asks for.", "headers": headers, "content": media}
        found["416"] = {"description": "The file has no such part.", "headers": headers, "content": text}
    return found


class _Refusals:
    """Refusals of one status with the same codes are described once."""

    def __init__(self) -> None:
        self.responses: dict[str, Any] = {}
        self._names: dict[tuple[str, ...], str] = {}

    def of(self, codes: Iterable[str]) -> dict[str, Any]:
        """Status → reference, for these codes."""
        by_status: dict[int, list[str]] = {}
        for code in codes:
            by_status.setdefault(ERROR_CODES[code].status, []).append(code)
        return {
            str(status): {"$ref": "#/components/responses/" + self._name(status, by_status[status])}
            for status in sorted(by_status)
        }

    def _name(self, status: int, codes: list[str]) -> str:
        key = tuple(codes)
        if key not in self._names:
            before = sum(ERROR_CODES[other[0]].status == status for other in self._names)
            self._names[key] = f"Refused{status}" + (f"_{before + 1}" if before else "")
            self.responses[self._names[key]] = _refusal(status, codes)
        return self._names[key]


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    of_code = {"type": "object", "properties": {"code": {"enum": codes}}}
    schema = {"allOf": [{"$ref": _SCHEMAS + "Error"}, {"type": "object", "properties": {"error": of_code}}]}
    headers: dict[str, Any] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if status in _WITH_RETRY_AFTER:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": "\n".join(f"- `{code}`: {ERROR_CODES[code].meaning}" for code in codes),
        "headers": headers,
        "content": {JSON: {"schema": schema}},
    }


_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What every refusal looks like.",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "requestId"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "enum": list(ERROR_CODES), "description": "What is wrong, for programs."},
                "message": {"type": "string", "description": "What is wrong and what to do, for people."},
                "field": {"type": "string", "description": "The member at fault, if one is: `segments[1].limit`."},
                "requestId": {"type": "string", "description": "The same as in the header X-Request-Id."},
            },
        }
    },
}
_HEADERS: Final[dict[str, Any]] = {
    "RequestId": {"description": "The id of this request in the server's log.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
}
_SECURITY: Final[dict[str, Any]] = {
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "Login sets it."},
    "csrf": {"type": "apiKey", "in": "cookie", "name": CSRF_COOKIE, "description": "Login and request-csrf set it."},
    "token": {"type": "http", "scheme": "bearer", "description": "An API token of a user."},
    "ingestionKey": {"type": "http", "scheme": "bearer", "description": "An ingestion key of the product."},
}
