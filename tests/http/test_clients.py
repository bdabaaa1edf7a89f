"""Erasing, blocking and exporting clients over HTTP: real engine, registry, files and exports."""

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.exports.client_list import client_list_writer
from odometer.exports.daily import DailyFiles, sources_of
from odometer.exports.files import FileStore, open_files
from odometer.exports.jobs import ExportDuty
from odometer.exports.links import Links
from odometer.http.clients import clients_router
from odometer.http.daily_files import daily_files_router, wanted_by
from odometer.http.downloads import downloads_router
from odometer.http.exports import exports_router
from odometer.privacy.erase import Erasing
from odometer.reports import client_property_list, last_lines
from tests.conftest import Store
from tests.exported import read_json_lines
from tests.http.conftest import EMAIL, FORBIDDEN, HIDDEN, PASSWORD, PRODUCT, Connect, World, code_of, log_in
from tests.worlds import Delivery, feed

ERASED, STAYS = "client-01", "client-02"
OPTED = "client-03"
RECEIVED_MS = 1_900_000_000_000
PATHS = ("erase", "unblock", "export")


def event(client: str, day: int, seq: int, kind: str = "custom_event") -> dict[str, Any]:
    told = {"name": "Buy", "data": [["n", "1"]]} if kind == "custom_event" else {}
    return {"clientId": client, "type": kind, "at": f"2030-03-{day}T10:00:00Z", "seq": seq, **told}


HISTORY = (
    *(event(ERASED, day, day) for day in (12, 14)),
    event(STAYS, 14, 1),
    event(STAYS, 15, 2),
    event(OPTED, 13, 1, "opt_out"),
)


@pytest.fixture
def product(world: World, store: Store) -> int:
    """A product with three clients, of which Ada is administrator."""
    return entered(world, fed(store))


@pytest.fixture(scope="module")
def fed_once(store: Store) -> int:
    return fed(store)


@pytest.fixture
def kept(world: World, fed_once: int) -> int:
    """The same for tests that must not be able to change anything."""
    return entered(world, fed_once)


def fed(store: Store) -> int:
    return feed(store, [Delivery(HISTORY, RECEIVED_MS, "history", is_import=True)])


def entered(world: World, product: int) -> int:
    world.registry.products.add("Loupe", product)
    world.registry.users.grant(EMAIL, product, [Permission.ADMIN, Permission.LICENSE_FILTERING, Permission.REPORTING])
    return product


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return open_files(str(tmp_path / "files"), tmp_path)


@pytest.fixture
def daily(world: World, store: Store, files: FileStore) -> DailyFiles:
    return DailyFiles(world.registry.daily_files, files, sources_of(store.questions), 90)


@pytest.fixture
def export(world: World, store: Store, files: FileStore) -> Callable[[], None]:
    """Runs the exports that wait."""
    duty = ExportDuty(world.registry.export_jobs, files, client_list_writer(store.questions), 7)
    return lambda: duty(threading.Event())


@pytest.fixture
def served(
    connect: Connect, world: World, store: Store, daily: DailyFiles, files: FileStore
) -> Callable[[], TestClient]:
    links = Links(files, b"secret", world.parts.public_url, world.clock, 15)
    eraser = store.eraser
    erasing = Erasing(world.registry, eraser, store.writer.paused, daily, files, world.clock)

    def make() -> TestClient:
        return connect(
            questions=store.questions,
            reports=(client_property_list.REPORT, last_lines.CUSTOM_EVENTS),
            routers=[
                clients_router(erasing, lambda: None),
                exports_router(links, lambda: None, 3),
                daily_files_router(daily, links),
                downloads_router(files, links),
            ],
        )

    return make


@pytest.fixture
def ada(served: Callable[[], TestClient]) -> TestClient:
    caller = served()
    log_in(caller)
    return caller


def ask(caller: TestClient, product: int, what: str, body: Any, **more: Any) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return caller.post(f"/admin/v1/products/{product}/clients/{what}", content=content, **more)


def erased(caller: TestClient, product: int, *clients: str, **more: Any) -> dict[str, Any]:
    answer = ask(caller, product, "erase", {"clientIds": clients, **more})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["result"]
    receipt: dict[str, Any] = answer.json()["result"]
    return receipt


def erasures(caller: TestClient, product: int) -> Any:
    answer = caller.get(f"/admin/v1/products/{product}/clients/erasures")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()["result"]


