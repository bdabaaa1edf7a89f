"""Single clients on the command line: erase, export, unblock, and imports of those that are blocked."""

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from odometer.app import registry_of
from odometer.cli import clients as clients_module
from odometer.errors import Problem
from odometer.exports.files import FileKey, LocalFiles
from odometer.exports.jobs import key_of
from odometer.model.daily_file import DailyFile, Stream
from odometer.model.export_job import ExportOrder
from odometer.settings import Settings, read_settings
from odometer.store.analytics import Analytics
from odometer.store.derive.erase import Eraser
from tests.conftest import Store
from tests.unit.test_cli_admin import Commands
from tests.worlds import Delivery, feed, to_ms

ME, OTHER = "client-01", "client-02"


@pytest.fixture
def commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Store
) -> Commands:
    """On the store that all tests share: a process can open one."""

    @contextlib.contextmanager
    def analytics_of(_settings: Settings, **_how: bool) -> Iterator[Analytics]:
        yield Analytics(engine=store.engine, gate=store.gate, derivation=store.derivation)

    monkeypatch.setattr("odometer.cli.clients.analytics_of", analytics_of)
    monkeypatch.setattr("odometer.cli.imports.analytics_of", analytics_of)
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    monkeypatch.setenv("ODOMETER_TODAY", "2031-06-20")
    monkeypatch.chdir(tmp_path)
    return Commands(capsys, monkeypatch)


@pytest.fixture
def product(commands: Commands, store: Store) -> str:
    found = str(store.new_product())
    commands.run("product", "add", "Facet", "--id", found)
    return found


def imported(commands: Commands, product: str, *clients: str, day: str = "2031-05-13") -> dict[str, Any]:
    rows = [{"clientId": client, "type": "client_day", "day": day} for client in clients]
    Path("history.ndjson").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    found: dict[str, Any] = commands.json("import", "history.ndjson", "--product", product)
    return found


def fed(store: Store, product: str) -> None:
    """The same one day of one client, without the command."""
    records = ({"clientId": ME, "type": "client_day", "day": "2031-05-13"},)
    feed(store, [Delivery(records, to_ms(dt.date(2031, 6, 20)), "import", is_import=True)], product=int(product))


