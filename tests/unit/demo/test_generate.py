import datetime as dt
import itertools
import time
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from odometer.clock import DAY_MS
from odometer.collect.import_rows import FileChunk, encode_chunk
from odometer.collect.normalise import normalise
from odometer.demo import DEMO_PRODUCT, generate, license_keys
from odometer.demo.product import BUGGY_VERSION, FEATURES
from odometer.model.properties import BY_NAME, CUSTOM_SLOTS, GEOGRAPHY, LEVEL_SIBLINGS, LICENSE_TYPES, SETTABLE

TODAY = dt.date(2031, 5, 20)
CLIENTS = 3000
MONTHS = 14

MEMBERS = {
    "client_day": ({"day", "sessions", "runtimeSeconds"}, {"set", "machineId"}),
    "event_day": ({"day", "name", "count"}, {"category", "value"}),
    "license": ({"at"}, {"licenseType", "key", "activated", "allowed", "blocked", "expired"}),
    "custom_event": ({"at", "category", "name", "data"}, set()),
    "exception": ({"at", "className", "methodName", "message", "stackTrace"}, set()),
    "opt_out": ({"at"}, set()),
}


@cache
def records() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in generate(7, CLIENTS, MONTHS, TODAY)]


def of_type(kind: str) -> list[dict[str, Any]]:
    return [record for record in records() if record["type"] == kind]


def first_days() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for record in of_type("client_day"):
        found.setdefault(record["clientId"], record)
    return found


def day_of(record: dict[str, Any]) -> str:
    return str(record.get("day") or record["at"][:10])


def test_equal_arguments_give_equal_bytes_and_another_seed_other_ones() -> None:
    once = list(generate(7, 200, MONTHS, TODAY))
    assert once == list(generate(7, 200, MONTHS, TODAY))
    assert once != list(generate(8, 200, MONTHS, TODAY))


@pytest.mark.parametrize(("clients", "months"), [(0, 3), (1, 1), (40, 1), (40, 36)])
@pytest.mark.parametrize("today", [TODAY, dt.date(2032, 2, 29), dt.date(2031, 3, 31)])
def test_any_size_works(clients: int, months: int, today: dt.date) -> None:
    lines = list(generate(1, clients, months, today))
    assert len({orjson.loads(line)["clientId"] for line in lines}) == clients


def test_the_first_line_of_a_million_clients_comes_at_once() -> None:
    start = time.perf_counter()
    first = next(generate(1, 10**6, MONTHS, TODAY))
    assert orjson.loads(first)["type"] == "client_day"
    assert time.perf_counter() - start < 1


def test_nothing_happens_after_today_or_before_the_months() -> None:
    days = {day_of(record) for record in records()}
    assert max(days) == TODAY.isoformat()
    assert min(days) >= "2030-03-20"
    # Imported in the first second of today, what happened today has happened already.
    assert all(record["at"] < f"{TODAY}T00:00:01" for record in records() if "at" in record)


def test_records_have_the_members_of_their_type() -> None:
    for record in records():
        required, optional = MEMBERS[record["type"]]
        members = record.keys() - {"clientId", "type"}
        assert required <= members <= required | optional, record
    assert {record["type"] for record in records()} == MEMBERS.keys()


def test_the_import_takes_every_line() -> None:
    payload = b"\n".join(generate(7, 400, MONTHS, TODAY)) + b"\n"
    received_ms = (TODAY - dt.date(1970, 1, 1)).days * DAY_MS + 1000
    encoded = encode_chunk(FileChunk(Path("demo"), 1, "lines", payload, len(payload)), received_ms)
    assert encoded.rejected == []
    assert encoded.count == payload.count(b"\n")


