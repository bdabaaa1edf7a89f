"""What was acknowledged survives SIGKILL, once; what was not is sent again and counts once (chapter 09)."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.process import Installation

KILLS = 5
SENDERS = 4
BATCH = 25


class Sender(threading.Thread):
    """Sends batches of one client in order, each again and again until it is acknowledged, as a tracker does."""

    def __init__(self, installation: Installation, number: int, ended: threading.Event) -> None:
        super().__init__()
        self.client = f"durable-client-{number}"
        self.acknowledged = 0
        self.answered_twice = 0
        self._installation = installation
        self._ended = ended

    def run(self) -> None:
        while not self._ended.is_set():
            batch = {"clientId": self.client, "records": [self._record(n) for n in range(BATCH)]}
            while True:
                try:
                    answer = self._installation.send(batch)
                    break
                except (httpx2.TransportError, AssertionError):
                    time.sleep(0.05)
            assert answer["accepted"] + answer["duplicates"] == BATCH, answer
            self.acknowledged += BATCH
            self.answered_twice += answer["duplicates"]

    def _record(self, n: int) -> dict[str, Any]:
        seq = self.acknowledged + n + 1
        return {"seq": seq, "type": "event", "at": "2031-05-20T10:00:00Z", "category": "Edit", "name": "Crop"}


@pytest.mark.e2e
def test_acknowledged_records_survive_sigkill_once(tmp_path: Path) -> None:
    """The server is killed at random moments while senders post; every acknowledged record is there exactly once."""
    installation = Installation(tmp_path, today="2031-05-20")
    stop = threading.Event()
    installation.start()
    senders = [Sender(installation, number, stop) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    moments = random.Random(20310520)
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.1, 0.8))
        installation.stop(signal.SIGKILL)
        installation.start()
    stop.set()
    for sender in senders:
        sender.join(60)
    # A single day: each client is new and active once, however often its records came.
    installation.report_until({"new": SENDERS, "active": SENDERS, "lost": 0}, startDate="NOW", stopDate="NOW")
    installation.stop()
    assert all(sender.acknowledged for sender in senders)
    assert stored_events(tmp_path) == {sender.client: (sender.acknowledged, sender.acknowledged) for sender in senders}


def stored_events(folder: Path) -> dict[str, tuple[int, int]]:
    """(stored records, derived occurrences) of each client, read in a process of its own: it opens another folder."""
    script = """
import json, sys
from odometer.store.analytics import open_analytics
store = open_analytics("chdb://" + sys.argv[1] + "/analytics")
records = store.engine.rows("SELECT client, count() FROM odometer.records GROUP BY client")
events = store.engine.rows("SELECT client, sum(count * sign) FROM odometer.event_day GROUP BY client")
store.close()
print(json.dumps([records, events]))
"""
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    records, events = json.loads(done.stdout)
    derived = dict(events)
    return {client: (count, derived[client]) for client, count in records}
