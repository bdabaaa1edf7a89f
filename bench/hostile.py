"""`python -m bench.hostile`: what 40 callers at once who mean harm take from health checks and normal batches.

Each kind of request is sent by 40 callers for some seconds, again and again. Meanwhile /healthz and a normal batch are
asked at short intervals. The bars: /healthz p99 at most 250 ms, a normal batch at most 1 s, memory + 300 MB.
"""

import argparse
import asyncio
import gzip
import itertools
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.history import PRODUCT
from bench.server import PORT, BenchServer

CALLERS: Final = 40
_HEAD: Final = '{"clientId": "hostile-client-01", "records": []'
_GET: Final = b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
_PIPELINED: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
_CHUNKED: Final = b"POST /v3/auth/logout HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
_AT: Final = "2030-12-30T10:00:00Z"


@dataclass(slots=True)
class Seen:
    """What was measured during an attack."""

    health_ms: list[float] = field(default_factory=list)
    batch_ms: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    memory_mb: float = 0.0


def request_of(path: str, body: bytes, *, key: str = "", encoding: str = "", media: str = "application/json") -> bytes:
    """The bytes of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", f"Content-Type: {media}"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if encoding:
        lines.append(f"Content-Encoding: {encoding}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def attacks(key: str, token: str) -> dict[str, bytes]:
    """The requests by name."""
    collect = f"/collect/v1/{PRODUCT}/batch"
    many = gzip.compress(_HEAD.encode() + b', "x": [' + b"[]," * 20_000_000 + b"[]]}")
    blank = gzip.compress(_HEAD.encode() + b" " * (60 << 20) + b"}")
    text = gzip.compress(_HEAD.encode() + b', "x": "' + b"a" * (60 << 20) + b'"}')
    members = gzip.compress(b"", mtime=0) * ((1 << 20) // 20)
    deep = b"[" * 200_000 + b"]" * 200_000
    lines = b"".join(_line(number) for number in range(5_000))
    report = f"/v3/reporting/generic/dateRange/{PRODUCT}"
    return {
        "gzip of 20 million empty arrays": request_of(collect, many, key=key, encoding="gzip"),
        "gzip of 60 MiB blanks": request_of(collect, blank, key=key, encoding="gzip"),
        "gzip of one text of 60 MiB": request_of(collect, text, key=key, encoding="gzip"),
        "1 MiB of empty gzip members": request_of(collect, members, key=key, encoding="gzip"),
        "8 MiB of empty arrays": request_of(collect, b"[" + b"[]," * 2_700_000 + b"[]]", key=key),
        "5,000 lines, 1 MB": request_of(collect, lines, key=key, media="application/x-ndjson"),
        "4 MiB of [] to logout": request_of("/v3/auth/logout", b"[" + b"[]," * 1_390_000 + b"[]]"),
        "4 MiB of [] to a report": request_of(report, b"[" + b"[]," * 1_390_000 + b"[]]", key=token),
        "200,000 levels to a report": request_of(report, deep, key=token),
        "1.9 MB of texts to a report": request_of(report, b"[" + b'"",' * 480_000 + b'""]', key=token),
        "60 erasures of one client": request_of(
            f"/admin/v1/products/{PRODUCT}/clients/erase", b'{"clientIds": ["hostile-client-01"]}', key=token
        ),
        "140,000 wrong items in a list": request_of(
            report, b'{"startDate": "NOW", "stopDate": "NOW", "clientStatus": [1' + b",1" * 140_000 + b"]}", key=token
        ),
        "5,000 lines of 0, 10 KB": request_of(collect, b"0\n" * 5_000, key=key, media="application/x-ndjson"),
        "2.4 MB in chunks of a byte": _CHUNKED + b"1\r\n \r\n" * 400_000 + b"0\r\n\r\n",
        "12,000 headers": _GET % b"/healthz" + b"a:b\r\n" * 12_000 + b"\r\n",
        "2,000 requests in a row": _PIPELINED * 2_000 + _GET % b"/healthz" + b"\r\n",
        "/openapi.json": _GET % b"/openapi.json" + b"\r\n",
    }


def _line(number: int) -> bytes:
    record = {"clientId": f"hostile-{number % 50:04}", "seq": number + 1, "type": "heartbeat", "at": _AT, "x": "y" * 90}
    return json.dumps(record).encode() + b"\n"


async def ask(request: bytes) -> str:
    """The status of one request on a connection of its own, or how it failed."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        try:
            writer.write(request)
            head = await reader.readline()
            await reader.read()
            return head.split(b" ")[1].decode() if head else "closed"
        finally:
            writer.close()
    except (OSError, IndexError) as error:
        return type(error).__name__


