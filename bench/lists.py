"""Client lists: pages wherever they lie, and exports of everything with the memory and the patience they take."""

import json
import random
import statistics
import time
from typing import Any, Final

from bench.history import FIRST, LAST, PRODUCT
from bench.server import BenchServer
from odometer.selection.client_list import all_properties

_EVERYTHING: Final = all_properties((), may_use_license_keys=True)
_FEW: Final = ["prodVersion", "geography.country", "ram"]
_PAGES: Final[dict[str, dict[str, Any]]] = {
    "3 properties": {"properties": _FEW},
    f"all {len(_EVERYTHING)} properties": {"properties": _EVERYTHING},
    "3 properties, 90 days of daily versions": {
        "properties": _FEW,
        "retDailyData": {"startDate": "NOW-89", "stopDate": "NOW", "properties": ["prodVersion"]},
    },
    "3 properties, one version in nine": {
        "properties": _FEW,
        "globalFilters": {"prodVersion": {"type": "string", "value": "5"}},
    },
    "3 properties, nobody passes": {
        "properties": _FEW,
        "globalFilters": {"prodVersion": {"type": "string", "value": "none"}},
    },
}
_YEAR: Final = {
    "startDate": str(FIRST),
    "stopDate": str(LAST),
    "dateSplit": "week",
    "clientStatus": ["new", "active", "lost"],
}


def measure_lists(server: BenchServer) -> None:
    """Print pages at 30 places, then each format with all properties."""
    print("| a page of 200 clients, at 30 places | median | slowest |\n|---|---|---|")
    places = random.Random(1)
    for name, request in _PAGES.items():
        server.report(PRODUCT, "clientPropertyList", request)
        taken = []
        for _ in range(30):
            start = f"{places.getrandbits(64):016x}"
            began = time.perf_counter()
            server.report(PRODUCT, "clientPropertyList", {**request, "startAtClientId": start})
            taken.append((time.perf_counter() - began) * 1000)
        print(f"| {name} | {statistics.median(taken):.0f} ms | {max(taken):.0f} ms |")
    print("| export | clients | time | size | memory grew by | a year by week meanwhile |\n|---|---|---|---|---|---|")
    for file_format in ("jsonl", "csv", "parquet"):
        print(_export(server, file_format))


def _export(server: BenchServer, file_format: str) -> str:
    """One row: an export of all properties."""
    before = peak = server.resident_mb()
    body = {"properties": _EVERYTHING, "fileFormat": file_format}
    began = time.perf_counter()
    asked = server.post(f"/v3/export/request/clientPropertyList/{PRODUCT}", json.dumps(body).encode(), server.token)
    status: dict[str, Any] = {"status": "queued"}
    reports: list[float] = []
    while status["status"] in ("queued", "running"):
        peak = max(peak, server.resident_mb())
        if len(reports) < 20:
            asked_at = time.perf_counter()
            server.report(PRODUCT, "generic/dateRange", _YEAR)
            reports.append((time.perf_counter() - asked_at) * 1000)
        time.sleep(0.05)
        status = server.get(f"/v3/export/status/{PRODUCT}/{asked['result']['exportId']}")["result"]
    seconds = time.perf_counter() - began
    files = server.get(f"/v3/export/listFiles/{PRODUCT}")["fileList"]
    size = next(file["fileSize"] for file in files if file["fileName"] == status["fileName"])
    return (
        f"| {file_format} | {status['clientsWritten']:,} | {seconds:.0f} s | {size / 1e6:.0f} MB "
        f"| {peak - before:.0f} MB | {statistics.median(reports):.0f} ms |"
    )
