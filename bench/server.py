"""A real server process for measurements, and a caller that speaks to it over HTTP."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from bench.history import PRODUCT

PORT = 18080


class BenchServer:
    """`odometer serve` on a data folder; stops with the block."""

    def __init__(self, folder: Path) -> None:
        self._environment = {**os.environ, "ODOMETER_DATA": str(folder), "ODOMETER_PORT": str(PORT)}
        self._environment["ODOMETER_TODAY"] = "2030-12-31"
        self.key = ""
        self.token = ""

    def __enter__(self) -> "BenchServer":
        is_new = not (Path(self._environment["ODOMETER_DATA"]) / "registry.sqlite").exists()
        if is_new or not any(row["productId"] == PRODUCT for row in self.odometer("product", "list")):
            self.odometer("product", "add", "Bench", "--id", str(PRODUCT))
            self.odometer("user", "add", "bench@example.com", "--admin", "--password-stdin", given="bench-password-1")
        self.key = self.odometer("product", "key", str(PRODUCT))["key"]
        self.token = self.odometer("token", "add", f"bench-{time.time_ns()}", "--user", "bench@example.com")["token"]
        self._process = subprocess.Popen(
            [_odometer(), "serve"], env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def odometer(self, *words: str, given: str | None = None, as_json: bool = True) -> Any:  # noqa: ANN401 - parsed JSON
        """Run a command beside the server; `as_json`: it takes --json. What it printed."""
        done = subprocess.run(
            [_odometer(), *words, *(["--json"] if as_json else [])],
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    def _wait_until_ready(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=1):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        raise SystemExit("the server did not become ready")

    def post(self, path: str, body: bytes, secret: str, content_type: str = "application/json") -> Any:  # noqa: ANN401 - parsed JSON
        """POST JSON with a bearer secret."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}{path}",
            data=body,
            headers={"Authorization": f"Bearer {secret}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - own server
            return json.loads(answer.read())

    def report(self, product: int, name: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - parsed JSON
        """Ask one report."""
        return self.post(f"/v3/reporting/{name}/{product}", json.dumps(body).encode(), self.token)

    def get(self, path: str) -> Any:  # noqa: ANN401 - parsed JSON
        """GET JSON with the API token."""
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}")
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310 - own server
            return json.loads(answer.read())

    def resident_mb(self, *, tree: bool = False) -> float:
        """Memory of the server process; with `tree` that of the processes it began as well."""
        pids = [self._process.pid]
        if tree:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            pids += [int(pid) for path in children.parent.parent.glob("*/children") for pid in path.read_text().split()]
        return sum(_resident_kb(pid) for pid in pids) / 1024


def _resident_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")), 0)


def _odometer() -> str:
    return str(Path(sys.executable).parent / "odometer")