def listed(caller: TestClient, product: int) -> list[str]:
    answer = caller.post(f"/v3/reporting/clientPropertyList/{product}", json={})
    return [one["clientId"] for one in answer.json()["result"]]


def test_a_receipt_says_what_was_removed(ada: TestClient, world: World, product: int, daily: DailyFiles) -> None:
    found = world.registry.products.get(product)
    assert found is not None
    daily.refresh(product, wanted_by(found), world.clock.today(), lambda: None)
    receipt = erased(ada, product, "nobody-01", OPTED, ERASED, ERASED, block=True)

    assert list(receipt) == [
        *("receiptId", "erasedAt", "clients", "records", "cleanedUpBy", "cleanedUpAt"),
        *("removed", "unknown", "filesRemoved", "exportsMadeAgain", "blocked"),
    ]
    assert receipt["removed"] == [
        {
            "clientId": ERASED,
            "records": 2,
            "activeDays": 2,
            "dateInstalled": "2030-03-12",
            "dateLastSeen": "2030-03-14",
        },
        {"clientId": OPTED, "records": 1, "activeDays": 0, "dateInstalled": None, "dateLastSeen": None},
    ]
    assert receipt["unknown"] == ["nobody-01"]
    # What the others alone fill stays: the files of 03-15.
    assert sorted(receipt["filesRemoved"]) == [
        *("customEvents_2030-03-12.csv.zip", "customEvents_2030-03-14.csv.zip", "rawEvents_2030-03-12.csv.zip"),
        *("rawEvents_2030-03-13.csv.zip", "rawEvents_2030-03-14.csv.zip"),
    ]
    assert (receipt["clients"], receipt["records"], receipt["exportsMadeAgain"]) == (2, 3, 0)
    assert receipt["blocked"] == sorted([ERASED, OPTED, "nobody-01"])
    assert receipt["erasedAt"] == "2030-03-17T17:46:40.000Z"
    assert receipt["cleanedUpBy"] == "2030-03-17T18:46:40.000Z"
    assert receipt["cleanedUpAt"] is None
    assert listed(ada, product) == [STAYS]
    assert world.registry.blocked_clients.among(product, [ERASED, OPTED, STAYS, "nobody-01"]) == {
        *(ERASED, OPTED, "nobody-01")
    }


