"""The license key registry over HTTP, on a real registry and the real engine (chapter 07)."""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from odometer.accounts import Permission
from odometer.model.licenses import KeyUpdate, LicenseKey
from tests.conftest import Store, tried
from tests.http.conftest import EMAIL, FORBIDDEN, PRODUCT, Connect, World, code_of, log_in
from tests.oracle.licenses import search
from tests.worlds import Delivery, feed, to_ms

TODAY = dt.date(2031, 6, 20)


@dataclass
class Desk:
    """A caller with license_read and license_write on a product of their own."""

    world: World
    store: Store
    caller: TestClient
    product: int

    def search(self, **body: Any) -> Any:
        return self.caller.post(f"/v3/license-key-registry/{self.product}", json=body)

    def found(self, filters: Any = None, **body: Any) -> list[str]:
        answer = self.search(filters=filters, **body)
        assert answer.status_code == 200, answer.text
        return [one["licenseKey"] for one in answer.json()["result"]]

    def update(self, *entries: Any, method: str = "PATCH") -> Any:
        path = f"/v3/license-key-registry/update/{self.product}"
        return self.caller.request(method, path, json={"keyUpdates": list(entries)})

    def delete(self, *keys: Any) -> Any:
        return self.caller.request("DELETE", f"/v3/license-key-registry/{self.product}", json={"licenseKeys": keys})

    def on(self, day: str) -> None:
        self.world.clock.ms = to_ms(dt.date.fromisoformat(day)) + 1
        # A session of another year has ended.
        log_in(self.caller)

    def report(self, client: str, key: str | None, day: str, seq: int = 1) -> None:
        """A license record of a client; None clears the key."""
        record = {"clientId": client, "seq": seq, "type": "license", "at": f"{day}T10:00:00Z", "key": key}
        feed(self.store, [Delivery((record,), to_ms(TODAY), f"{client}-{seq}")], product=self.product)


@pytest.fixture
def desk(world: World, store: Store, connect: Connect) -> Desk:
    product = store.new_product()
    world.registry.products.add("Keyed", product)
    world.registry.users.grant(EMAIL, product, [Permission.LICENSE_READ, Permission.LICENSE_WRITE])
    caller = connect(questions=store.questions)
    world.clock.ms = to_ms(TODAY) + 1
    log_in(caller)
    return Desk(world, store, caller, product)


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    assert list(result) == ["inserted", "updated", "unchanged"]
    return result["inserted"], result["updated"], result["unchanged"]


def test_the_worked_example_of_the_definitions(desk: Desk) -> None:
    """Seven clients on a key for five.

    Clients 1 to 6 were last seen on 2031-06-10, client 7 on the 18th: 7 installs, 7 - 5 = 2 over quota, last seen on
    the 18th. Client 8 had the key and has another one now; client 9 had it and cleared it: neither counts, though
    both were active later than the 18th.
    """
    desk.on("2031-02-03")
    flags = {"activated": True, "allowed": True}
    desk.update({"licenseKey": "K-7F31-22", "licenseType": "purchased", "licenseStatus": flags, "installQuota": 5})
    desk.on("2031-06-20")
    for number in range(1, 7):
        desk.report(f"client-{number}", "K-7F31-22", "2031-06-10")
    desk.report("client-7", "K-7F31-22", "2031-05-01")
    desk.report("client-7", "K-7F31-22", "2031-06-18", seq=2)
    desk.report("client-8", "K-7F31-22", "2031-05-01")
    desk.report("client-8", "K-OTHER", "2031-06-19", seq=2)
    desk.report("client-9", "K-7F31-22", "2031-05-01")
    desk.report("client-9", None, "2031-06-20", seq=2)

    answer = desk.search()

    assert answer.json() == {
        "result": [
            {
                "licenseKey": "K-7F31-22",
                "licenseType": "purchased",
                "licenseStatus": {"activated": True, "allowed": True, "blocked": False, "expired": False},
                "addedDate": "2031-02-03",
                "expiryDate": None,
                "autoCollected": False,
                "installQuota": 5,
                "installCount": 7,
                "overQuotaCount": 2,
                "dateLastSeen": "2031-06-18",
            }
        ],
        "reachedEnd": True,
    }
    assert list(answer.json()["result"][0])[-4:] == ["installQuota", "installCount", "overQuotaCount", "dateLastSeen"]


