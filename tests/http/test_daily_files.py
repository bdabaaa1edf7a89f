"""Daily files over HTTP, from the record to the downloaded file: real engine, registry, keeper and files."""

import datetime as dt
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.errors import Problem
from odometer.exports.daily import DailyFiles, sources_of
from odometer.exports.files import FileStore, open_files
from odometer.exports.links import Links
from odometer.http.daily_files import daily_files_router, wanted_by
from odometer.http.downloads import downloads_router
from odometer.model.daily_file import Stream
from odometer.reports import last_lines
from tests.conftest import Store
from tests.exported import read_csv
from tests.http.conftest import EMAIL, FORBIDDEN, HIDDEN, Connect, World, code_of, log_in
from tests.worlds import Delivery, feed

# Other tests feed the product of conftest.
PRODUCT = 2376158765
# The clock of these tests stands at 2030-03-17.
EVENTS = [
    {
        "clientId": "client-01",
        "type": "custom_event",
        "at": f"2030-03-{day}T10:00:00Z",
        "seq": day,
        "name": "Buy",
        "data": [["n", "1"]],
    }
    for day in (14, 15, 17)
]
PATHS = {
    Stream.CUSTOM_EVENTS: "/v3/customEventTracking",
    Stream.EXCEPTIONS: "/v3/exceptionTracking",
    Stream.RAW_EVENTS: "/v3/rawEvents/download",
}
NAMES = {Stream.CUSTOM_EVENTS: "customEvents_2030-03-15.csv.zip", Stream.RAW_EVENTS: "rawEvents_2030-03-15.csv.zip"}


@pytest.fixture(scope="module")
def fed(store: Store) -> None:
    feed(store, [Delivery(tuple(EVENTS), 1_900_000_000_000, "history", is_import=True)], product=PRODUCT)


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return open_files(str(tmp_path / "files"), tmp_path)


@pytest.fixture
def daily(world: World, store: Store, files: FileStore, fed: None) -> DailyFiles:  # noqa: ARG001 - order
    world.registry.products.add("Loupe", PRODUCT)
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING, Permission.LICENSE_FILTERING])
    return DailyFiles(world.registry.daily_files, files, sources_of(store.questions), 90)


@pytest.fixture
def served(
    connect: Connect, world: World, store: Store, daily: DailyFiles, files: FileStore
) -> Callable[[], TestClient]:
    """Makes callers of one server with daily files."""
    links = Links(files, b"secret", world.parts.public_url, world.clock, 15)

    def make() -> TestClient:
        return connect(
            questions=store.questions,
            reports=(last_lines.CUSTOM_EVENTS, last_lines.EXCEPTIONS),
            routers=[daily_files_router(daily, links), downloads_router(files, links)],
        )

    return make


@pytest.fixture
def ada(served: Callable[[], TestClient]) -> TestClient:
    caller = served()
    log_in(caller)
    return caller


def refresh(world: World, daily: DailyFiles) -> None:
    product = world.registry.products.get(PRODUCT)
    assert product is not None
    daily.refresh(PRODUCT, wanted_by(product), world.clock.today(), lambda: None)


def listed(caller: TestClient, stream: Stream) -> list[dict[str, Any]]:
    answer = caller.get(f"{PATHS[stream]}/listFiles/{PRODUCT}")
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["fileList"]
    found: list[dict[str, Any]] = answer.json()["fileList"]
    return found


def link(caller: TestClient, stream: Stream, name: Any) -> Any:
    return caller.post(f"{PATHS[stream]}/getDownloadUrl/{PRODUCT}", json={"fileName": name})