def test_set_holds_only_names_that_history_may_set_and_whole_levels() -> None:
    allowed = SETTABLE | set(GEOGRAPHY)
    for record in of_type("client_day"):
        names = record.get("set", {}).keys()
        assert names <= allowed
        for name in names & LEVEL_SIBLINGS.keys():
            assert names >= set(LEVEL_SIBLINGS[name])
        assert not names & set(GEOGRAPHY) or names >= set(GEOGRAPHY)
    everything = {name for record in first_days().values() for name in record["set"]}
    assert everything >= {name for name in allowed if BY_NAME[name].category in ("Geography", "Hardware")} - {
        "machineId"
    }


def test_every_value_is_spelled_as_it_will_be_kept() -> None:
    for record in of_type("client_day"):
        sent = {name: "" if value is None else str(value) for name, value in record.get("set", {}).items()}
        kept = dict(sent)
        normalise(kept)
        assert kept == sent


def test_os_names_are_nested() -> None:
    for record in first_days().values():
        levels = [record["set"][f"os.{level}"] for level in ("platform", "version", "edition")]
        assert levels[2].startswith(levels[1])
        assert levels[1].startswith(levels[0])


def test_only_us_clients_have_a_state() -> None:
    for record in first_days().values():
        assert (record["set"]["geography.country"] == "US") == (record["set"]["geography.usState"] is not None)


def test_lines_of_a_client_stand_together_by_day_without_repetition() -> None:
    clients = [client for client, _ in itertools.groupby(record["clientId"] for record in records())]
    assert clients == sorted(set(clients))
    assert len(clients) == CLIENTS
    for _, lines in itertools.groupby(records(), key=lambda record: record["clientId"]):
        days = [day_of(record) for record in lines]
        assert days == sorted(days)
    distinct = {orjson.dumps(record) for record in records()}
    assert len(distinct) == len(records())
    keys = [(r["clientId"], r["day"], r.get("category"), r["name"]) for r in of_type("event_day")]
    assert len(set(keys)) == len(keys)


def test_every_active_day_begins_with_its_client_day() -> None:
    for _, lines in itertools.groupby(records(), key=lambda record: (record["clientId"], day_of(record))):
        assert [record["type"] == "client_day" for record in lines].index(True) == 0


def test_an_opt_out_is_the_last_of_its_client() -> None:
    by_client = [list(lines) for _, lines in itertools.groupby(records(), key=lambda record: record["clientId"])]
    leavers = [lines for lines in by_client if any(record["type"] == "opt_out" for record in lines)]
    assert 0 < len(leavers) < CLIENTS * 0.02
    for lines in leavers:
        assert [record["type"] for record in lines].index("opt_out") == len(lines) - 1
        assert all(record["at"] < lines[-1]["at"] for record in lines[:-1] if "at" in record)


def test_installations_grow_and_weekends_are_weak() -> None:
    installs = Counter(record["day"][:7] for record in first_days().values())
    assert installs["2031-04"] > 1.8 * installs["2030-04"]
    weekdays = Counter(dt.date.fromisoformat(record["day"]).weekday() for record in of_type("client_day"))
    assert weekdays[5] + weekdays[6] < 0.4 * (weekdays[1] + weekdays[2])
    assert weekdays[6] > 0


def test_releases_take_over_for_months_and_some_clients_stay_behind() -> None:
    shares: dict[str, Counter[str]] = defaultdict(Counter)
    running: dict[str, str] = {}
    for record in of_type("client_day"):
        client = record["clientId"]
        running[client] = record.get("set", {}).get("prodVersion", running.get(client))
        shares[record["day"][:7]][running[client]] += 1
    assert shares["2030-04"]["6.1"] > shares["2030-04"].total() * 0.8
    assert shares["2031-03"]["7.2"] > 0
    assert shares["2031-03"]["8.0"] < shares["2031-05"]["8.0"] * 2
    assert shares["2031-05"]["8.0"] > shares["2031-05"].total() * 0.5
    assert len(set(running.values())) == 8