def test_neither_the_list_of_erasures_nor_any_log_tells_who(
    ada: TestClient, world: World, product: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first = erased(ada, product, ERASED, block=True)
    world.clock.move(minutes=1)
    second = erased(ada, product, OPTED)
    ask(ada, product, "unblock", {"clientIds": [ERASED]})
    world.registry.erasures.note_cleaned([first["receiptId"]])

    shown = erasures(ada, product)
    assert [one["receiptId"] for one in shown] == [second["receiptId"], first["receiptId"]]
    own = ("receiptId", "erasedAt", "clients", "records", "cleanedUpBy", "cleanedUpAt")
    assert shown[0] == {name: second[name] for name in own}
    assert shown[1] == {name: first[name] for name in own} | {"cleanedUpAt": "2030-03-17T17:47:40.000Z"}
    noted = [entry for entry in world.registry.audit_log() if entry.action.startswith("clients.")]
    assert [(entry.action, entry.actor, entry.subject) for entry in noted] == [
        (action, EMAIL, str(product))
        for action in ("clients.unblock", "clients.erase", "clients.erase", "clients.block")
    ]
    assert noted[1].detail == {"receiptId": second["receiptId"], "clients": 1, "records": 1}
    for what, body in (("export", {"clientId": ERASED}), ("erase", {"clientIds": [f"{ERASED} "]}), (ERASED, {})):
        assert ask(ada, product, what, body).status_code in (400, 404)
    logged = capsys.readouterr().out
    assert "/clients/erase" in logged
    # An address that does not exist is logged as it was called; ids stand in bodies only.
    assert "client-0" not in str((shown, noted)) + logged.replace(f"/clients/{ERASED}", "")


def test_nothing_of_an_erased_client_can_be_fetched_any_more(
    ada: TestClient, world: World, product: int, daily: DailyFiles, export: Callable[[], None], tmp_path: Path
) -> None:
    """Links that were given out before answer 404 at once, until the same file is there without the client."""
    found = world.registry.products.get(product)
    assert found is not None
    daily.refresh(product, wanted_by(found), world.clock.today(), lambda: None)
    ada.post(f"/v3/export/request/clientPropertyList/{product}", json={"properties": []})
    filters = {"clientId": {"type": "regex", "value": f"({ERASED}|x)"}}
    asked = ada.post(f"/v3/export/request/clientPropertyList/{product}", json={"globalFilters": filters}).json()
    export()
    links = {}
    for kind, ask_for in (("export", "export"), ("raw", "rawEvents/download"), ("custom", "customEventTracking")):
        for one in ada.get(f"/v3/{ask_for}/listFiles/{product}").json()["fileList"]:
            answer = ada.post(f"/v3/{ask_for}/getDownloadUrl/{product}", json={"fileName": one["fileName"]})
            links[kind, one["fileName"]] = answer.json()["downloadUrl"]
    assert len(links) == 2 + 4 + 3
    holds = {of for of, url in links.items() if ERASED in _content(ada.get(url).content, tmp_path)}
    assert len(holds) == 2 + 2 + 2

    receipt = erased(ada, product, ERASED)

    gone = {of for of, url in links.items() if ada.get(url).status_code == 404}
    assert gone == holds
    assert receipt["exportsMadeAgain"] == 1
    status = ada.get(f"/v3/export/status/{product}/{asked['result']['exportId']}")
    assert status.status_code == 404
    assert ada.get(f"/v3/export/listFiles/{product}").json() == {"fileList": []}
    export()
    daily.refresh(product, wanted_by(found), world.clock.today(), lambda: None)
    again = {of: ada.get(url) for of, url in links.items()}
    assert {of[1] for of, answer in again.items() if answer.status_code == 404} == {
        *("rawEvents_2030-03-12.csv.zip", "customEvents_2030-03-12.csv.zip"),
        # The list that is there again has another name.
        *(name for kind, name in links if kind == "export"),
    }
    for of, answer in again.items():
        assert ERASED not in _content(answer.content, tmp_path), of
    (left,) = ada.get(f"/v3/export/listFiles/{product}").json()["fileList"]
    assert left["rows"] == 1
    assert ("export", left["fileName"]) not in links


def _content(body: bytes, folder: Path) -> str:
    """What a file says once it is unpacked."""
    path = folder / "got"
    path.write_bytes(body)
    if body[:2] == b"\x1f\x8b":
        return str(read_json_lines(path))
    if body[:2] == b"PK":
        import zipfile  # noqa: PLC0415

        with zipfile.ZipFile(path) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())
    return body.decode()


def test_erasing_again_changes_nothing(ada: TestClient, product: int) -> None:
    erased(ada, product, ERASED)
    before = (listed(ada, product), ask(ada, product, "export", {"clientId": STAYS}).json()["records"])

    again = erased(ada, product, ERASED)

    assert (again["clients"], again["records"], again["unknown"]) == (0, 0, [ERASED])
    assert (again["removed"], again["filesRemoved"], again["exportsMadeAgain"]) == ([], [], 0)
    # What is blocked stays so, whoever erases it again.
    assert erased(ada, product, ERASED, block=True)["blocked"] == [ERASED]
    assert erased(ada, product, ERASED)["blocked"] == [ERASED]
    assert (listed(ada, product), ask(ada, product, "export", {"clientId": STAYS}).json()["records"]) == before


def test_the_export_of_a_client_is_one_document(ada: TestClient, kept: int) -> None:
    answer = ask(ada, kept, "export", {"clientId": ERASED})

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="client.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert list(found) == ["productId", "clientId", "exportedAt", "client", "records"]
    assert (found["productId"], found["clientId"]) == (kept, ERASED)
    assert found["client"]["dateInstalled"] == "2030-03-12"
    assert [record["seq"] for record in found["records"]] == [12, 14]
    for unknown in ("nobody-01", "client-0", "client-011"):
        answer = ask(ada, kept, "export", {"clientId": unknown})
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert unknown not in answer.text


def test_unblocking_tells_how_many_had_been_blocked(ada: TestClient, product: int) -> None:
    erased(ada, product, ERASED, STAYS, block=True)

    answers = [ask(ada, product, "unblock", {"clientIds": [ERASED, "nobody-01"]}).json() for _ in range(2)]

    assert answers == [{"result": {"unblocked": 1}}, {"result": {"unblocked": 0}}]


@pytest.mark.parametrize("what", ["erase", "unblock"])
def test_one_to_a_thousand_ids(ada: TestClient, kept: int, what: str) -> None:
    for count, status in ((0, 400), (1, 200), (1000, 200), (1001, 400)):
        answer = ask(ada, kept, what, {"clientIds": [f"nobody-{n:04}" for n in range(count)]})
        assert answer.status_code == status, count
        if status == 400:
            assert (code_of(answer), answer.json()["error"]["field"]) == ("INVALID_FIELD", "clientIds")


