"""Each rule of chapter 09 for one record: what is kept, and which member a refusal names."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.collect.records import to_row
from odometer.collect.timestamps import parse_moment
from odometer.errors import Problem
from odometer.model.moments import to_text
from tests.unit.collect.senders import IMPORT, LIVE, NEEDED, RECEIVED_MS, client_day, event_day, live


def refusal(record: dict[str, Any], sender: Any = LIVE) -> tuple[str, str | None]:
    with pytest.raises(Problem) as caught:
        to_row(record, sender)
    return caught.value.code, caught.value.field


@pytest.mark.parametrize("kind", NEEDED)
def test_every_live_type_is_taken_with_what_it_needs(kind: str) -> None:
    row = to_row(live(kind), LIVE)

    assert (row["type"], row["seq"], row["day"], row["hash"], row["canonical"]) == (kind, 41, "2031-06-18", "0", "")


@pytest.mark.parametrize(
    ("kind", "member"),
    [(kind, member) for kind, members in NEEDED.items() for member in members]
    + [("heartbeat", member) for member in ("seq", "type", "at")],
)
def test_a_required_member_that_is_null_or_absent_is_missing(kind: str, member: str) -> None:
    without = {name: value for name, value in live(kind).items() if name != member}

    assert refusal(live(kind, **{member: None}) if member != "type" else {**live(kind), "type": None}) == (
        "MISSING_FIELD",
        member,
    )
    assert refusal(without) == ("MISSING_FIELD", member)


@pytest.mark.parametrize(
    ("kind", "members", "field"),
    [
        ("heartbeat", {"seq": 0}, "seq"),
        ("heartbeat", {"seq": 2**62}, "seq"),
        ("heartbeat", {"seq": "30"}, "seq"),
        ("heartbeat", {"seq": True}, "seq"),
        ("heartbeat", {"seq": Decimal("1.5")}, "seq"),
        ("heartbeat", {"seq": Decimal("1e999999")}, "seq"),
        ("heartbeat", {"at": "2031-06-18"}, "at"),
        ("heartbeat", {"at": "2031-06-18T22:50:00"}, "at"),
        ("heartbeat", {"at": "2031-06-18 22:50:00Z"}, "at"),
        ("heartbeat", {"at": "2031-02-30T22:50:00Z"}, "at"),
        ("heartbeat", {"at": "2031-06-18T24:00:00Z"}, "at"),
        ("heartbeat", {"at": "2031-06-18T22:50:60Z"}, "at"),
        ("heartbeat", {"at": 1_930_000_000}, "at"),
        ("heartbeat", {"at": "1999-12-31T23:59:59.999Z"}, "at"),
        ("heartbeat", {"at": "2030-05-15T11:59:59.999Z"}, "at"),
        ("heartbeat", {"sessionId": "a" * 9}, "sessionId"),
        ("session_start", {"sessionId": "a" * 65}, "sessionId"),
        ("session_start", {"sessionId": "nul\0nul\0nul"}, "sessionId"),
        ("session_stop", {"runtimeSeconds": -1}, "runtimeSeconds"),
        ("session_stop", {"runtimeSeconds": Decimal("2592000.001")}, "runtimeSeconds"),
        ("session_stop", {"runtimeSeconds": True}, "runtimeSeconds"),
        ("event", {"name": " \t "}, "name"),
        ("event", {"name": "<NULL>"}, "name"),
        ("event", {"name": "a" * 129}, "name"),
        ("event", {"name": "a\0"}, "name"),
        ("event", {"category": 7}, "category"),
        ("event", {"category": "a" * 129}, "category"),
        ("event", {"count": 0}, "count"),
        ("event", {"count": 2**31 + 1}, "count"),
        ("event", {"value": Decimal("0.0000001")}, "value"),
        ("event", {"value": 10**15}, "value"),
        ("event", {"value": Decimal("NaN")}, "value"),
        ("event", {"value": "1"}, "value"),
        ("event", {"value": False}, "value"),
        ("event", {"text": "a" * 4097}, "text"),
        ("custom_event", {"data": {"k": "v"}}, "data"),
        ("custom_event", {"data": [["k", "v"], ["k"]]}, "data[1]"),
        ("custom_event", {"data": [["n", 1]]}, "data[0]"),
        ("custom_event", {"data": [["k", "a\0"]]}, "data[0]"),
        ("custom_event", {"data": [["k", "v" * 4095]]}, "data"),
        ("exception", {"message": "a" * 4097}, "message"),
        ("exception", {"stackTrace": "a" * 16_385}, "stackTrace"),
        ("exception", {"className": ""}, "className"),
        ("license", {"key": "a" * 257}, "key"),
        ("license", {"key": "a\nb"}, "key"),
        ("license", {"licenseType": "bought"}, "licenseType"),
        ("license", {"blocked": 1}, "blocked"),
        ("reachout_delivered", {"mode": "later"}, "mode"),
        ("reachout_delivered", {"campaignId": "41"}, "campaignId"),
        ("properties", {"set": []}, "set"),
        ("properties", {"set": {"ram": "8192"}}, "set.ram"),
        ("properties", {"set": {"ram": True}}, "set.ram"),
        ("properties", {"set": {"touchScreen": 1}}, "set.touchScreen"),
        ("properties", {"set": {"prodVersion": 3}}, "set.prodVersion"),
        ("properties", {"set": {"prodVersion": "a" * 257}}, "set.prodVersion"),
        ("properties", {"set": {"clientId": "x"}}, "set.clientId"),
        ("properties", {"set": {"machineId": "x"}}, "set.machineId"),
        ("properties", {"set": {"licenseKey": "x"}}, "set.licenseKey"),
        ("properties", {"set": {"geography.country": "DE"}}, "set.geography.country"),
        ("properties", {"set": {"dateInstalled": None}}, "set.dateInstalled"),
        ("properties", {"set": {"optOut.current": True}}, "set.optOut.current"),
    ],
)
def test_a_broken_rule_names_its_member(kind: str, members: dict[str, Any], field: str) -> None:
    assert refusal({**live(kind), **members}) == ("INVALID_FIELD", field)


@pytest.mark.parametrize("kind", ["client_day", "event_day", "sessions", 7, ["event"]])
def test_an_unknown_or_summed_type_is_refused_live(kind: object) -> None:
    assert refusal({**live("heartbeat"), "type": kind}) == ("INVALID_FIELD", "type")


def test_a_name_outside_the_catalogue_is_unknown() -> None:
    assert refusal(live("properties", set={"prodVersion": "3", "colour": "x"})) == ("UNKNOWN_PROPERTY", "set.colour")


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("2031-06-18T22:50:00Z", "2031-06-18T22:50:00.000Z"),
        ("2031-06-18t22:50:00.9z", "2031-06-18T22:50:00.900Z"),
        ("2031-06-18T22:50:00.1239999Z", "2031-06-18T22:50:00.123Z"),
        ("2031-06-19T01:20:00+02:30", "2031-06-18T22:50:00.000Z"),
        ("2031-06-18T22:50:00-00:00", "2031-06-18T22:50:00.000Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_kept_to_the_millisecond(at: str, kept: str) -> None:
    assert to_text(parse_moment(at, "at")) == kept


def test_used_time_is_shifted_and_never_after_received() -> None:
    shifted = to_row(live("heartbeat"), replace(LIVE, shift_ms=-3_600_000))
    ahead = to_row(live("heartbeat", at="2031-06-20T00:00:00Z"), LIVE)

    assert shifted["at_ms"] - shifted["used_ms"] == 3_600_000
    assert (ahead["used_ms"], ahead["day"]) == (RECEIVED_MS, "2031-06-19")


def test_the_age_limit_looks_at_the_used_time() -> None:
    edge = live("heartbeat", at="2030-05-15T12:00:00Z")

    assert to_row(edge, LIVE)["day"] == "2030-05-15"
    assert refusal(edge, replace(LIVE, shift_ms=-1)) == ("INVALID_FIELD", "at")


@pytest.mark.parametrize(
    ("given_seq", "kept"), [(1, 1), (2**62 - 1, 2**62 - 1), (Decimal("30.0"), 30), (Decimal("3e1"), 30)]
)
def test_an_integer_may_be_written_as_a_decimal(given_seq: object, kept: int) -> None:
    assert to_row(live("heartbeat", seq=given_seq), LIVE)["seq"] == kept


@pytest.mark.parametrize(
    ("category", "name", "kept"),
    [
        ("  Edit ", "Cr\top\n", ("Edit", "Crop")),
        ("<NULL>", "Magic Wand", ("", "Magic Wand")),
        (" \u00a0", "A\u2003B", ("", "AB")),
        (None, "a" * 128 + "  ", ("", "a" * 128)),
    ],
)
def test_names_are_cleaned(category: str | None, name: str, kept: tuple[str, str]) -> None:
    row = to_row(live("event", category=category, name=name), LIVE)

    assert (row["category"], row["name"]) == kept


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (Decimal("1.50"), "1.5"),
        (Decimal("-0.0"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1e-6"), "0.000001"),
        (Decimal("999999999999999.999999"), "999999999999999.999999"),
        (Decimal("1.5000000000"), "1.5"),
    ],
)
def test_a_value_is_plain_decimal_text(value: object, text: str) -> None:
    assert to_row(live("event", value=value), LIVE)["value"] == text


@given(st.integers(-(10**21) + 1, 10**21 - 1))
def test_a_value_of_six_decimals_is_kept_exactly(millionths: int) -> None:
    value = Decimal(millionths).scaleb(-6)

    kept = to_row(live("event", value=value), LIVE)["value"]

    assert kept is not None
    assert Decimal(kept) == value
    assert "E" not in kept


@pytest.mark.parametrize(("seconds", "ms"), [(0, 0), (Decimal("1.9999"), 1999), (2_592_000, 2_592_000_000), (None, -1)])
def test_runtime_is_kept_to_the_millisecond(seconds: object, ms: int) -> None:
    assert to_row(live("session_stop", runtimeSeconds=seconds), LIVE)["runtime_ms"] == ms


@pytest.mark.parametrize(
    ("given_set", "kept"),
    [
        ({"prodVersion": None, "C04": "", "vm": "<NULL>"}, {"prodVersion": "", "C04": "", "vm": ""}),
        (
            {"ram": 8192, "screenPpi": Decimal("96.50"), "cpuCores": None},
            {"ram": "8192", "screenPpi": "96.5", "cpuCores": ""},
        ),
        ({"touchScreen": True}, {"touchScreen": "1"}),
        ({"touchScreen": None}, {"touchScreen": ""}),
        ({"os.version": "Linux 6"}, {"os.platform": "Linux", "os.version": "Linux 6", "os.edition": ""}),
        ({"gpu.model": "X", "gpu.vendor": "Y"}, {"gpu.model": "X", "gpu.vendor": "Y"}),
        ({"licenseType": "nfr", "licenseStatus.allowed": False}, {"licenseType": "nfr", "licenseStatus.allowed": "0"}),
    ],
)
def test_a_set_becomes_text_and_clears(given_set: dict[str, Any], kept: dict[str, str]) -> None:
    assert to_row(live("properties", set=given_set), LIVE)["set"] == kept


def test_a_license_record_changes_only_what_it_names() -> None:
    row = to_row(live("license", key="K-1", licenseType=None, blocked=False, expired=None), LIVE)

    assert row["set"] == {
        "licenseKey": "K-1",
        "licenseType": "",
        "licenseStatus.blocked": "0",
        "licenseStatus.expired": "",
    }


def test_custom_pairs_keep_their_order_and_repeats() -> None:
    pairs = [["sku", "A|1"], ["sku", "B"], ["n", "2"]]

    assert json.loads(to_row(live("custom_event", data=pairs), LIVE)["data"]) == pairs
    assert to_row(live("custom_event", data=[["k", "v" * 4094]]), LIVE)["data"] != ""


def test_an_import_takes_old_records_without_seq_but_none_of_the_future() -> None:
    old = {**live("heartbeat", at="2000-01-01T00:00:00Z"), "seq": None}

    assert to_row(old, IMPORT)["hash"] != "0"
    assert refusal({**old, "at": "2031-06-19T12:00:00.001Z"}, IMPORT) == ("INVALID_FIELD", "at")
    assert refusal({**old, "at": "1999-12-31T23:59:59Z"}, IMPORT) == ("INVALID_FIELD", "at")


def test_a_client_day_sums_and_may_say_where() -> None:
    row = to_row(client_day(sessions=2, runtimeSeconds=Decimal("420.5"), set={"geography.country": "DE"}), IMPORT)
    bare = to_row(client_day(), IMPORT)

    place = {"geography.continent": "Europe", "geography.country": "DE", "geography.usState": ""}
    assert (row["sessions"], row["runtime_ms"], row["set"]) == (2, 420_500, place)
    assert (bare["sessions"], bare["runtime_ms"], bare["canonical"]) == (0, 0, "")
    assert bare["at_ms"] == bare["used_ms"] == parse_moment("2031-05-13T00:00:00Z", "at")


def test_an_event_day_counts_like_an_event() -> None:
    row = to_row(event_day(category="Canvas", count=6, value=Decimal("2.5")), IMPORT)

    assert (row["category"], row["name"], row["count"], row["value"]) == ("Canvas", "Rotate", 6, "2.5")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"day": "2031-06-20"}, "day"),
        ({"day": "1999-12-31"}, "day"),
        ({"day": "2031-02-29"}, "day"),
        ({"day": "NOW"}, "day"),
        ({"seq": 4}, "seq"),
        ({"sessions": -1}, "sessions"),
        ({"sessions": False}, "sessions"),
        ({"sessions": ""}, "sessions"),
        ({"runtimeSeconds": ""}, "runtimeSeconds"),
        ({"set": {"dateLastSeen": None}}, "set.dateLastSeen"),
    ],
)
def test_a_broken_rule_of_a_client_day_names_its_member(members: dict[str, Any], field: str) -> None:
    assert refusal(client_day(**members), IMPORT) == ("INVALID_FIELD", field)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("evnt", "'evnt' is not a record type. Did you mean event?"),
        ("client_day", "client_day sums up a day; only imports take it."),
        ("zzz", "'zzz' is not a record type."),
    ],
)
def test_a_type_that_there_is_not_is_told_with_the_nearest(kind: str, said: str) -> None:
    with pytest.raises(Problem) as refused:
        to_row(live("heartbeat") | {"type": kind}, LIVE)

    assert (refused.value.message, refused.value.field) == (said, "type")
