"""License keys: 200,000 of them in the registry, a client on each, and the registry deciding over all of them."""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from bench.server import BenchServer

PRODUCT: Final = 77_000_002
KEYS: Final = 200_000
_ENTRIES: Final = 10_000
_RECORDS: Final = 5_000
_SEARCHES: Final[dict[str, dict[str, Any]]] = {
    "1,000 keys": {},
    "1,000 keys from the middle": {"startAtLicenseKey": "KEY-0100000"},
    "10,000 keys": {"pageSize": 10_000},
    "100 blocked ones": {"filters": {"licenseStatus": [{"blocked": True}]}, "pageSize": 100},
    "one key": {"filters": {"licenseKey": {"type": "string", "value": "KEY-0150000"}}},
    "a pattern that 20 keys match": {"filters": {"licenseKey": {"type": "regex", "value": "KEY-.*9999"}}},
    "keys over their quota (none)": {"filters": {"overQuotaCount": {"type": "numberRange", "min": 1}}},
}


def measure_licenses(server: BenchServer) -> None:
    """Print what changing, searching and deciding take."""
    if not any(row["productId"] == PRODUCT for row in server.odometer("product", "list")):
        server.odometer("product", "add", "Licensed", "--id", str(PRODUCT))
    # Else the server would insert them by itself, before the batches do.
    server.odometer("product", "set", str(PRODUCT), "collectLicenseKeys=false", as_json=False)
    key = server.odometer("product", "key", str(PRODUCT))["key"]
    for first in range(0, KEYS, _RECORDS):
        lines = "\n".join(_record(number) for number in range(first, first + _RECORDS))
        server.post(f"/collect/v1/{PRODUCT}/batch", lines.encode(), key, "application/x-ndjson")
    print("| a batch of 10,000 keys | median | slowest |\n|---|---|---|")
    for name, values in (("inserted", {"licenseType": "nfr"}), ("changed", {"installQuota": 2}), ("unchanged", {})):
        batches = [_batch(first, values) for first in range(0, KEYS, _ENTRIES)]
        print(_row(name, [_seconds(partial(_update, server, body)) for body in batches]))
    print("| a search among 200,000 keys, over HTTP | median | slowest |\n|---|---|---|")
    for name, body in _SEARCHES.items():
        print(_row(name, [_seconds(partial(_search, server, body)) for _ in range(10)]))
    _measure_deciding(server)


def _measure_deciding(server: BenchServer) -> None:
    """From changing the setting, and one key, to figures that show it."""
    server.odometer("product", "set", str(PRODUCT), "licenseStatusSource=registry", as_json=False)
    # The keys were added on the fixed today of this server: what clients did before is theirs.
    began = time.perf_counter()
    _wait(server, {"licenseType": {"type": "string", "value": "nfr"}}, KEYS)
    print(f"the registry decides over {KEYS:,} clients after {time.perf_counter() - began:.0f} s")
    _update(server, _batch(0, {"licenseType": "custom1"}))
    began = time.perf_counter()
    _wait(server, {"licenseType": {"type": "string", "value": "custom1"}}, _ENTRIES)
    print(f"figures follow a batch of {_ENTRIES:,} changes after {time.perf_counter() - began:.0f} s")
    server.odometer("product", "set", str(PRODUCT), "licenseStatusSource=client", as_json=False)


def _wait(server: BenchServer, filters: dict[str, Any], clients: int) -> None:
    day = {"startDate": "NOW", "stopDate": "NOW", "dateSplit": "day"}
    request = {**day, "clientStatus": ["active"], "globalFilters": filters}
    while [one["active"] for one in server.report(PRODUCT, "generic/dateRange", request)["result"].values()] != [
        clients
    ]:
        time.sleep(0.2)


def _record(number: int) -> str:
    record = {"clientId": f"licensed-{number:07}", "seq": 1, "type": "license", "at": "2030-12-31T10:00:00Z"}
    return json.dumps({**record, "key": f"KEY-{number:07}"})


def _batch(first: int, values: dict[str, Any]) -> bytes:
    entries = [
        {"licenseKey": f"KEY-{number:07}", "licenseStatus": {"blocked": number % 100 == 0}, **values}
        for number in range(first, first + _ENTRIES)
    ]
    return json.dumps({"keyUpdates": entries}).encode()


def _update(server: BenchServer, body: bytes) -> Any:  # noqa: ANN401 - parsed JSON
    return server.post(f"/v3/license-key-registry/update/{PRODUCT}", body, server.token)


def _search(server: BenchServer, body: dict[str, Any]) -> Any:  # noqa: ANN401 - parsed JSON
    return server.post(f"/v3/license-key-registry/{PRODUCT}", json.dumps(body).encode(), server.token)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(name: str, taken: list[float]) -> str:
    return f"| {name} | {statistics.median(taken) * 1000:.0f} ms | {max(taken) * 1000:.0f} ms |"