def erase(commands: Commands, product: str, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = commands.json("client", "erase", *words, "--product", product, "--no-wait")
    return found


def test_a_client_is_exported_erased_blocked_and_unblocked(commands: Commands, product: str) -> None:
    """All of it without a server: what is blocked is refused by imports as well, until it is unblocked."""
    imported(commands, product, ME, OTHER)
    assert "client.json" in commands.run("client", "export", ME, "--product", product)
    exported = json.loads(Path("client.json").read_bytes())
    assert (exported["clientId"], exported["client"]["dateInstalled"]) == (ME, "2031-05-13")

    receipt = erase(commands, product, ME, "nobody-01", "--block")

    assert (receipt["clients"], receipt["records"], receipt["unknown"], receipt["blocked"]) == (
        *(1, 1, ["nobody-01"]),
        [ME, "nobody-01"],
    )
    assert receipt["removed"][0]["clientId"] == ME
    assert receipt["cleanedUpAt"] is None
    assert "nothing stored" in commands.run("client", "export", ME, "--product", product, expect=1)
    refused = imported(commands, product, ME, OTHER, OTHER)
    assert (refused["accepted"], refused["duplicates"], refused["rejected"]) == (0, 2, {"BLOCKED": 1})
    assert "1 clients are unblocked" in commands.run("client", "unblock", ME, OTHER, "--product", product)
    assert imported(commands, product, ME, day="2031-05-14")["accepted"] == 1
    assert "client.json exists already" in commands.run("client", "export", ME, "--product", product, expect=1)
    commands.run("client", "export", ME, "--product", product, "--output", "again.json")
    assert Path("again.json").stat().st_mode & 0o777 == 0o600
    assert json.loads(Path("again.json").read_bytes())["client"]["dateInstalled"] == "2031-05-14"


def test_a_receipt_for_people(commands: Commands, store: Store, product: str) -> None:
    fed(store, product)

    said = commands.run("client", "erase", ME, "nobody-01", "--product", product, "--no-wait", "--block")

    assert "1 clients with 1 records are erased." in said
    assert f"  {ME}: 1 records, 1 active days\n" in said
    assert "  nobody-01: nothing was stored\n" in said
    assert "2 clients are blocked: what they send is refused." in said
    assert "cleans up the disk" in said
    commands.run("client", "unblock", ME, "--product", product)
    assert "refused" not in commands.run("client", "erase", ME, "--product", product, "--no-wait")


@pytest.mark.parametrize("command", ["erase", "export", "unblock"])
def test_what_is_wrong_is_one_line_and_opens_no_store(
    commands: Commands, product: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odometer.cli.clients.analytics_of", lambda _settings: pytest.fail("opened"))

    unknown = commands.run("client", command, ME, "--product", "8", expect=1)
    bad = commands.run("client", command, "short", "--product", product, expect=1)

    assert unknown.startswith("odometer: ")
    assert "no product 8" in unknown
    assert bad.startswith("odometer: clientId")
    assert "8 to 64 characters" in bad
    assert (unknown.count("\n"), bad.count("\n")) == (1, 1)
    assert "Usage" in commands.run("client", command, "--product", product, expect=2)
    assert "Usage" in commands.run("client", command, ME, expect=2)
    assert f"Example: odometer client {command}" in commands.run("client", command, "--help")
    assert not Path("client.json").exists()


def test_one_bad_id_among_good_ones_erases_nobody(commands: Commands, store: Store, product: str) -> None:
    fed(store, product)

    assert "clientIds[1]" in commands.run("client", "erase", ME, "a b c d e", "--product", product, expect=1)
    many = [f"nobody-{n:04}" for n in range(1001)]
    assert "1 to 1,000" in commands.run("client", "unblock", *many, "--product", product, expect=1)
    assert imported(commands, product, ME)["duplicates"] == 1


def test_daily_files_and_exports_go_too(commands: Commands, store: Store, product: str, tmp_path: Path) -> None:
    """No server runs that would take them away; the next one makes them again."""
    fed(store, product)
    files = LocalFiles(tmp_path / "files")
    with registry_of(read_settings()) as registry:
        user = registry.users.add("ada@example.com", "correct horse", display_name="Ada")
        today = dt.date(2031, 6, 20)
        order = ExportOrder(
            product_id=int(product),
            user_id=user.user_id,
            request="{}",
            today=today,
            ending=".csv.zip",
            has_license_keys=False,
        )
        job = registry.export_jobs.request(order, at_most=1)
        registry.export_jobs.claim()
        registry.export_jobs.finish(job.export_id, 1, 3, "")
        daily = DailyFile(
            stream=Stream.RAW_EVENTS,
            product_id=int(product),
            day=dt.date(2031, 5, 13),
            name="rawEvents_2031-05-13.csv.zip",
            rows=1,
            file_size=3,
            sha256="",
            state="1/1",
        )
        registry.daily_files.put(daily)
    keys = (key_of(job), FileKey(Stream.RAW_EVENTS, int(product), daily.name))
    for key in keys:
        with files.writing(key) as path:
            path.write_bytes(b"abc")

    receipt = erase(commands, product, ME)

    assert [files.local_path(key) for key in keys] == [None, None]
    assert (receipt["filesRemoved"], receipt["exportsMadeAgain"]) == ([daily.name], 1)
    with registry_of(read_settings()) as registry:
        assert registry.daily_files.of(int(product), Stream.RAW_EVENTS) == []
        waiting = registry.export_jobs.claim()
        assert waiting is not None
        assert waiting.export_id == job.export_id


def test_waiting_goes_on_when_the_engine_is_busy_and_ends_when_the_disk_is_clean(
    commands: Commands, store: Store, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients_module, "_LOOK_S", 0)
    did: list[str] = []

    def rewrite(_eraser: Eraser, months: frozenset[str], _pause: object) -> int:
        did.append("rewrite")
        assert months == {"203105"}
        if len(did) < 3:
            raise Problem("STORE_UNAVAILABLE", "busy", retry_after_s=5)
        return 5_000

    def has_old_parts(_eraser: Eraser, before_ms: int) -> bool:
        did.append("look")
        assert before_ms == 5_000
        return did.count("look") < 2

    monkeypatch.setattr(Eraser, "rewrite", rewrite)
    monkeypatch.setattr(Eraser, "is_deleting", lambda _eraser: False)
    monkeypatch.setattr(Eraser, "has_old_parts", has_old_parts)
    fed(store, product)

    assert commands.json("client", "erase", ME, "--product", product)["cleanedUpAt"] is not None

    assert did == ["rewrite", "rewrite", "rewrite", "look", "look"]


def test_waiting_gives_up_on_a_store_that_never_answers(
    commands: Commands, store: Store, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients_module, "_LOOK_S", 0)
    fed(store, product)

    def fails(*_: object) -> int:
        raise Problem("STORE_UNAVAILABLE", "The analytics store did not answer.", retry_after_s=5)

    monkeypatch.setattr(Eraser, "rewrite", fails)
    monkeypatch.setattr(Eraser, "is_deleting", lambda _eraser: False)

    complaint = commands.run("client", "erase", ME, "--product", product, expect=1)

    assert complaint.splitlines()[-1] == "odometer: The analytics store did not answer."
