"""A Postman collection (2.1) made from the API description: a folder for each tag, the login flow in its scripts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_DESCRIPTION: Final = """\
Made from the API description of Odometer.

Set the variables `baseUrl`, `user`, `password` and `product`; for sending records `ingestionKey` too. Requests log in
by themselves: the script of the collection opens a session when there is none. Administration
and License keys hold requests that change things: run the collection as a whole against a demo server only.
"""
_LOG_IN: Final = """\
const base = pm.variables.get("baseUrl");
const needsSession = !pm.request.headers.has("Authorization") && !pm.request.url.getPath().match(/request-csrf|auth/);
if (needsSession && !pm.collectionVariables.get("session")) {
    const login = {
        url: base + "/v3/auth/web",
        method: "POST",
        header: { "Content-Type": "application/json" },
        body: {
            mode: "raw",
            raw: JSON.stringify({ userName: pm.variables.get("user"), password: pm.variables.get("password") }),
        },
    };
    pm.sendRequest(base + "/v3/request-csrf", () =>
        pm.sendRequest(login, (error, answer) => {
            if (!error && answer.code === 200) pm.collectionVariables.set("session", "open");
        })
    );
}
"""
# The cookies themselves are kept by the program that runs the collection.
_FORGET: Final = """\
if (pm.response.code === 401 || pm.request.url.getPath().endsWith("/logout")) pm.collectionVariables.unset("session");
"""
_CHECK: Final = """\
pm.test("is answered as described", () => pm.expect(pm.response.code).to.be.oneOf({statuses}));
"""
# The status of an export is asked for by the id that asking for it gave.
_KEEP_EXPORT_ID: Final = """\
if (pm.response.code === 200) pm.collectionVariables.set("exportId", pm.response.json().result.exportId);
"""
# Examples that name something which a server need not have: a refusal is an answer as well.
_MAY_BE_REFUSED: Final = {
    "changeEventTracking": (404,),
    "changePassword": (400, 401, 429),
    "customEventsDownloadUrl": (404,),
    "download": (403,),
    "exceptionsDownloadUrl": (404,),
    "exportClient": (404,),
    "exportDownloadUrl": (404,),
    "rawEventsDownloadUrl": (404,),
}
_VARIABLES: Final = {
    "baseUrl": "http://127.0.0.1:8080",
    # Those of `odometer demo`.
    "user": "demo@odometer.example",
    "password": "",
    "product": "1000000001",
    "ingestionKey": "",
    "exportId": "ex-7c2153b09a4e",
}
_OF_PATH: Final = {"product_id": "product", "product": "product", "export_id": "exportId"}


def postman_collection(document: Mapping[str, Any]) -> dict[str, Any]:
    """The collection for an OpenAPI document, whose references and examples are those of openapi_document.py."""
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            folders[operation["tags"][0]].append(_item(path, method.upper(), operation))
    descriptions = {tag["name"]: tag["description"] for tag in document["tags"]}
    return {
        "info": {"name": "Odometer", "description": _DESCRIPTION, "schema": _SCHEMA},
        "item": [
            {"name": name, "description": descriptions[name], "item": items} for name, items in folders.items() if items
        ],
        "event": [_script("prerequest", _LOG_IN), _script("test", _FORGET)],
        "variable": [{"key": name, "value": value, "type": "string"} for name, value in _VARIABLES.items()],
    }


def _item(path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method,
        "description": operation["description"],
        "header": [],
        "url": _url(path, operation),
    }
    name = operation["operationId"]
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies:
        media_type, content = next(iter(bodies.items()))
        request["header"] = [{"key": "Content-Type", "value": media_type}]
        request["body"] = {"mode": "raw", "raw": _text(_with_variables(name, content["example"]))}
    if operation["security"] == [{"ingestionKey": []}]:
        request["header"].append({"key": "Authorization", "value": "Bearer {{ingestionKey}}"})
    successes = (int(status) for status in operation["responses"] if status < "300")
    statuses = sorted({*successes, *_MAY_BE_REFUSED.get(name, ())})
    lines = _CHECK.format(statuses=statuses) + (_KEEP_EXPORT_ID if name == "exportRequest" else "")
    return {
        "name": operation["summary"],
        "request": request,
        "response": list(_saved(request, operation)),
        "event": [_script("test", lines)],
    }


def _with_variables(name: str, example: Any) -> Any:  # noqa: ANN401 - any JSON value
    if name == "login":
        return {"userName": "{{user}}", "password": "{{password}}"}
    return example


def _url(path: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    parts = []
    for part in path.strip("/").split("/"):
        name = part.strip("{}")
        if part == name:
            parts.append(part)
        else:
            example = next(one["example"] for one in parameters if one["name"] == name)
            parts.append("{{" + _OF_PATH[name] + "}}" if name in _OF_PATH else str(example))
    query = [
        {"key": one["name"], "value": _query_text(one["example"]), "description": one["description"], "disabled": True}
        for one in parameters
        if one["in"] == "query"
    ]
    found: dict[str, Any] = {"raw": "{{baseUrl}}/" + "/".join(parts), "host": ["{{baseUrl}}"], "path": parts}
    return {**found, "query": query} if query else found


def _query_text(example: object) -> str:
    return str(example).lower() if isinstance(example, bool) else str(example)


def _saved(request: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The documented answer, as an example beside the request."""
    for media_type, content in operation["responses"].get("200", {}).get("content", {}).items():
        if "example" in content:
            yield {
                "name": "Example",
                "originalRequest": dict(request),
                "status": "OK",
                "code": 200,
                "header": [{"key": "Content-Type", "value": media_type}],
                "body": _text(content["example"]),
            }


def _text(example: object) -> str:
    return example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)


def _script(when: str, lines: str) -> dict[str, Any]:
    return {"listen": when, "script": {"type": "text/javascript", "exec": lines.splitlines()}}