async def _again(work: Callable[[], Coroutine[Any, Any, None]], until: float, pause_s: float) -> None:
    while time.monotonic() < until:
        await work()
        await asyncio.sleep(pause_s)


async def attack(server: BenchServer, request: bytes, seconds: float, seqs: Iterator[int]) -> Seen:
    """Send one kind of request from all callers for some seconds, and measure meanwhile."""
    seen = Seen()
    before = server.resident_mb(tree=True)

    async def harm() -> None:
        seen.answers[await ask(request)] += 1

    async def health() -> None:
        start = time.perf_counter()
        status = await ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen.health_ms.append((time.perf_counter() - start) * 1000 if status == "200" else float("inf"))

    async def batch() -> None:
        records = [{"seq": next(seqs), "type": "heartbeat", "at": _AT} for _ in range(20)]
        body = json.dumps({"clientId": "normal-client-01", "records": records}).encode()
        start = time.perf_counter()
        status = await ask(request_of(f"/collect/v1/{PRODUCT}/batch", body, key=server.key))
        seen.batch_ms.append((time.perf_counter() - start) * 1000 if status == "200" else float("inf"))

    async def memory() -> None:
        seen.memory_mb = max(seen.memory_mb, server.resident_mb(tree=True) - before)

    until = time.monotonic() + seconds
    attackers = [asyncio.create_task(_again(harm, until, 0)) for _ in range(CALLERS)]
    await asyncio.gather(_again(health, until, 0.02), _again(batch, until, 0.1), _again(memory, until, 0.05))
    await asyncio.gather(*attackers)
    return seen


async def half_sent(count: int) -> str:
    """Open so many connections that never finish their request; how long until /healthz answers again."""
    held = []
    for _ in range(count):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            break
        writer.write(b"POST /v3/auth/web HTTP/1.1\r\nHost: x\r\nContent-Le")
        held.append(writer)
    start = time.perf_counter()
    worst = 0.0
    statuses: Counter[str] = Counter()
    while time.perf_counter() - start < 3:
        one = time.perf_counter()
        statuses[await ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")] += 1
        worst = max(worst, time.perf_counter() - one)
        await asyncio.sleep(0.02)
    for writer in held:
        writer.close()
    return f"{len(held):,} half-sent requests: /healthz {dict(statuses)}, slowest {worst * 1000:.0f} ms"


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="of each attack")
    parser.add_argument("--only", default="", help="attacks whose name contains this")
    options = parser.parse_args()
    seqs = itertools.count(1)
    with tempfile.TemporaryDirectory() as folder, BenchServer(Path(folder)) as server:
        requests = attacks(server.key, server.token)
        quiet = request_of("/nowhere", b"{}")
        asyncio.run(attack(server, quiet, 2, seqs))
        print("| 40 callers at once send | /healthz p50 | p99 | normal batch p50 | slowest | memory | answers |")
        print("|---|---|---|---|---|---|---|")
        for name, request in requests.items():
            if options.only in name:
                seen = asyncio.run(attack(server, request, options.seconds, seqs))
                health, slow = _percentile(seen.health_ms, 0.5), _percentile(seen.health_ms, 0.99)
                print(
                    f"| {name} | {health:.0f} ms | {slow:.0f} ms "
                    f"| {_percentile(seen.batch_ms, 0.5):.0f} ms | {max(seen.batch_ms, default=0):.0f} ms "
                    f"| +{seen.memory_mb:.0f} MB | {dict(seen.answers)} |",
                    flush=True,
                )
        print(asyncio.run(half_sent(2_000)))


if __name__ == "__main__":
    main()
