"""`python -m tests.long.soak`: half an hour of senders, readers, mistakes and erasures; memory must stay flat."""

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.e2e.process import Installation

_AT: Final = "2031-05-20T10:00:00Z"
_EVERY_S: Final = 5.0
# The median of the last third against that of the middle one; a leak of a megabyte a minute would show.
_MOST_GROWTH: Final = 0.05


class Load:
    """Callers of one server."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.stop = threading.Event()
        self.answers: dict[int, int] = {}
        self._lock = threading.Lock()

    def send(self, number: int) -> None:
        """Batches of ever new clients, some compressed badly, some wrong, some large."""
        draws = random.Random(number)
        seq = 0
        while not self.stop.is_set():
            seq += 1
            client = f"soak-{number}-{draws.randrange(5_000):06}"
            records = [{"seq": seq * 100 + n, "type": "event", "at": _AT, "name": f"E{n % 7}"} for n in range(50)]
            body: Any = {"clientId": client, "records": records, "x": [[]] * draws.choice((0, 0, 10, 30_000))}
            self._call("POST", "/collect/v1/*/batch", body, self.installation.key)
            if draws.random() < 0.1:
                self._call("POST", "/collect/v1/*/batch", {"clientId": client, "records": 7}, self.installation.key)

    def ask(self, number: int) -> None:
        """Reports of several kinds, right ones and wrong ones."""
        draws = random.Random(number)
        span = {"startDate": "2031-01-01", "stopDate": "2031-05-20"}
        while not self.stop.is_set():
            split = draws.choice(("day", "week", "month", "wrong"))
            body = {**span, "dateSplit": split, "clientStatus": ["new", "active"]}
            self._call("POST", "/v3/reporting/generic/dateRange/*", body, self.installation.token)
            self._call("POST", "/v3/reporting/eventTracking/advanced/fullReport/*", span, self.installation.token)
            self._call(
                "POST", "/v3/reporting/clientPropertyList/*", {"properties": ["prodVersion"]}, self.installation.token
            )
            self._call("GET", "/metrics", None, self.installation.token)
            self._call("GET", "/v3/meta/productProperties/*", None, self.installation.token)

    def erase(self) -> None:
        """One client after the other."""
        draws = random.Random(7)
        while not self.stop.wait(5):
            body = {"clientIds": [f"soak-0-{draws.randrange(5_000):06}"]}
            self._call("POST", "/admin/v1/products/*/clients/erase", body, self.installation.token)

    def _call(self, method: str, path: str, body: Any, secret: str) -> None:
        url = self.installation.url + path.replace("*", str(self.installation.product))
        content = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        status = httpx2.request(method, url, content=content, headers=headers, timeout=60).status_code
        with self._lock:
            self.answers[status] = self.answers.get(status, 0) + 1


def resident_mb(pid: int) -> float:
    """Memory of a process."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Ends with exit code 1 when memory grows or a server's own error was answered."""
    parser = argparse.ArgumentParser(prog="python -m tests.long.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder) / "data", today="2031-05-20")
        installation.start()
        load = Load(installation)
        threads = [threading.Thread(target=load.send, args=(n,)) for n in range(2)]
        threads += [threading.Thread(target=load.ask, args=(n,)) for n in range(2)]
        threads.append(threading.Thread(target=load.erase))
        for thread in threads:
            thread.start()
        seen: list[float] = []
        until = time.monotonic() + options.minutes * 60
        while time.monotonic() < until:
            time.sleep(_EVERY_S)
            assert installation.process is not None
            seen.append(resident_mb(installation.process.pid))
        load.stop.set()
        for thread in threads:
            thread.join()
        installation.stop()
    third = len(seen) // 3
    first, middle, last = (
        statistics.median(part) for part in (seen[:third], seen[third : 2 * third], seen[2 * third :])
    )
    print(f"{options.minutes:g} minutes; answers {dict(sorted(load.answers.items()))}")
    print(f"memory in MB: median of the thirds {first:.0f}, {middle:.0f}, {last:.0f}; most {max(seen):.0f}")
    bad = [status for status in load.answers if status >= 500 and status != 503]
    if bad or last > middle * (1 + _MOST_GROWTH):
        sys.exit(1)


if __name__ == "__main__":
    main()
