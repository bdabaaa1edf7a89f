"""How many records a second become durable: live batches from concurrent senders, and bulk import of the demo data."""

import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.history import PRODUCT
from bench.server import BenchServer
from odometer.demo import generate

SENDERS = 8
BATCHES = 40
BATCH = 500


def live_rate(server: BenchServer) -> float:
    """Records a second of `SENDERS` threads that each send `BATCHES` batches of `BATCH` records of one client."""
    run = f"{time.time_ns():x}"

    def send(sender: int) -> int:
        accepted = 0
        for batch in range(BATCHES):
            records = [
                {
                    "seq": batch * BATCH + n + 1,
                    "type": "event",
                    "at": f"2030-12-{1 + batch % 30:02d}T10:{n // 60 % 60:02d}:{n % 60:02d}Z",
                    "category": "Canvas",
                    "name": f"Tool {n % 40}",
                }
                for n in range(BATCH)
            ]
            body = json.dumps({"clientId": f"sender-{run}-{sender}", "records": records}).encode()
            accepted += server.post(f"/collect/v1/{PRODUCT}/batch", body, server.key)["accepted"]
        return accepted

    started = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        accepted = sum(pool.map(send, range(SENDERS)))
    if accepted != SENDERS * BATCHES * BATCH:
        sys.exit("live: not every record was accepted")
    return accepted / (time.perf_counter() - started)


def import_rate(clients: int = 20_000) -> float:
    """Lines a second of `odometer import` of the demo product into an empty store, until reports see all of it."""
    with tempfile.TemporaryDirectory(prefix="odometer-bench-") as folder:
        path = Path(folder) / "demo.ndjson"
        with path.open("wb") as file:
            lines = 0
            for line in generate(seed=1, clients=clients, months=14, today=dt.date(2030, 12, 31)):
                file.write(line.rstrip(b"\n") + b"\n")
                lines += 1
        environment = {**os.environ, "ODOMETER_DATA": folder + "/data", "ODOMETER_TODAY": "2030-12-31"}
        odometer = str(Path(sys.executable).parent / "odometer")
        subprocess.run(
            [odometer, "product", "add", "Import", "--id", "1"], env=environment, check=True, capture_output=True
        )
        started = time.perf_counter()
        subprocess.run(
            [odometer, "import", str(path), "--product", "1"], env=environment, check=True, capture_output=True
        )
        return lines / (time.perf_counter() - started)