def test_files_are_listed_linked_and_downloaded(
    ada: TestClient, served: Callable[[], TestClient], world: World, daily: DailyFiles, tmp_path: Path
) -> None:
    assert listed(ada, Stream.RAW_EVENTS) == []
    refresh(world, daily)
    assert [one["fileDate"] for one in listed(ada, Stream.RAW_EVENTS)] == ["2030-03-15", "2030-03-14"]
    assert listed(ada, Stream.EXCEPTIONS) == []
    file = listed(ada, Stream.CUSTOM_EVENTS)[0]
    assert list(file) == ["fileName", "fileDate", "fileSize", "rows", "sha256"]
    assert (file["fileName"], file["rows"]) == (NAMES[Stream.CUSTOM_EVENTS], 1)

    answer = link(ada, Stream.CUSTOM_EVENTS, file["fileName"]).json()
    assert list(answer) == ["downloadUrl", "expiresAt"]
    stranger = served()
    got, head = stranger.get(answer["downloadUrl"]), stranger.head(answer["downloadUrl"])

    assert (len(got.content), hashlib.sha256(got.content).hexdigest()) == (file["fileSize"], file["sha256"])
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", got.headers["ETag"])
    assert got.headers["Content-Disposition"] == f'attachment; filename="{file["fileName"]}"'
    part = stranger.get(answer["downloadUrl"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, got.content[10:20])
    (tmp_path / "got").write_bytes(got.content)
    assert len(read_csv(tmp_path / "got")) == 2


def test_a_link_is_for_one_file_and_some_minutes(ada: TestClient, world: World) -> None:
    url: str = link(ada, Stream.CUSTOM_EVENTS, NAMES[Stream.CUSTOM_EVENTS]).json()["downloadUrl"]
    assert link(ada, Stream.RAW_EVENTS, NAMES[Stream.RAW_EVENTS]).status_code == 200
    others = [
        url.replace("2030-03-15", "2030-03-14"),
        url.replace("customEvents", "rawEvents"),
        url.replace(f"/{PRODUCT}/", f"/{HIDDEN}/"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.partition("?")[0],
    ]
    for other in others:
        answer = ada.get(other)
        assert (answer.status_code, code_of(answer)) == (403, "PERMISSION_DENIED"), other
    assert ada.get(url).status_code == 200
    world.clock.move(minutes=15)
    assert ada.get(url).status_code == 403


def test_a_file_is_made_when_its_link_is_asked_for(ada: TestClient) -> None:
    """Midnight has passed, the keeper has not come by yet."""
    assert listed(ada, Stream.CUSTOM_EVENTS) == []
    url = link(ada, Stream.CUSTOM_EVENTS, NAMES[Stream.CUSTOM_EVENTS]).json()["downloadUrl"]
    assert ada.get(url).status_code == 200
    assert [one["fileDate"] for one in listed(ada, Stream.CUSTOM_EVENTS)] == ["2030-03-15"]


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize(
    "name",
    [
        *("", "..", "../registry.sqlite", "/etc/passwd", "x\0y", "é", "customEvents_2030-03-17.csv.zip"),
        *("customEvents_2030-03-16.csv.zip", "customEvents_2029-12-01.csv.zip", "rawEvents_2030-03-15.parquet"),
        *("exceptions_2030-03-15.csv.zip", "customEvents_2030-13-15.csv.zip", "a" * 100_000),
    ],
)
def test_only_names_that_can_be_listed_have_a_link(ada: TestClient, stream: Stream, name: str) -> None:
    """Today is not finished, the day before has no rows, others are too old or of no wanted format."""
    answer = link(ada, stream, name)
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", [None, 5, ["x"]])
def test_the_name_must_be_text(ada: TestClient, name: Any) -> None:
    answer = link(ada, Stream.CUSTOM_EVENTS, name)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "fileName")


def test_raw_events_can_be_switched_off_and_come_as_parquet(ada: TestClient, world: World, daily: DailyFiles) -> None:
    world.registry.products.change(PRODUCT, {"rawExportFormats": ["parquet", "csv"]}, actor="test")
    refresh(world, daily)
    names = [one["fileName"] for one in listed(ada, Stream.RAW_EVENTS)]
    assert names[:2] == ["rawEvents_2030-03-15.csv.zip", "rawEvents_2030-03-15.parquet"]
    url = link(ada, Stream.RAW_EVENTS, names[1]).json()["downloadUrl"]
    assert ada.get(url).content[:4] == b"PAR1"

    world.registry.products.change(PRODUCT, {"rawExport": False}, actor="test")
    refused = [ada.get(f"{PATHS[Stream.RAW_EVENTS]}/listFiles/{PRODUCT}"), link(ada, Stream.RAW_EVENTS, names[1])]
    assert [(one.status_code, code_of(one)) for one in refused] == [(403, "FEATURE_NOT_ENABLED")] * 2
    assert len(listed(ada, Stream.CUSTOM_EVENTS)) == 2
    refresh(world, daily)
    assert ada.get(url).status_code == 404


@pytest.mark.parametrize("formats", [[], "csv", ["xml"], ["csv", 1], {}, [["csv"]]])
@pytest.mark.usefixtures("daily")
def test_formats_are_a_list_of_known_ones(world: World, formats: Any) -> None:
    with pytest.raises(Problem, match=r"Must be a list of one or more of csv, parquet\."):
        world.registry.products.change(PRODUCT, {"rawExportFormats": formats}, actor="test")


@pytest.mark.parametrize("stream", list(Stream))
def test_files_need_reporting_on_the_product(ada: TestClient, served: Callable[[], TestClient], stream: Stream) -> None:
    for product, status, code in ((HIDDEN, 404, "PRODUCT_NOT_FOUND"), (FORBIDDEN, 403, "PERMISSION_DENIED")):
        answers = [
            ada.get(f"{PATHS[stream]}/listFiles/{product}"),
            ada.post(f"{PATHS[stream]}/getDownloadUrl/{product}", json={"fileName": "x"}),
        ]
        assert [(answer.status_code, code_of(answer)) for answer in answers] == [(status, code)] * 2
    assert served().get(f"{PATHS[stream]}/listFiles/{PRODUCT}").status_code == 401


def test_previews_over_http(ada: TestClient) -> None:
    answer = ada.post(f"/v3/customEventTracking/getLastLines/{PRODUCT}", json={"lineCount": "2"})
    assert answer.status_code == 200
    assert list(answer.json()) == ["fieldNames", "result"]
    # Today's are there too.
    assert [row["timestamp"][:10] for row in answer.json()["result"]] == ["2030-03-17", "2030-03-15"]
    answer = ada.post(f"/v3/exceptionTracking/getLastLines/{PRODUCT}", json={"lineCount": 1001})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "lineCount")
    assert ada.post(f"/v3/exceptionTracking/getLastLines/{PRODUCT}").json()["result"] == []


