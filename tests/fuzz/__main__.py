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
from odometer.http.cookies import CSRF_COOKIE, SESSION_COOKIE
from odometer.http.openapi_document import describe
from odometer.http.request_log import configure_logging
from odometer.serve import application_of
from odometer.settings import read_settings
from tests.described import Description
from tests.fuzz.requests import Call, Generator, operations_in

EMAIL: Final = "fuzz@example.com"
_PASSWORD: Final = "correct horse battery staple"
_AT_ONCE: Final = 4
_MOST_FAULTS: Final = 20
_TOLD_EVERY: Final = 10_000


class Fuzz:
    """One run against one application."""

    def __init__(self, app: FastAPI, description: Description, secrets: dict[str, str], generator: Generator) -> None:
        self._app = app
        self._description = description
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
        if self.statuses.total() % _TOLD_EVERY == 0:
            print(f"{self.statuses.total():,} requests, {len(self.faults)} faults", flush=True)
        if fault:
            self.faults.append(
                f"{fault}\n  {call.operation.method} {call.path}?{call.query} {call.headers}\n"
                f"  {call.body[:3000]!r}\n  → {status} {body[:500]!r}"
            )

    def _fault_of(self, call: Call, status: int, headers: dict[str, str], body: bytes) -> str:
        if status >= 400:
            self.codes[str(json.loads(body.decode("ascii"))["error"]["code"])] += 1
        if status >= 500:
            return f"answered {status}"
        return self._description.fault_of(call.operation.method, unquote(call.path), status, headers, body) or ""


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
    document = describe(app)
    return Fuzz(app, Description(document), secrets, Generator(operations_in(document), product_id, seed))


if __name__ == "__main__":
    main()
