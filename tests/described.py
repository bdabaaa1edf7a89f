"""Holds answers against the API description: every status, code, member and type must be one that it knows."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.testclient import TestClient

from odometer.http.openapi_document import describe

_URI: Final = "urn:description"
# What the web framework answers whatever the operation: a path that is none of ours, a method that it has not.
_UNKNOWN: Final = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_OWN_PAGES: Final = ("/openapi.json", "/docs", "/postman.json")


class Description:
    """An OpenAPI document that answers are checked against."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._registry = Registry().with_resource(_URI, DRAFT202012.create_resource(document))
        self._paths = [
            (re.compile(re.sub(r"\\\{\w+\\\}", "[^/]*", re.escape(path))), path) for path in document["paths"]
        ]
        # A path without parameters stands before one that a parameter would match as well.
        self._paths.sort(key=lambda one: one[1].count("{"))
        self._validator = lru_cache(maxsize=None)(self._make_validator)

    def fault_of(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> str | None:
        """What is wrong with an answer to a request, in a few words; None when nothing is.

        Names of headers are lower case.
        """
        if method == "OPTIONS":
            return None  # browsers ask whether they may ask
        if "x-request-id" not in headers:
            return "has no X-Request-Id"
        if status in (429, 503) and not headers.get("retry-after", "").isdecimal():
            return "has no Retry-After in seconds"
        operation = self._operation(method, path)
        if operation is None:
            return self._fault_of_unknown(path, status, body)
        responses = self._document["paths"][operation[0]][operation[1]]["responses"]
        if str(status) not in responses:
            return f"answers {status}, which the description of {method} {operation[0]} does not know"
        return self._fault_of_body(*operation, status, headers.get("content-type", ""), body)

    def _operation(self, method: str, path: str) -> tuple[str, str] | None:
        found = next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)
        named = "get" if method.upper() == "HEAD" else method.lower()
        return None if found is None or named not in self._document["paths"][found] else (found, named)

    def _fault_of_unknown(self, path: str, status: int, body: bytes) -> str | None:
        if path in _OWN_PAGES or path.startswith("/static/"):
            return None
        if status not in _UNKNOWN:
            return f"answers {status} to a request that nothing describes"
        code = json.loads(body)["error"]["code"] if body else _UNKNOWN[status]
        return None if code == _UNKNOWN[status] else f"has the code {code}, which is not that of {status}"

    def _fault_of_body(self, template: str, method: str, status: int, media_type: str, body: bytes) -> str | None:
        pointer = ["paths", template, method, "responses", str(status)]
        response = self._at(pointer)
        if "$ref" in response:
            pointer = response["$ref"].removeprefix("#/").split("/")
            response = self._at(pointer)
        content = response.get("content", {})
        kind = media_type.partition(";")[0]
        if not content:
            return "has a body that is not described" if body else None
        if kind not in content:
            # A file has the type that its name says.
            return (
                None if "application/octet-stream" in content and kind else f"is {kind!r}, not one of {list(content)}"
            )
        if kind != "application/json" or not body:
            return None
        if not body.isascii():
            return "is JSON with signs beyond ASCII"
        escaped = "/".join(part.replace("~", "~0").replace("/", "~1") for part in [*pointer, "content", kind, "schema"])
        first = next(self._validator(escaped).iter_errors(json.loads(body)), None)
        return None if first is None else f"differs from the description at {first.json_path}: {first.message[:500]}"

    def _at(self, pointer: list[str]) -> Any:
        found: Any = self._document
        for part in pointer:
            found = found[part]
        return found

    def _make_validator(self, pointer: str) -> Draft202012Validator:
        return Draft202012Validator({"$ref": f"{_URI}#/{pointer}"}, registry=self._registry)


class DescribedClient(TestClient):
    """A caller of an application that holds every answer against the application's own description."""

    def request(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().request(*args, **kwargs)
        sent = answer.request
        headers = {name.lower(): value for name, value in answer.headers.items()}
        body = b"" if sent.method == "HEAD" else answer.content
        fault = _description_of(self.app).fault_of(sent.method, sent.url.path, answer.status_code, headers, body)
        assert fault is None, f"{sent.method} {sent.url.path} {fault}: {answer.text[:500]}"
        return answer


@lru_cache(maxsize=8)
def _description_of(app: Any) -> Description:
    return Description(describe(app))
