"""A real `odometer serve` process on a folder of its own, and commands beside it."""

import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

ODOMETER = str(Path(sys.executable).parent / "odometer")
PASSWORD = "correct horse battery staple"
EMAIL = "ada@example.com"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Installation:
    """A data folder with one product, one administrator, one ingestion key and one API token."""

    def __init__(self, folder: Path, *, today: str, is_new: bool = True, registry: str = "") -> None:
        """`is_new`: makes all of these; else the folder has a product and the administrator, and gets the rest.

        `registry`: the address of one outside the folder.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ODOMETER_")},
            "ODOMETER_DATA": str(folder),
            "ODOMETER_PORT": str(self.port),
            "ODOMETER_TODAY": today,
            **({"ODOMETER_REGISTRY": registry} if registry else {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder.with_suffix(".log")
        if is_new:
            self.run("user", "add", EMAIL, "--admin", "--password-stdin", given=PASSWORD)
            self.product = int(json.loads(self.run("product", "add", "Facet", "--json"))["productId"])
        else:
            self.product = int(json.loads(self.run("product", "list", "--json"))[0]["productId"])
        name = "test" if is_new else "again"
        self.key = json.loads(self.run("product", "key", str(self.product), "--json"))["key"]
        self.token = json.loads(self.run("token", "add", name, "--user", EMAIL, "--json"))["token"]

    @contextmanager
    def copied_to(self, folder: Path) -> Iterator["Installation"]:
        """One of its own for a test: a copy of this stopped one, killed at the end if it still runs."""
        copied = copy.copy(self)
        shutil.copytree(self.environment["ODOMETER_DATA"], folder / "data", symlinks=True)
        copied.environment = {**self.environment, "ODOMETER_DATA": str(folder / "data")}
        copied.log = folder / "data.log"
        yield copied
        if copied.process is not None:
            copied.stop(signal.SIGKILL)

    def run(self, *words: str, given: str | None = None, expect: int = 0) -> str:
        """Run a command; its standard output."""
        done = subprocess.run(
            [ODOMETER, *words], env=self.environment, input=given, capture_output=True, text=True, check=False
        )
        assert done.returncode == expect, f"odometer {words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if expect == 0 else done.stdout + done.stderr

    def start(self, status: int = 200) -> None:
        """Start the server and wait until it is ready, or until /readyz answers another status."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([ODOMETER, "serve"], env=self.environment, stdout=log, stderr=log)
        for _ in range(300):
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=1).status_code == status:
                    return
            except httpx2.TransportError:
                pass
            assert self.process.poll() is None, "the server ended while starting"
            time.sleep(0.1)
        raise AssertionError("the server did not become ready")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server, politely or by SIGKILL."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)
        self.process = None

    def send(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Post one batch; the answer."""
        answer = httpx2.post(
            f"{self.url}/collect/v1/{self.product}/batch",
            json=batch,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def request(self, path: str, body: dict[str, Any] | None = None) -> httpx2.Response:
        """What an operation on the product answers, whose id stands for `*` in the path; GET without a body."""
        return httpx2.request(
            "GET" if body is None else "POST",
            self.url + path.replace("*", str(self.product)),
            json=body,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
        )

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The body of a successful answer to `request`."""
        answer = self.request(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def report(self, **body: Any) -> Any:
        """Ask generic/dateRange with all three statuses."""
        wanted = {"clientStatus": ["new", "active", "lost"], **body}
        return self.ask("/v3/reporting/generic/dateRange/*", wanted)["result"]

    def report_until(self, expected: Any, **body: Any) -> None:
        """Ask until the answer is as expected: derivation may take its two seconds, more on a busy machine."""
        got = None
        for _ in range(100):
            got = self.report(**body)
            if got == expected:
                return
            time.sleep(0.1)
        raise AssertionError(f"expected {expected}, got {got}")