def test_a_batch_inserts_and_updates_and_repeating_it_changes_nothing(desk: Desk) -> None:
    entry = {"licenseKey": "A", "licenseType": "nfr", "licenseStatus": {"blacklisted": True}, "expiryDate": "NOW"}
    assert counts(desk.update(entry)) == (1, 0, 0)
    changed = {"licenseKey": "A", "licenseStatus": {"activated": True}, "installQuota": 0}

    assert counts(desk.update(changed, {"licenseKey": "B"}, method="POST")) == (1, 1, 0)
    assert counts(desk.update(changed, {"licenseKey": "B", "unknown": 1})) == (0, 0, 2)

    first, second = desk.search().json()["result"]
    assert (first["licenseType"], first["expiryDate"], first["installQuota"]) == ("nfr", "2031-06-20", 0)
    assert first["licenseStatus"] == {"activated": True, "allowed": False, "blocked": True, "expired": False}
    assert (second["licenseType"], second["expiryDate"], second["installQuota"]) == ("unknown", None, 1)
    assert not any(second["licenseStatus"].values())
    assert counts(desk.update({"licenseKey": "A", "expiryDate": None})) == (0, 1, 0)
    assert desk.found({"expiryDate": {"type": "null"}}) == ["A", "B"]


GOOD = {"licenseKey": "GOOD"}


@pytest.mark.parametrize(
    ("entry", "field", "code"),
    [
        ({}, ".licenseKey", "MISSING_FIELD"),
        ({"licenseKey": None}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": ""}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "x" * 257}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "a\tb"}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "a\x85b"}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "<NULL>"}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": 7}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "GOOD"}, ".licenseKey", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseType": "gold"}, ".licenseType", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseType": ["nfr"]}, ".licenseType", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseType": None}, ".licenseType", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseStatus": None}, ".licenseStatus", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseStatus": {"active": True}}, ".licenseStatus.active", "INVALID_FIELD"),
        ({"licenseKey": "K", "licenseStatus": {"expired": 1}}, ".licenseStatus.expired", "INVALID_FIELD"),
        (
            {"licenseKey": "K", "licenseStatus": {"allowed": True, "whitelisted": True}},
            ".licenseStatus.whitelisted",
            "INVALID_FIELD",
        ),
        ({"licenseKey": "K", "expiryDate": "2031-02-30"}, ".expiryDate", "INVALID_FIELD"),
        ({"licenseKey": "K", "installQuota": -1}, ".installQuota", "INVALID_FIELD"),
        ({"licenseKey": "K", "installQuota": 1.5}, ".installQuota", "INVALID_FIELD"),
        ({"licenseKey": "K", "installQuota": "1"}, ".installQuota", "INVALID_FIELD"),
        ({"licenseKey": "K", "installQuota": True}, ".installQuota", "INVALID_FIELD"),
        ("K", "", "INVALID_FIELD"),
    ],
)
def test_one_bad_entry_refuses_the_batch(desk: Desk, entry: Any, field: str, code: str) -> None:
    answer = desk.update(GOOD, {"licenseKey": "FINE"}, {"licenseKey": "TOO"}, entry)

    assert (answer.status_code, code_of(answer)) == (400, code)
    assert answer.json()["error"]["field"] == f"keyUpdates[3]{field}"
    assert desk.found() == []


@pytest.mark.parametrize("body", ["{}", '{"keyUpdates": null}', '{"keyUpdates": []}', '{"keyUpdates": {}}', "[]"])
def test_a_batch_has_entries(desk: Desk, body: str) -> None:
    answer = desk.caller.patch(f"/v3/license-key-registry/update/{desk.product}", content=body)

    assert answer.status_code == 400


def test_ten_thousand_entries_are_one_batch_and_one_more_is_too_many(desk: Desk) -> None:
    entries = [{"licenseKey": f"K-{number:05}", "installQuota": number} for number in range(10_001)]

    assert desk.update(*entries).status_code == 400
    assert counts(desk.update(*entries[1:])) == (10_000, 0, 0)
    assert counts(desk.update(*({**entry, "licenseType": "nfr"} for entry in entries[:10_000]))) == (1, 9_999, 0)
    assert counts(desk.update(*entries[:10_000])) == (0, 0, 10_000)
    assert desk.delete(*(entry["licenseKey"] for entry in entries[:10_000])).json() == {"result": {"deleted": 10_000}}
    assert desk.found() == ["K-10000"]


