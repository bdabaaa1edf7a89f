"""Requests that are nearly right: documented examples with some places changed to JSON of every type."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Path = tuple[str | int, ...]
Json = Any

SCALARS: Final[tuple[Json, ...]] = (
    None, True, False, 0, 1, -1, 2, 30, 2**31, 2**62, 2**63, 2**64, -(2**63) - 1, 10**40, 0.5, 30.0, 1e15, 1e300, -0.0,
    "", " ", "0", "30", "true", "null", "<NULL>", "NOW", "NOW-30", "NOW-9999", "NOW-10000", "now", "2031-06-19",
    "2031-02-30", "0001-01-01", "9999-12-31", "2031-06-19T10:00:00Z", "1970-01-01T00:00:00Z", "3.2", "3.*", "(((", ".*",
    "(?i)x", "(a+)+$", "\\p{Greek}", "\\", "'", "';--", "{x:String}", "{{", "%s", "\u0000", "\ud800", "é", "😀",
    "\u202e",
    "a" * 300, "x" * 2_000, "day", "week", "month", "none", "new", "lost", "prodVersion", "os", "os.version", "C04",
    "licenseKey", "regex", "string", "stringArray", "numberRange", "number", "dateRange", "boolean", "date",
)  # fmt: skip
_WHOLE: Final[tuple[Json, ...]] = (
    [], {}, [[]], [{}], {"": None}, {"type": None}, {"type": []}, {"type": ["regex"]}, {"type": {}}, {"type": "regex"},
    {"type": "string", "value": []}, {"type": "stringArray", "value": [None]}, {"type": "numberRange", "min": "a"},
    {"type": "dateRange", "min": 1, "max": {}}, {"value": {"value": {}}}, [None], [1, "1", True], [[["a"]]],
    {"category": [], "name": {}}, {"a": 1, "b": [1, 2, {"c": None}]},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the API description has it.

    Attributes:
        method: of HTTP.
        path: with names in braces.
        examples: bodies that are right, by media type.
        query: names of its query parameters.
        security: ways to sign in, by name.

    """

    method: str
    path: str
    examples: Mapping[str, Json]
    query: tuple[str, ...]
    security: frozenset[str]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it is sent."""

    operation: Operation
    path: str
    query: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = field(default=())


def operations_in(description: Mapping[str, Any]) -> list[Operation]:
    """The operations of an API description."""
    return [
        Operation(
            method=method.upper(),
            path=path,
            examples={
                media: content["example"]
                for media, content in operation.get("requestBody", {}).get("content", {}).items()
                if "example" in content
            },
            query=tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"),
            security=frozenset(name for way in operation.get("security", ()) for name in way),
        )
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]


class Generator:
    """Draws requests. The same seed draws the same ones."""

    def __init__(self, operations: list[Operation], product_id: int, seed: int) -> None:
        self._operations = operations
        # Those without a body have little that can be wrong.
        self._weights = [10 if one.examples else 1 for one in operations]
        self._product_id = product_id
        self._random = random.Random(seed)
        bodies = [body for one in operations for body in one.examples.values() if not isinstance(body, str)]
        self._parts = [part for body in bodies for _, part in _places(body)]
        self._names = sorted(
            {name for body in bodies for path, _ in _places(body) for name in path if isinstance(name, str)}
        )

    def draw(self) -> Call:
        """The next request."""
        operation = self._random.choices(self._operations, self._weights)[0]
        media, example = self._random.choice(list(operation.examples.items()) or [("", None)])
        body = self._body(media, example)
        headers = [
            ("content-type", self._one_of(media or "application/json", "text/plain", "application/json; charset=x"))
        ]
        if self._random.random() < 0.01:
            headers.append(
                (self._one_of("content-encoding", "x-rui-csrf", "origin", "cookie"), self._one_of("gzip", "x", "é"))
            )
        return Call(operation, self._path(operation.path), self._query(operation), body, tuple(headers))

    def _one_of(self, usual: str, *others: str) -> str:
        return usual if self._random.random() < 0.98 else self._random.choice(others)

    def _path(self, path: str) -> str:
        while "{" in path:
            name = path[path.index("{") + 1 : path.index("}")]
            usual = str(self._product_id) if name in ("product_id", "product") else "x"
            given = self._one_of(usual, "0", "abc", "9" * 30, "1" * 19, "%00", "%D9%A1", "..", "-1", " ", "1e3", "%ff")
            path = path.replace("{" + name + "}", given, 1)
        return path

    def _query(self, operation: Operation) -> str:
        given = [
            f"{name}={self._random.choice(('', 'true', 'all', 'basic', '1', '%00', '%ff', 'x' * 300, '[]'))}"
            for name in (*operation.query, "x")
            if self._random.random() < 0.2
        ]
        return "&".join(given)

    def _body(self, media: str, example: Json) -> bytes:
        if isinstance(example, str):
            lines = [self._mutated(json.loads(line)) for line in example.splitlines()] * self._random.randint(1, 3)
            return b"\n".join(_text(line) for line in lines)
        if not media:
            return b"" if self._random.random() < 0.8 else _text(self._value())
        body = _text(self._mutated(example))
        return body if self._random.random() < 0.97 else self._broken(body)

    def _mutated(self, example: Json) -> Json:
        body = copy.deepcopy(example)
        for _ in range(self._random.choice((0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 5, 5, 8))):
            body = self._changed(body)
        return body

    def _changed(self, body: Json) -> Json:
        path, old = self._random.choice(list(_places(body)))
        action = self._random.random()
        if action < 0.15 and path:
            return _removed(body, path)
        if action < 0.35 and isinstance(old, dict):
            old[self._random.choice(self._names)] = self._value()
            return body
        if action < 0.45 and isinstance(old, list):
            old.extend([self._value()] * self._random.choice((1, 1, 2, 101)))
            return body
        return _replaced(body, path, self._value())

    def _value(self) -> Json:
        kind = self._random.random()
        if kind < 0.5:
            return self._random.choice(SCALARS)
        return copy.deepcopy(self._random.choice(_WHOLE if kind < 0.75 else self._parts))

    def _broken(self, body: bytes) -> bytes:
        if not body:
            return b"{"
        place = self._random.randrange(len(body))
        return (
            body[:place]
            + self._random.choice((b"", b"\xff", b"\x00", b'"', b"}", b"[" * 200, b"1e999"))
            + body[place + 1 :]
        )


def _text(value: Json) -> bytes:
    return json.dumps(value).encode()


def _places(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Every place of a JSON value, the whole first."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from _places(part, (*path, name))


def _holder(body: Json, path: Path) -> Json:
    for step in path[:-1]:
        body = body[step]
    return body


def _replaced(body: Json, path: Path, value: Json) -> Json:
    if not path:
        return value
    _holder(body, path)[path[-1]] = value
    return body


def _removed(body: Json, path: Path) -> Json:
    del _holder(body, path)[path[-1]]
    return body
