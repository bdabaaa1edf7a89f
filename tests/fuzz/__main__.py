"""Send random requests to a whole server in this process; every answer must be one that the description knows."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from fastapi import FastAPI

from odometer.accounts import Permission
from odometer.accounts.secret_text import hash_of
from odometer.errors import ERROR_CODES
from odometer.http.cookies import CSRF_COOKIE, SESSION_COOKIE
from odometer.http.openapi import describe
from odometer.http.request_log import configure_logging
from odometer.serve import application_of
from odometer.settings import read_settings
from tests.fuzz.requests import Call, Generator, operations_in

EMAIL: Final = "fuzz@example.com"
_PASSWORD: Final = "correct horse battery staple"
_AT_ONCE: Final = 4
_MOST_FAULTS: Final = 20
# What the web framework answers whatever the operation: a path that is none of ours, a method that it has not.
_SOMETIMES: Final = frozenset(
    (
        "segmentBy",
        "lastValue",
        "nextClientId",
        "nextLicenseKey",
        "reachedEnd",
        "ignored",
        "conflicts",
        "totalEvents",
        "statistics",
    )
)
_ALWAYS: Final = frozenset({404, 405})


class Fuzz:
    """One run against one application."""

    def __init__(self, app: FastAPI, secrets: dict[str, str], generator: Generator) -> None:
        self._app = app
        self._secrets = secrets
        self._generator = generator
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.faults: list[str] = []

    async def run(self, requests: int) -> None:
        """Send so many requests, some at once; stops early when too much is wrong."""
        left = iter(range(requests))

        async def caller() -> None:
            for _ in left:
                if len(self.faults) >= _MOST_FAULTS:
                    return
                await self._send(self._generator.draw())

        await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))

    async def _send(self, call: Call) -> None:
        start = time.monotonic()
        status, headers, body = await _answer(self._app, call, self._secrets)
        fault = self._fault_of(call, status, headers, body)
        if time.monotonic() - start > 30:
            fault = "took longer than 30 seconds"
        self.statuses[status] += 1
        if fault:
            self.faults.append(
                f"{fault}\n  {call.operation.method} {call.path}?{call.query} {call.headers}\n"
                f"  {call.body[:3000]!r}\n  → {status} {body[:500]!r}"
            )

    def _fault_of(self, call: Call, status: int, headers: dict[str, str], body: bytes) -> str:
        if status >= 500:
            return f"answered {status}"
        if "x-request-id" not in headers:
            return "has no X-Request-Id"
        if status not in call.operation.statuses | _ALWAYS:
            return f"answered {status}, which the description does not know"
        if status >= 400:
            return self._fault_of_error(status, headers, body)
        if headers.get("content-type") == "application/json":
            answer = json.loads(body.decode("ascii"))
            known = call.operation.answer_members
            if not isinstance(answer, dict) or (known and not known & answer.keys()):
                return "has none of the documented members"
            return "" if not known or answer.keys() <= known | _SOMETIMES else "has members that are not documented"
        return "" if status in (200, 204) else f"answered {status}"

    def _fault_of_error(self, status: int, headers: dict[str, str], body: bytes) -> str:
        answer = json.loads(body.decode("ascii"))
        error = answer.get("error", {})
        self.codes[str(error.get("code"))] += 1
        if set(answer) != {"error"} or set(error) - {"field"} != {"code", "message", "requestId"}:
            return "has not the shape of errors"
        if not all(isinstance(value, str) for value in error.values()):
            return "has an error with members that are no texts"
        if error["code"] not in ERROR_CODES or ERROR_CODES[error["code"]].status != status:
            return "has a code that is not of this status"
        return "has no Retry-After" if status == 429 and "retry-after" not in headers else ""


async def _answer(app: FastAPI, call: Call, secrets: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in call.headers]
    headers.append((b"host", b"localhost"))
    for way, secret in secrets.items():
        if way in call.operation.security:
            headers.append((b"authorization", f"Bearer {secret}".encode()))
    if "session" in call.operation.security and "token" not in call.operation.security:
        headers.append((b"cookie", secrets["cookies"].encode()))
    status, answered, pieces = 0, {}, []
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status = message["status"]
            answered = {name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]}
        else:
            pieces.append(message.get("body", b""))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.operation.method,
        "scheme": "http",
        "path": unquote(call.path),
        "raw_path": call.path.encode(),
        "query_string": call.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50_000),
        "server": ("localhost", 80),
        "state": {},
    }
    await app(scope, receive, send)
    return status, answered, b"".join(pieces)


def main() -> None:
    """Ends with exit code 1 when an answer was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    configure_logging("CRITICAL")
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings({"ODOMETER_DATA": str(Path(folder) / "data")})
        with application_of(settings) as app:
            fuzz = _fuzz_of(app, options.seed)
            start = time.monotonic()
            asyncio.run(fuzz.run(options.requests))
            seconds = time.monotonic() - start
    total = fuzz.statuses.total()
    print(
        f"seed {options.seed}: {total:,} requests in {seconds:,.0f} s; by status {dict(sorted(fuzz.statuses.items()))}"
    )
    print(f"codes {dict(fuzz.codes.most_common())}")
    for fault in fuzz.faults:
        print(f"\nFAULT {fault}")
    print(f"{len(fuzz.faults)} faults")
    sys.exit(1 if fuzz.faults else 0)


def _fuzz_of(app: FastAPI, seed: int) -> Fuzz:
    registry = app.state.parts.registry
    product_id = registry.products.add("Fuzz").product_id
    registry.users.add(EMAIL, _PASSWORD)
    registry.users.grant(EMAIL, product_id, list(Permission))
    caller = registry.users.check_password(EMAIL, _PASSWORD)
    assert caller is not None
    session = registry.sessions.open(caller)
    cookies = f"{SESSION_COOKIE}={session}; {CSRF_COOKIE}={app.state.csrf.make(hash_of(session))}"
    secrets = {
        "cookies": cookies,
        "token": registry.tokens.add("fuzz", EMAIL),
        "ingestionKey": registry.keys.add(product_id).text,
    }
    return Fuzz(app, secrets, Generator(operations_in(describe(app)), product_id, seed))


if __name__ == "__main__":
    main()