def test_deleting_names_keys_that_may_not_exist(desk: Desk) -> None:
    desk.update({"licenseKey": "A"}, {"licenseKey": "a"}, {"licenseKey": "B"})

    assert desk.delete("a", "B", "B", "C").json() == {"result": {"deleted": 2}}
    assert desk.delete("a", "B").json() == {"result": {"deleted": 0}}
    assert desk.found() == ["A"]
    for keys in ([], [""], [None], ["A", 1]):
        assert desk.delete(*keys).status_code == 400
    assert desk.found() == ["A"]


def test_every_change_is_kept_with_time_and_user(desk: Desk) -> None:
    """Inserted on the 1st, allowed and then blocked on the 3rd, deleted on the 5th, back on the 9th."""
    book = desk.world.registry.license_keys
    desk.on("2031-06-01")
    desk.update({"licenseKey": "K", "licenseType": "nfr"})
    desk.on("2031-06-03")
    desk.update({"licenseKey": "K", "licenseStatus": {"allowed": True}})
    desk.update({"licenseKey": "K", "licenseStatus": {"allowed": False, "blocked": True}})
    desk.update({"licenseKey": "K"})
    desk.on("2031-06-05")
    desk.delete("K")
    desk.on("2031-06-09")
    desk.update({"licenseKey": "K"})

    changes = book.changes(desk.product, ["K"])["K"]

    shown = [(str(one.day), one.action.value, one.after.license_type, one.after.blocked) for one in changes]
    assert shown == [
        ("2031-06-01", "inserted", "nfr", False),
        ("2031-06-03", "updated", "nfr", False),
        ("2031-06-03", "updated", "nfr", True),
        ("2031-06-05", "deleted", "nfr", True),
        ("2031-06-09", "inserted", "unknown", False),
    ]
    assert {(one.actor, one.at_ms > 0) for one in changes} == {(EMAIL, True)}
    audit = [entry.action for entry in desk.world.registry.audit_log() if entry.subject == str(desk.product)]
    assert [action for action in audit if action.startswith("license")] == [
        "license.update",
        "license.delete",
        "license.update",
        "license.update",
        "license.update",
    ]
    assert desk.search().json()["result"][0]["addedDate"] == "2031-06-09"