def test_the_buggy_release_raises_exceptions() -> None:
    running: dict[str, str] = {}
    days: Counter[bool] = Counter()
    crashes: Counter[bool] = Counter()
    for record in records():
        client = record["clientId"]
        if record["type"] == "client_day":
            running[client] = record.get("set", {}).get("prodVersion", running.get(client))
        counter = {"client_day": days, "exception": crashes}.get(record["type"])
        if counter is not None:
            counter[running[client] == BUGGY_VERSION] += 1
    assert crashes[True] / days[True] > 8 * crashes[False] / days[False]


def test_trials_are_bought_or_left() -> None:
    types: dict[str, list[str]] = defaultdict(list)
    for record in of_type("license"):
        if "licenseType" in record:
            types[record["clientId"]].append(record["licenseType"])
    trials = [found for found in types.values() if found[0] == "evaluation"]
    assert len(trials) > CLIENTS * 0.25
    bought = sum(found[-1] == "purchased" for found in trials)
    assert 0.03 * len(trials) < bought < 0.5 * len(trials)
    assert {kind for found in types.values() for kind in found} <= set(LICENSE_TYPES)
    assert types.keys() == first_days().keys()
    assert {"expired", "blocked", "allowed", "activated"} <= {name for record in of_type("license") for name in record}


def test_some_keys_have_more_clients_than_seats() -> None:
    installs = Counter(record["key"] for record in of_type("license") if "key" in record)
    registry = list(license_keys(7, CLIENTS, MONTHS, TODAY))
    assert registry == list(license_keys(7, CLIENTS, MONTHS, TODAY))
    assert len({entry["licenseKey"] for entry in registry}) == len(registry)
    over = [entry for entry in registry if installs[entry["licenseKey"]] > entry["installQuota"]]
    assert 0 < len(over) < len(registry) / 2
    assert any(entry["licenseStatus"]["blocked"] for entry in over)


def test_some_machines_hold_two_editions() -> None:
    editions: dict[str, set[str]] = defaultdict(set)
    for record in first_days().values():
        editions[record["machineId"]].add(record["set"]["prodEdition"])
    assert sum(len(found) == 2 for found in editions.values()) > CLIENTS * 0.02
    assert set.union(*editions.values()) == {"Free", "Standard", "Pro", "Enterprise"}


def test_features_differ_in_popularity_and_are_learned_with_tenure() -> None:
    uses = Counter(record["name"] for record in of_type("event_day"))
    assert uses.keys() == {feature.name for feature in FEATURES}
    assert uses["Save"] > 20 * uses["Sun Study"]
    active: Counter[str] = Counter()
    shares: dict[bool, Counter[bool]] = {False: Counter(), True: Counter()}
    deep = {feature.name for feature in FEATURES if feature.depth >= 9}
    for record in records():
        if record["type"] == "client_day":
            active[record["clientId"]] += 1
        elif record["type"] == "event_day":
            shares[active[record["clientId"]] > 20][record["name"] in deep] += 1
    early, late = (shares[kind][True] / shares[kind].total() for kind in (False, True))
    assert late > 1.6 * early


def test_lost_clients_missed_the_sticky_features() -> None:
    found: dict[str, bool] = defaultdict(bool)
    last: dict[str, str] = {}
    for record in records():
        last[record["clientId"]] = day_of(record)
        found[record["clientId"]] |= record.get("name") == "Constraints"
    limit = (TODAY - dt.timedelta(days=45)).isoformat()
    lost = [found[client] for client, day in last.items() if day < limit]
    kept = [found[client] for client, day in last.items() if day >= limit]
    assert sum(kept) / len(kept) > 1.5 * sum(lost) / len(lost)


def test_the_product_names_the_custom_properties_that_occur() -> None:
    slots = {name for record in of_type("client_day") for name in record.get("set", {})} & set(CUSTOM_SLOTS)
    assert slots == {custom.slot for custom in DEMO_PRODUCT.custom_names}


def test_the_default_size_stays_about_a_million_lines() -> None:
    share = len(records()) / CLIENTS * DEMO_PRODUCT.clients
    assert 900_000 < share < 1_500_000