BAD_IDS: list[tuple[Any, str, str]] = [
    (None, "MISSING_FIELD", "clientIds"),
    (ERASED, "INVALID_FIELD", "clientIds"),
    ({ERASED: 1}, "INVALID_FIELD", "clientIds"),
    ([ERASED, "short"], "INVALID_FIELD", "clientIds[1]"),
    (["x" * 65], "INVALID_FIELD", "clientIds[0]"),
    (["client 01"], "INVALID_FIELD", "clientIds[0]"),
    (["client-01\n"], "INVALID_FIELD", "clientIds[0]"),
    (["cliént-01"], "INVALID_FIELD", "clientIds[0]"),
    ([12345678], "INVALID_FIELD", "clientIds[0]"),
    ([None], "INVALID_FIELD", "clientIds[0]"),
    ([[ERASED]], "INVALID_FIELD", "clientIds[0]"),
]


@pytest.mark.parametrize("what", ["erase", "unblock"])
def test_a_bad_id_is_named_and_nothing_is_done(ada: TestClient, kept: int, what: str) -> None:
    for given, code, field in BAD_IDS:
        answer = ask(ada, kept, what, {"clientIds": given})
        assert (answer.status_code, code_of(answer), answer.json()["error"].get("field")) == (400, code, field), given
    assert erasures(ada, kept) == []
    for given in (None, "short", 5, [ERASED]):
        answer = ask(ada, kept, "export", {"clientId": given})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "clientId"), given


BAD_BODIES: list[tuple[str, str, str | None]] = [
    ("{", "MALFORMED_JSON", None),
    ("", "MISSING_FIELD", "MEMBER"),
    ("[]", "INVALID_FIELD", None),
    ('{"MEMBER": IDS, "MEMBER": IDS}', "MALFORMED_JSON", None),
    ('{"MEMBER": IDS, "blok": true}', "INVALID_FIELD", "blok"),
]


@pytest.mark.parametrize("what", PATHS)
def test_a_bad_body_is_refused(ada: TestClient, kept: int, what: str) -> None:
    member, ids = ("clientId", f'"{ERASED}"') if what == "export" else ("clientIds", f'["{ERASED}"]')
    for text, code, field in BAD_BODIES:
        answer = ask(ada, kept, what, text.replace("MEMBER", member).replace("IDS", ids))
        found = (answer.status_code, code_of(answer), answer.json()["error"].get("field"))
        assert found == (400, code, member if field == "MEMBER" else field), text
    assert ERASED in listed(ada, kept)


def test_block_is_true_or_false(ada: TestClient, kept: int) -> None:
    bad: list[Any] = [1, "true", 0, [], {}]
    for block in bad:
        answer = ask(ada, kept, "erase", {"clientIds": [ERASED], "block": block})
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, "block"), block
    assert ERASED in listed(ada, kept)


def test_members_are_those_of_their_own_route(ada: TestClient, kept: int) -> None:
    for what, body in (
        ("unblock", {"clientIds": [ERASED], "block": True}),
        ("export", {"clientId": ERASED, "clientIds": [ERASED]}),
        ("erase", {"clientIds": [ERASED], "clientId": ERASED}),
    ):
        answer = ask(ada, kept, what, body)
        assert (answer.status_code, code_of(answer)) == (400, "INVALID_FIELD"), what
        assert answer.json()["error"]["field"] == list(body)[1]


def test_older_members_are_ignored_and_null_is_absent(ada: TestClient, product: int, world: World) -> None:
    older = {"user": "x", "sessionId": "y", "productId": PRODUCT}

    assert erased(ada, product, ERASED, block=None, **older)["clients"] == 1
    assert world.registry.blocked_clients.among(product, [ERASED]) == frozenset()
    assert ask(ada, product, "unblock", {"clientIds": [ERASED], **older}).status_code == 200
    assert ask(ada, product, "export", {"clientId": STAYS, **older}).status_code == 200


def test_only_json_bodies_and_these_methods(ada: TestClient, kept: int) -> None:
    for what in PATHS:
        answer = ask(ada, kept, what, "{}", headers={"Content-Type": "text/plain"})
        assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
        answer = ada.get(f"/admin/v1/products/{kept}/clients/{what}")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert ask(ada, kept, "erasures", {}).status_code == 405


