"""Exports over HTTP, from the request to the downloaded file: real engine, registry, worker and files."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.exports.client_list import client_list_writer
from odometer.exports.files import FileKey, FileStore, open_files
from odometer.exports.jobs import ExportDuty
from odometer.exports.links import Links
from odometer.exports.worker import Worker
from odometer.http.downloads import downloads_router
from odometer.http.exports import exports_router
from odometer.reports import client_property_list
from tests.conftest import Store
from tests.exported import read_csv, read_json_lines, read_parquet
from tests.http.conftest import EMAIL, FORBIDDEN, HIDDEN, PASSWORD, PRODUCT, Connect, World, code_of, log_in
from tests.worlds import Delivery, feed

RECORDS = [
    {
        "clientId": f"client-{n:03}",
        "type": "client_day",
        "day": "2030-03-01",
        "set": {"prodVersion": f"{n % 3}", "ram": n, "C04": "site"},
    }
    for n in range(250)
]
ASK = f"/v3/export/request/clientPropertyList/{PRODUCT}"
LIST = f"/v3/export/listFiles/{PRODUCT}"
URL = f"/v3/export/getDownloadUrl/{PRODUCT}"


@pytest.fixture(scope="module")
def fed(store: Store) -> None:
    feed(store, [Delivery(tuple(RECORDS), 1_900_000_000_000, "history", is_import=True)], product=PRODUCT)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return open_files(str(tmp_path / "files"), tmp_path)


@pytest.fixture
def worker(world: World, store: Store, fed: None, files: FileStore) -> Iterator[Worker]:  # noqa: ARG001 - order
    duty = ExportDuty(world.registry.export_jobs, files, client_list_writer(store.questions), 7)
    found = Worker("exports", duty, 60)
    yield found
    found.close()


@pytest.fixture
def served(connect: Connect, world: World, store: Store, worker: Worker, files: FileStore) -> Callable[[], TestClient]:
    """Makes callers of one server with exports."""
    links = Links(files, b"secret", world.parts.public_url, world.clock, 15)

    def make() -> TestClient:
        return connect(
            questions=store.questions,
            reports=(client_property_list.REPORT,),
            routers=[exports_router(links, worker.wake, 3), downloads_router(files, links)],
        )

    return make


@pytest.fixture
def ada(served: Callable[[], TestClient]) -> TestClient:
    caller = served()
    log_in(caller)
    return caller


def add_bob(world: World, *permissions: Permission) -> None:
    world.registry.users.add("bob@example.com", PASSWORD, display_name="Bob")
    world.registry.users.grant("bob@example.com", PRODUCT, list(permissions))


def finished(caller: TestClient, **body: Any) -> dict[str, Any]:
    """Ask for an export and wait for it; its status."""
    answer = caller.post(ASK, json=body)
    assert answer.status_code == 200, answer.text
    asked = answer.json()["result"]
    assert list(asked) == ["exportId", "status", "fileName"]
    for _ in range(500):
        answer = caller.get(f"/v3/export/status/{PRODUCT}/{asked['exportId']}")
        found: dict[str, Any] = answer.json()["result"]
        assert list(found) == ["exportId", "status", "clientsWritten", "clientsTotal", "fileName", "error"]
        if found["status"] not in ("queued", "running"):
            return found
        time.sleep(0.02)
    raise AssertionError("the export did not end")


def test_a_read_only_token_exports(served: Callable[[], TestClient], world: World, tmp_path: Path) -> None:
    """It is reading: the permission reporting has exports in it (chapter 00)."""
    token = world.registry.tokens.add("ci", EMAIL, is_read_only=True)
    caller = served()
    caller.headers["Authorization"] = f"Bearer {token}"

    done = finished(caller, properties=["prodVersion"])

    assert (done["status"], done["clientsWritten"]) == ("done", len(RECORDS))
    assert len(read_json_lines(downloaded(caller, done["fileName"], tmp_path))) == len(RECORDS)


def downloaded(caller: TestClient, name: str, folder: Path) -> Path:
    answer = caller.post(URL, json={"fileName": name}).json()
    path = folder / name
    path.write_bytes(caller.get(answer["downloadUrl"]).content)
    return path


def all_pages(caller: TestClient, **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    start = None
    while start is not None or not found:
        answer = caller.post(
            f"/v3/reporting/clientPropertyList/{PRODUCT}", json={**body, "startAtClientId": start}
        ).json()
        found += answer["result"]
        start = answer.get("nextClientId")
    return found


def test_an_export_is_the_pages_in_every_format(ada: TestClient, tmp_path: Path) -> None:
    body = {"properties": ["ram", "prodVersion", "prodEdition", "optOut.current"]}
    pages = all_pages(ada, **body)
    assert len(pages) == len(RECORDS)
    names = {}
    for file_format in ("jsonl", "csv", "parquet"):
        done = finished(ada, **body, fileFormat=file_format)
        assert (done["status"], done["clientsWritten"], done["clientsTotal"], done["error"]) == ("done", 250, 250, None)
        names[file_format] = done["fileName"]

    assert read_json_lines(downloaded(ada, names["jsonl"], tmp_path)) == pages
    assert read_parquet(downloaded(ada, names["parquet"], tmp_path)) == pages
    assert read_csv(downloaded(ada, names["csv"], tmp_path))[1] == ["client-000", "0", "0", "", "false"]
    listed = ada.get(LIST).json()["fileList"]
    assert {one["fileName"] for one in listed} == set(names.values())
    for one in listed:
        assert list(one) == ["fileName", "fileDate", "fileSize", "rows", "sha256"]
        assert (one["fileDate"], one["rows"]) == ("2030-03-17", 250)
        assert one["fileSize"] == (tmp_path / one["fileName"]).stat().st_size


def test_without_properties_an_export_has_all_that_the_caller_may_see(
    ada: TestClient, world: World, tmp_path: Path
) -> None:
    """License keys only for those with the permission; of custom properties those in use or named."""
    plain = read_json_lines(downloaded(ada, finished(ada)["fileName"], tmp_path))[0]
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING, Permission.LICENSE_FILTERING])
    world.registry.products.change(PRODUCT, {"customProperties": {"C07": {"label": "Team"}}}, actor="test")
    more = read_json_lines(downloaded(ada, finished(ada)["fileName"], tmp_path))[0]

    assert next(iter(plain)) == "clientId"
    assert {"C04", "lifetimeEventUsage", "reachOutDeliveries.auto", "dateInstalled", "backOff.current"} < set(plain)
    assert not {"C05", "licenseKey", "dailyData"} & set(plain)
    assert set(more) - set(plain) == {"C07", "licenseKey"}


def test_a_download_answers_head_ranges_and_etags_without_a_login(
    ada: TestClient, served: Callable[[], TestClient]
) -> None:
    name = finished(ada, properties=["ram"])["fileName"]
    link = ada.post(URL, json={"fileName": name}).json()
    assert list(link) == ["downloadUrl", "expiresAt"]
    assert link["expiresAt"] == "2030-03-17T18:01:40Z"
    stranger = served()

    head, whole = stranger.head(link["downloadUrl"]), stranger.get(link["downloadUrl"])
    part = stranger.get(
        link["downloadUrl"], headers={"Range": "bytes=10-19", "If-Range": head.headers["ETag"], "Origin": "https://x.y"}
    )

    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(whole.content)
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole.content)}"
    assert stranger.get(link["downloadUrl"], headers={"Range": "bytes=999999-"}).status_code == 416


def test_a_changed_or_expired_link_is_403_and_a_file_that_is_gone_404(
    ada: TestClient, world: World, files: FileStore
) -> None:
    name = finished(ada, properties=["ram"])["fileName"]
    url: str = ada.post(URL, json={"fileName": name}).json()["downloadUrl"]
    where = len(world.parts.public_url) + len("/files/v1/")
    changed = 0
    for place in range(where, len(url)):
        if (
            url[place] in "/?&="
            or url[place - 1] == "&"
            or url[where:place].endswith(("?", "?expires"[: place - where]))
        ):
            continue
        other = "1" if url[place] != "1" else "2"
        answer = ada.get(f"{url[:place]}{other}{url[place + 1 :]}")
        assert (answer.status_code, code_of(answer)) == (403, "PERMISSION_DENIED"), url[place:]
        changed += 1
    assert changed > 100
    assert ada.get(url.partition("?")[0]).status_code == 403
    world.clock.move(minutes=15)
    assert code_of(ada.get(url)) == "PERMISSION_DENIED"
    world.clock.move(minutes=-15)
    assert ada.get(url).status_code == 200
    files.delete(FileKey("exports", PRODUCT, name))
    assert (ada.get(url).status_code, code_of(ada.get(url))) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../registry.sqlite", "/etc/passwd", "exports/1/x", "%2e%2e", "x\0y", "é"]
)
def test_only_listed_names_have_a_link(ada: TestClient, name: str) -> None:
    answer = ada.post(URL, json={"fileName": name})

    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert ada.get(f"/files/v1/exports/{PRODUCT}/../../registry.sqlite?expires=1&signature=0").status_code in (403, 404)


def test_exports_are_their_users_own(ada: TestClient, served: Callable[[], TestClient], world: World) -> None:
    add_bob(world, Permission.REPORTING)
    bob = served()
    log_in(bob, user_name="bob@example.com")
    done = finished(ada, properties=["ram"])

    assert bob.get(LIST).json() == {"fileList": []}
    assert bob.post(URL, json={"fileName": done["fileName"]}).status_code == 404
    status = bob.get(f"/v3/export/status/{PRODUCT}/{done['exportId']}")
    assert (status.status_code, code_of(status)) == (404, "NOT_FOUND")
    assert ada.get(f"/v3/export/status/{PRODUCT}/ex-000000000000").status_code == 404
    assert ada.get(f"/v3/export/status/{HIDDEN}/{done['exportId']}").status_code == 404
    assert ada.get(f"/v3/export/status/{FORBIDDEN}/{done['exportId']}").status_code == 403


def test_who_may_not_see_license_keys_any_more_cannot_fetch_them(ada: TestClient, world: World) -> None:
    assert code_of(ada.post(ASK, json={"properties": ["licenseKey"]})) == "PERMISSION_DENIED"
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING, Permission.LICENSE_FILTERING])
    done = finished(ada, globalFilters={"licenseKey": {"type": "string", "value": "<NULL>"}}, properties=["ram"])
    assert len(ada.get(LIST).json()["fileList"]) == 1
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING])

    assert ada.get(LIST).json() == {"fileList": []}
    assert ada.post(URL, json={"fileName": done["fileName"]}).status_code == 404
    assert ada.get(f"/v3/export/status/{PRODUCT}/{done['exportId']}").status_code == 404


def test_a_failed_export_says_so(ada: TestClient, monkeypatch: pytest.MonkeyPatch, store: Store) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.questions.clients, "all_clients", broken)

    done = finished(ada)

    assert (done["status"], done["error"]) == ("failed", "The server has no space left for the file.")
    assert ada.get(LIST).json() == {"fileList": []}


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ("{", 400, "MALFORMED_JSON", None),
        ("[]", 400, "INVALID_FIELD", None),
        ({"fileFormat": "xlsx"}, 400, "INVALID_FIELD", "fileFormat"),
        ({"properties": ["nope"]}, 400, "UNKNOWN_PROPERTY", "properties[0]"),
        ({"properties": ["os"]}, 400, "INVALID_FIELD", "properties[0]"),
        ({"retDailyData": {"startDate": "NOW"}}, 400, "MISSING_FIELD", "retDailyData.stopDate"),
        (
            {"globalFilters": {"prodVersion": {"type": "regex", "value": "("}}},
            400,
            "INVALID_FIELD",
            "globalFilters.prodVersion.value",
        ),
        ({"groupBy": "machineId"}, 400, "INVALID_FIELD", "groupBy"),
    ],
)
def test_a_bad_request_is_refused_at_once(
    ada: TestClient, body: Any, status: int, code: str, field: str | None
) -> None:
    answer = ada.post(ASK, content=body if isinstance(body, str) else json.dumps(body))

    assert (answer.status_code, code_of(answer), answer.json()["error"].get("field")) == (status, code, field)


def test_paging_members_are_ignored_and_a_retry_is_the_same_export(ada: TestClient, worker: Worker) -> None:
    worker.close()  # nothing runs: both asks meet the waiting job
    first = ada.post(ASK, json={"properties": ["ram", "ram"], "startAtClientId": 7, "fileFormat": None}).json()
    again = ada.post(ASK, json={"properties": ["ram"], "retDailyData": None, "globalFilters": {}}).json()
    other = ada.post(ASK, json={"properties": ["ram"], "fileFormat": "csv"}).json()

    assert first == again
    assert first["result"]["status"] == "queued"
    assert other["result"]["exportId"] != first["result"]["exportId"]
    ada.post(ASK, json={})
    answer = ada.post(ASK, json={"properties": []})
    assert (answer.status_code, code_of(answer)) == (429, "TOO_MANY_REQUESTS")
    assert answer.headers["Retry-After"] == "30"