def test_two_writers_on_one_key_end_as_if_one_had_followed_the_other(desk: Desk) -> None:
    """One sets the quota, the other the type, both of the same keys: no value of either is lost."""
    book, keys = desk.world.registry.license_keys, [f"K-{number}" for number in range(20)]
    rounds, failures = 15, list[BaseException]()
    book.update(desk.product, [KeyUpdate(key, {}) for key in keys], actor="first")

    def write(values: Callable[[int], dict[str, Any]], order: list[str]) -> None:
        try:
            for number in range(1, rounds + 1):
                book.update(desk.product, [KeyUpdate(key, values(number)) for key in order], actor="writer")
        except BaseException as failure:  # noqa: BLE001 - shown by the test
            failures.append(failure)

    writers = [
        threading.Thread(target=write, args=(lambda n: {"install_quota": n + 1}, keys)),
        threading.Thread(target=write, args=(lambda n: {"license_type": f"custom{1 + n % 3}"}, keys[::-1])),
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert failures == []
    last = {(one["installQuota"], one["licenseType"]) for one in desk.search().json()["result"]}
    assert last == {(rounds + 1, f"custom{1 + rounds % 3}")}
    for changes in book.changes(desk.product, keys).values():
        assert len(changes) == 1 + 2 * rounds
        # Each step changes one writer's value and keeps the other's.
        for before, after in pairwise(changes):
            moved = before.after.install_quota != after.after.install_quota
            assert moved != (before.after.license_type != after.after.license_type)


def test_two_writers_of_a_new_key_insert_it_once(desk: Desk) -> None:
    book, results = desk.world.registry.license_keys, []
    barrier = threading.Barrier(2)

    def write() -> None:
        barrier.wait()
        results.append(book.update(desk.product, [KeyUpdate("NEW", {})], actor="writer"))

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert sorted((one.inserted, one.unchanged) for one in results) == [(0, 1), (1, 0)]


def test_pages_in_byte_order(desk: Desk) -> None:
    """Code points, hence bytes: capitals before small letters, accents and then other planes last."""
    keys = ["a", "B", "Z-1", "Z", "é", "\uffee", "\U0001f511", "ß"]
    desk.update(*({"licenseKey": key} for key in keys))
    found, start, pages = [], None, 0
    while True:
        answer = desk.search(pageSize=3, startAtLicenseKey=start).json()
        found += [one["licenseKey"] for one in answer["result"]]
        pages += 1
        if answer["reachedEnd"]:
            break
        start = answer["nextLicenseKey"]

    assert found == sorted(keys, key=lambda key: key.encode())
    assert pages == 3
    assert desk.found(startAtLicenseKey="Z0", pageSize=1) == ["a"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pageSize": 0}, "pageSize"),
        ({"pageSize": 10_001}, "pageSize"),
        ({"pageSize": "10"}, "pageSize"),
        ({"startAtLicenseKey": 1}, "startAtLicenseKey"),
        ({"globalFilters": {"licenseKey": {}}}, "globalFilters"),
        ({"filters": []}, "filters"),
        ({"filters": {"key": {}}}, "filters.key"),
        ({"filters": {"licenseKey": None}}, "filters.licenseKey"),
        ({"filters": {"licenseKey": {"type": "string"}}}, "filters.licenseKey.value"),
        ({"filters": {"licenseKey": {"type": "string", "value": "a", "exclude": True}}}, "filters.licenseKey.exclude"),
        ({"filters": {"licenseKey": {"type": "regex", "value": "(a"}}}, "filters.licenseKey.value"),
        ({"filters": {"licenseKey": {"type": "stringArray", "value": []}}}, "filters.licenseKey.value"),
        ({"filters": {"licenseType": {"type": "regex", "value": "n.*"}}}, "filters.licenseType.type"),
        ({"filters": {"licenseType": {"type": "string", "value": "gold"}}}, "filters.licenseType.value"),
        ({"filters": {"licenseType": {"type": "stringArray", "value": ["nfr", "x"]}}}, "filters.licenseType.value[1]"),
        ({"filters": {"licenseStatus": [{}]}}, "filters.licenseStatus[0]"),
        ({"filters": {"licenseStatus": {"expired": True}}}, "filters.licenseStatus"),
        ({"filters": {"addedDate": {"type": "null"}}}, "filters.addedDate.type"),
        ({"filters": {"addedDate": {"type": "dateRange"}}}, "filters.addedDate.min"),
        ({"filters": {"expiryDate": {"type": "dateRange", "min": "NOW", "max": "NOW-1"}}}, "filters.expiryDate.min"),
        ({"filters": {"expiryDate": {"type": "null", "value": "NOW"}}}, "filters.expiryDate.value"),
        ({"filters": {"expiryDate": {"type": "date", "value": "tomorrow"}}}, "filters.expiryDate.value"),
        ({"filters": {"autoCollected": "true"}}, "filters.autoCollected"),
        ({"filters": {"installCount": {"type": "number", "min": 1}}}, "filters.installCount.min"),
        ({"filters": {"overQuotaCount": {"type": "numberRange", "min": 2, "max": 1}}}, "filters.overQuotaCount.min"),
        ({"filters": {"installQuota": {"type": "string", "value": "1"}}}, "filters.installQuota.type"),
    ],
)
def test_what_a_search_refuses(desk: Desk, body: dict[str, Any], field: str) -> None:
    answer = desk.search(**body)

    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_reading_and_writing_are_two_permissions(desk: Desk) -> None:
    users = desk.world.registry.users
    users.grant(EMAIL, FORBIDDEN, [Permission.LICENSE_READ])
    users.grant(EMAIL, PRODUCT, [Permission.LICENSE_WRITE])
    body = {"keyUpdates": [GOOD]}

    reading = desk.caller.post(f"/v3/license-key-registry/{FORBIDDEN}", json={})
    writing = desk.caller.patch(f"/v3/license-key-registry/update/{FORBIDDEN}", json=body)
    deleting = desk.caller.request("DELETE", f"/v3/license-key-registry/{FORBIDDEN}", json={"licenseKeys": ["A"]})
    only_writing = desk.caller.post(f"/v3/license-key-registry/{PRODUCT}", json={})

    assert [one.status_code for one in (reading, writing, deleting, only_writing)] == [200, 403, 403, 403]
    assert code_of(writing) == code_of(deleting) == code_of(only_writing) == "PERMISSION_DENIED"


# A small world full of coincidences: quotas, dates and counts meet.
KEYS = ["A", "AB", "B", "a", "k\u00e9", "K-1", "K-10", "K-2"]
TYPES = ["unknown", "purchased", "nfr"]
DAYS = ["2031-06-18", "2031-06-19", "2031-06-20", "2031-06-21"]
FLAGS = ["activated", "allowed", "blocked", "expired"]
_NUMBERS = st.integers(-2, 3)


