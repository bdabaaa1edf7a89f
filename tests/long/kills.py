"""`python -m tests.long.kills`: SIGKILL at random moments of everything that writes; at the end every figure is right.

Senders post all the time. The server is killed while it serves, starts, erases, exports and makes backups; imports and
rebuilds are killed while they run. What was acknowledged must be there exactly once, stored and derived; what was
imported too; who was erased must be gone.
"""

import argparse
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.e2e.process import ODOMETER, Installation
from tests.e2e.test_durability import Sender, stored_events

TODAY: Final = "2031-05-20"
_SENDERS: Final = 2
_IMPORTED: Final = 20_000
_ENDED: Final = ("done", "failed")


class Kills:
    """One run on one installation."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder / "data"
        self.random = random.Random(seed)
        self.installation = Installation(self.folder, today=TODAY)
        self.acted: Counter[str] = Counter()
        # Only what was alive when the signal came was killed.
        self.done: Counter[str] = Counter()
        self.imports = 0
        self.victims: list[str] = []
        self.exports: list[str] = []
        self.backups = folder / "backups"
        self.backups_begun = 0
        self.acts: dict[str, Callable[[], None]] = {
            "server": self.serving,
            "startup": self.starting,
            "erasure": self.erasing,
            "export": self.exporting,
            "backup": self.backing_up,
            "import": self.importing,
            "rebuild": self.rebuilding,
        }

    def run(self, kills: int) -> None:
        """So many kills, of each kind about as many."""
        self.installation.start()
        for number in range(kills):
            name = list(self.acts)[number % len(self.acts)]
            self.acts[name]()
            self.acted[name] += 1
            print(f"\r{number + 1} of {kills}, killed {dict(self.done)}", end="", flush=True)
        print()

    def kill_server(self, *, within_s: float) -> None:
        """Kill the server after a random while, and start it again."""
        time.sleep(self.random.uniform(0, within_s))
        self._kill_running_server()
        self.installation.start()

    def _kill_running_server(self) -> None:
        process = self.installation.process
        self.installation.stop(signal.SIGKILL)
        assert process is not None
        self.done["server"] += process.returncode == -signal.SIGKILL

    def serving(self) -> None:
        """While it takes batches and derives."""
        self.kill_server(within_s=0.8)

    def starting(self) -> None:
        """While it opens, migrates and catches up."""
        self._kill_running_server()
        self._killed_command("serve", within_s=1.5)
        self.installation.start()

    def erasing(self) -> None:
        """While it erases a client that has just sent."""
        victim = f"victim-client-{len(self.victims):04}"
        records = [{"seq": n, "type": "event", "at": f"{TODAY}T10:00:00Z", "name": "Crop"} for n in range(1, 50)]
        self.installation.send({"clientId": victim, "records": records})
        self.victims.append(victim)
        call = threading.Thread(target=self._erase, args=(victim,))
        call.start()
        self.kill_server(within_s=0.5)
        call.join()
        # Asked for again, as whoever got no answer does; what was begun before is completed by then.
        self._erase(victim)

    def _erase(self, client: str) -> None:
        with contextlib.suppress(httpx2.TransportError, AssertionError):
            path = "/admin/v1/products/*/clients/erase"
            self.installation.ask(path, {"clientIds": [client]})

    def exporting(self) -> None:
        """While it writes an export."""
        for _ in range(120):
            answer = self.installation.request("/v3/export/request/clientPropertyList/*", {"fileFormat": "jsonl"})
            # Erasures make finished exports anew: those wait before this one.
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(1)
        assert answer.status_code == HTTPStatus.OK, answer.text
        self.exports.append(answer.json()["result"]["exportId"])
        self.kill_server(within_s=0.3)

    def backing_up(self) -> None:
        """While it makes a backup: by turns the server is killed, and the command that waits for it."""
        self.backups_begun += 1
        if self.backups_begun % 2:
            self._killed_command("backup", str(self.backups), within_s=2.5)
            return
        command = [ODOMETER, "backup", str(self.backups)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=self.installation.environment, stdout=quiet, stderr=quiet) as process:
            time.sleep(self.random.uniform(0, 3))
            self._kill_running_server()
            # Where it began after the server's end, it has the folder to itself.
            process.wait(60)
        self.installation.start()

    def importing(self) -> None:
        """While it imports; run again it completes."""
        file = self.folder.parent / f"history-{self.imports:04}.ndjson"
        with file.open("w") as out:
            for number in range(_IMPORTED):
                client = f"import{self.imports:04}-{number % 500:05}"
                day = f"2031-0{1 + number // 5000 % 4}-{1 + number % 28:02}"
                line = {"clientId": client, "type": "event_day", "day": day, "name": "Crop", "value": number}
                out.write(json.dumps(line) + "\n")
        self.imports += 1
        self.installation.stop()
        self._killed_command("import", str(file), "--product", str(self.installation.product), within_s=4)
        self.installation.run("import", str(file), "--product", str(self.installation.product), "--json")
        file.unlink()
        self.installation.start()

    def rebuilding(self) -> None:
        """While it derives everything anew; run again it completes."""
        self.installation.stop()
        self._killed_command("rebuild", within_s=3)
        self.installation.run("rebuild")
        self.installation.start()

    def _killed_command(self, *words: str, within_s: float) -> None:
        process = subprocess.Popen(
            [ODOMETER, *words],
            env=self.installation.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(self.random.uniform(0.05, within_s))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.done[words[0]] += process.returncode == -signal.SIGKILL
        self._no_children_left(process.pid)

    @staticmethod
    def _no_children_left(session: int) -> None:
        """Whatever the command began has ended with it: worker processes hold pipes and memory."""
        for _ in range(100):
            left = [stat.parent.name for stat in Path("/proc").glob("[0-9]*/stat") if _session_of(stat) == session]
            if not left:
                return
            time.sleep(0.1)
        raise AssertionError(f"processes outlive the command that began them: {left}")

    def check(self, senders: list[Sender]) -> dict[str, Any]:
        """Every figure, against what was acknowledged. Raises `AssertionError`."""
        for export_id in self.exports:
            self._wait_for_export(export_id)
        imported = {f"import{run:04}-{n:05}" for run in range(self.imports) for n in range(500)}
        clients = len(senders) + len(imported)
        self.installation.report_until({"new": clients, "active": clients, "lost": 0}, **_ALL_TIME)
        self.installation.stop()
        found = stored_events(self.folder)
        expected = {sender.client: (sender.acknowledged, sender.acknowledged) for sender in senders}
        expected |= dict.fromkeys(imported, (_IMPORTED // 500, _IMPORTED // 500))
        wrong = {client: (found.get(client), expected.get(client)) for client in found.keys() | expected.keys()}
        wrong = {client: pair for client, pair in wrong.items() if pair[0] != pair[1]}
        assert not wrong, dict(list(wrong.items())[:10])
        # The clock stands still here, which doctor calls a fault.
        findings = json.loads(self.installation.run("doctor", "--json", expect=1))
        assert [one["subject"] for one in findings if not one["ok"]] == ["clock"], findings
        self.installation.run("backup", str(self.backups))
        whole = json.loads(self.installation.run("restore", str(self.backups), "--list", "--json"))
        for one in whole:
            self.installation.run("restore", str(self.backups), "--at", one["backup"], "--verify")
        return {
            "acknowledged records": sum(sender.acknowledged for sender in senders),
            "imported records": self.imports * _IMPORTED,
            "erased clients": len(self.victims),
            "exports": len(self.exports),
            "complete backups": len(whole),
        }

    def _wait_for_export(self, export_id: str) -> None:
        for _ in range(600):
            status = self.installation.ask(f"/v3/export/status/*/{export_id}")["result"]
            if status["status"] in _ENDED:
                assert status["status"] == "done" or "stopped" in status["error"], status
                return
            time.sleep(0.1)
        raise AssertionError(f"the export {export_id} never ends: {status}")


_ALL_TIME: Final = {"startDate": "2031-01-01", "stopDate": "2031-12-31"}


def _session_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[3])
    except (OSError, IndexError):
        return -1


def main() -> None:
    """Ends with exit code 1 when a figure is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.long.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        kills = Kills(Path(folder), options.seed)
        stop = threading.Event()
        senders = [Sender(kills.installation, number, stop) for number in range(_SENDERS)]
        for sender in senders:
            sender.daemon = True  # it never gives up, and must not keep a run that failed from ending
            sender.start()
        try:
            kills.run(options.kills)
        finally:
            stop.set()
            for sender in senders:
                sender.join(60)
        try:
            figures = kills.check(senders)
        except AssertionError as error:
            print(f"WRONG after {dict(kills.done)} with seed {options.seed}: {error}")
            sys.exit(1)
    print(f"seed {options.seed}: {dict(kills.done)} in {time.monotonic() - start:,.0f} s; all right: {figures}")


if __name__ == "__main__":
    main()