def every_route(caller: TestClient, product: int, **more: Any) -> list[Any]:
    """Answers of all four; the bodies are bad on purpose: who may not is told so first."""
    answers = [ask(caller, product, what, {"clientIds": 5}, **more) for what in PATHS]
    return [*answers, caller.get(f"/admin/v1/products/{product}/clients/erasures", **more)]


def test_erasing_needs_admin_on_the_product(
    ada: TestClient, served: Callable[[], TestClient], world: World, kept: int
) -> None:
    for other, status, code in ((HIDDEN, 404, "PRODUCT_NOT_FOUND"), (FORBIDDEN, 403, "PERMISSION_DENIED")):
        assert [(one.status_code, code_of(one)) for one in every_route(ada, other)] == [(status, code)] * 4
    everything_else = [permission for permission in Permission if permission is not Permission.ADMIN]
    world.registry.users.add("bob@example.com", PASSWORD, display_name="Bob")
    world.registry.users.grant("bob@example.com", kept, everything_else)
    bob = served()
    log_in(bob, user_name="bob@example.com")
    assert {code_of(one) for one in every_route(bob, kept)} == {"PERMISSION_DENIED"}
    # The license key is part of what is held of a client.
    world.registry.users.grant("bob@example.com", kept, [Permission.ADMIN])
    assert code_of(ask(bob, kept, "export", {"clientId": STAYS})) == "PERMISSION_DENIED"
    assert ask(bob, kept, "unblock", {"clientIds": [STAYS]}).status_code == 200
    assert {one.status_code for one in every_route(served(), kept)} == {401}
    assert [one.status_code for one in every_route(ada, kept)] == [400, 400, 400, 200]


@pytest.mark.parametrize(("is_read_only", "statuses"), [(True, [403] * 4), (False, [400, 400, 400, 200])])
def test_a_token_that_only_reads_may_not(
    served: Callable[[], TestClient], world: World, kept: int, statuses: list[int], *, is_read_only: bool
) -> None:
    token = world.registry.tokens.add("ci", EMAIL, is_read_only=is_read_only)
    headers = {"Authorization": f"Bearer {token}"}
    assert [one.status_code for one in every_route(served(), kept, headers=headers)] == statuses


def test_a_foreign_site_cannot_erase(ada: TestClient, kept: int) -> None:
    answer = ask(ada, kept, "erase", {"clientIds": [ERASED]}, headers={"Origin": "https://evil.example"})
    assert code_of(answer) == "ORIGIN_NOT_ALLOWED"
    del ada.cookies["RUI-Csrf"]
    assert code_of(ask(ada, kept, "erase", {"clientIds": [ERASED]})) == "CSRF_MISMATCH"


def test_another_products_client_of_the_same_id_stays(
    ada: TestClient, world: World, store: Store, product: int
) -> None:
    other = entered(world, fed(store))

    erased(ada, product, ERASED, block=True)

    assert listed(ada, other) == [ERASED, STAYS]
    assert world.registry.blocked_clients.among(other, [ERASED]) == frozenset()
    assert erasures(ada, other) == []
    assert ask(ada, other, "unblock", {"clientIds": [ERASED]}).json() == {"result": {"unblocked": 0}}


def test_the_registry_holds_no_id_afterwards(
    ada: TestClient, world: World, product: int, export: Callable[[], None], tmp_path: Path
) -> None:
    """The request of an export named the client; neither the database nor what lies beside it holds it in the end."""
    registry = tmp_path / "registry.sqlite"
    filters = {"clientId": {"type": "string", "value": ERASED}}
    for more in ({}, {"properties": ["ram"]}):
        ada.post(f"/v3/export/request/clientPropertyList/{product}", json={"globalFilters": filters, **more})
    export()
    ada.post(f"/v3/export/request/clientPropertyList/{product}", json={"globalFilters": filters})
    assert any(ERASED.encode() in path.read_bytes() for path in tmp_path.glob("registry.sqlite*"))

    receipt = erased(ada, product, ERASED, block=True)
    world.registry.erasures.note_cleaned([receipt["receiptId"]])

    assert erasures(ada, product)[0]["cleanedUpAt"] is not None
    for path in tmp_path.glob("registry.sqlite*"):
        assert ERASED.encode() not in path.read_bytes(), path.name
    with sqlite3.connect(registry) as database:
        assert database.execute("SELECT count(*) FROM export_jobs").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM blocked_clients").fetchone() == (1,)
    database.close()