def _ranges(values: st.SearchStrategy[Any], kind: str) -> st.SearchStrategy[dict[str, Any]]:
    both = st.tuples(values, values).map(lambda pair: {"min": min(pair), "max": max(pair)})
    some = both | values.map(lambda low: {"min": low}) | values.map(lambda high: {"max": high})
    return some.map(lambda bounds: {"type": kind, **bounds})


_DATES = st.sampled_from(DAYS).map(lambda day: {"type": "date", "value": day}) | _ranges(
    st.sampled_from(DAYS), "dateRange"
)
_COUNTS = _NUMBERS.map(lambda number: {"type": "number", "value": number}) | _ranges(_NUMBERS, "numberRange")
_FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "licenseKey": st.sampled_from(KEYS).map(lambda key: {"type": "string", "value": key})
    | st.lists(st.sampled_from(KEYS), min_size=1).map(lambda keys: {"type": "stringArray", "value": keys})
    | st.sampled_from(["K.*", "A|B", ".", "[ak].?", "k\u00e9|K-1.+"]).map(lambda p: {"type": "regex", "value": p}),
    "licenseType": st.sampled_from(TYPES).map(lambda kind: {"type": "string", "value": kind})
    | st.lists(st.sampled_from(TYPES), min_size=1).map(lambda kinds: {"type": "stringArray", "value": kinds}),
    "licenseStatus": st.lists(
        st.dictionaries(st.sampled_from(FLAGS), st.booleans(), min_size=1, max_size=2), min_size=1, max_size=2
    ),
    "addedDate": _DATES,
    "expiryDate": _DATES | st.just({"type": "null"}),
    "autoCollected": st.booleans(),
    "installQuota": _COUNTS,
    "installCount": _COUNTS,
    "overQuotaCount": _COUNTS,
}


@st.composite
def _requests(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(list(_FILTERS)), max_size=2, unique=True))
    request: dict[str, Any] = {"filters": {name: draw(_FILTERS[name]) for name in names}}
    paging = {"pageSize": st.integers(1, 4), "startAtLicenseKey": st.sampled_from(KEYS)}
    return request | draw(st.fixed_dictionaries({}, optional=paging))


@st.composite
def _registries(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        {
            "licenseKey": key,
            "licenseType": draw(st.sampled_from(TYPES)),
            "licenseStatus": {flag: draw(st.booleans()) for flag in FLAGS},
            "addedDate": draw(st.sampled_from(DAYS[:3])),
            "expiryDate": draw(st.sampled_from([*DAYS, None])),
            "autoCollected": draw(st.booleans()),
            "installQuota": draw(st.integers(0, 2)),
        }
        for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True))
    ]


@tried(4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    keys=_registries(),
    clients=st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(DAYS[:3])), max_size=8),
    requests=st.lists(_requests(), min_size=25, max_size=25),
)
def test_searches_equal_the_oracle(
    desk: Desk, keys: list[dict[str, Any]], clients: list[tuple[str, str]], requests: list[dict[str, Any]]
) -> None:
    desk.product = desk.store.new_product()
    desk.world.registry.products.add("Drawn", desk.product)
    desk.world.registry.users.grant(EMAIL, desk.product, [Permission.LICENSE_READ])
    stored = [
        LicenseKey(
            key=one["licenseKey"],
            license_type=one["licenseType"],
            **one["licenseStatus"],
            added=dt.date.fromisoformat(one["addedDate"]),
            expiry=dt.date.fromisoformat(one["expiryDate"]) if one["expiryDate"] else None,
            auto_collected=one["autoCollected"],
            install_quota=one["installQuota"],
        )
        for one in keys
    ]
    desk.world.registry.license_keys.collect(desk.product, stored)
    records: list[dict[str, Any]] = [
        {"clientId": f"client-{number}", "seq": 1, "type": "license", "at": f"{day}T10:00:00Z", "key": key}
        for number, (key, day) in enumerate(clients)
    ]
    if records:
        feed(desk.store, [Delivery((one,), to_ms(TODAY), one["clientId"]) for one in records], product=desk.product)

    for request in requests:
        answer = desk.search(**request)
        assert (answer.status_code, answer.json()) == (200, search(keys, clients, request, str(TODAY))), request