def test_the_example_days_are_the_clocks(world: World) -> None:
    assert world.clock.today() == dt.date(2030, 3, 17)


def test_raw_events_need_license_filtering_because_they_show_license_keys(ada: TestClient, world: World) -> None:
    url = link(ada, Stream.RAW_EVENTS, NAMES[Stream.RAW_EVENTS]).json()["downloadUrl"]
    assert ada.get(url).status_code == 200
    world.registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING])

    refused = [
        ada.get(f"{PATHS[Stream.RAW_EVENTS]}/listFiles/{PRODUCT}"),
        link(ada, Stream.RAW_EVENTS, NAMES[Stream.RAW_EVENTS]),
        ada.get(url),
    ]

    assert [(answer.status_code, code_of(answer)) for answer in refused] == [(403, "PERMISSION_DENIED")] * 3


def test_links_end_when_their_maker_may_no_longer_ask_for_them(served: Callable[[], TestClient], world: World) -> None:
    caller = served()
    registry = world.registry
    name = NAMES[Stream.CUSTOM_EVENTS]

    def url_of(token: str) -> str:
        answer = caller.post(
            f"{PATHS[Stream.CUSTOM_EVENTS]}/getDownloadUrl/{PRODUCT}",
            json={"fileName": name},
            headers={"Authorization": f"Bearer {token}"},
        )
        return str(answer.json()["downloadUrl"])

    first, second = (url_of(registry.tokens.add(one, EMAIL)) for one in ("first", "second"))
    assert [caller.get(url).status_code for url in (first, second)] == [200, 200]

    registry.tokens.revoke("first", EMAIL)
    assert [caller.get(url).status_code for url in (first, second)] == [403, 200]
    assert caller.get(second.replace("by=1-", "by=2-")).status_code == 403

    registry.users.grant(EMAIL, PRODUCT, [])
    assert caller.get(second).status_code == 403
    registry.users.grant(EMAIL, PRODUCT, [Permission.REPORTING])
    assert caller.get(second).status_code == 200
    registry.users.set_disabled(EMAIL, disabled=True)
    assert caller.get(second).status_code == 403
