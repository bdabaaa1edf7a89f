"""The canonical form is the identity of a record without seq: spelling does not change it, content does."""

import json
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.collect.canonical import canonical_form
from odometer.collect.line_json import parse_line
from odometer.collect.records import to_row
from odometer.errors import Problem
from odometer.model import strict_json
from tests.unit.collect.senders import IMPORT, client_day, event_day, live

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


def hash_of(record: dict[str, Any]) -> str:
    return to_row({**record, "seq": None}, IMPORT)["hash"]


def test_the_form_is_written_out_here() -> None:
    row = to_row(
        client_day(sessions=1, runtimeSeconds=Decimal("420.50"), set={"C04": None, "prodVersion": "é"}), IMPORT
    )
    text = (
        '{"clientId":"7F3C09A1BB42D6E8","day":"2031-05-13","machineId":null,"runtimeSeconds":420.5,"sessions":1,'
        '"set":{"C04":"","prodVersion":"é"},"type":"client_day"}'
    )

    assert row["canonical"] == text
    assert row["hash"] == str(int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big"))


@given(TEXTS)
def test_the_form_escapes_as_the_json_module_does(text: str) -> None:
    row = to_row({**live("event", text=text, value=Decimal("2.5")), "seq": None}, IMPORT)
    form = json.loads(canonical_form(row))

    assert canonical_form(row) == json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (live("event"), live("event", category=None, count=1, value=None, text=None, sessionId=None)),
        (live("event", value=2), live("event", value=Decimal("2.000"))),
        (live("event", name="Crop"), live("event", name=" Cr\top ", category="<NULL>")),
        (live("opt_out"), live("opt_out", at="2031-06-19T00:50:00.0004+02:00")),
        (live("properties", set={"os.version": "1"}), live("properties", set={"os.version": "1", "os.platform": None})),
        (client_day(), client_day(sessions=0, runtimeSeconds=0, set={})),
        (event_day(), event_day(count=1, unknown="x")),
    ],
)
def test_defaults_and_spelling_do_not_change_the_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert hash_of(one) == hash_of(other)


@given(st.permutations(list(live("event", value=3, text="x").items())), st.sampled_from([None, 0, 1, 4]))
def test_key_order_and_spacing_do_not_change_the_hash(items: list[tuple[str, Any]], indent: int | None) -> None:
    written = json.dumps(dict(items), indent=indent).encode()

    assert hash_of(parse_line(written)) == hash_of(live("event", value=3, text="x"))


SETS = st.dictionaries(st.sampled_from(["C01", "C02"]), st.sampled_from("ab"))
EVENT_DAYS = st.builds(
    event_day,
    category=st.sampled_from(["A", "B"]),
    name=st.sampled_from(["x", "y"]),
    count=st.integers(1, 3),
    value=st.none() | st.integers(0, 2),
)
RECORDS = EVENT_DAYS | st.builds(client_day, sessions=st.integers(0, 2), set=SETS)


@given(RECORDS, RECORDS)
def test_records_differ_exactly_when_their_hashes_do(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (one == other) == (hash_of(one) == hash_of(other))


@pytest.mark.parametrize(
    ("record", "decides"),
    [
        (live("event"), False),
        (live("heartbeat"), False),
        (live("session_stop"), True),
        (live("opt_in"), True),
        (live("license", blocked=True), True),
        (live("properties", set={}), False),
        (event_day(), False),
    ],
)
def test_only_what_can_decide_a_last_value_keeps_its_form(record: dict[str, Any], *, decides: bool) -> None:
    assert bool(to_row({**record, "seq": None}, IMPORT)["canonical"]) == decides


NUMBERS = st.integers(-(2**70), 2**70) | st.decimals(allow_nan=False, allow_infinity=False, places=4)
JSON_TEXT = st.dictionaries(TEXTS, TEXTS | NUMBERS.map(str) | st.booleans() | st.none(), max_size=4)


def outcome(parse: Any, text: bytes) -> tuple[str, Any]:
    try:
        return "value", parse(text)
    except Problem as problem:
        return "refused", problem.code


@given(flat=JSON_TEXT, number=NUMBERS, doubled=st.booleans())
def test_the_fast_parser_reads_what_the_strict_one_reads(
    flat: dict[str, Any], number: object, *, doubled: bool
) -> None:
    text = json.dumps({"set": flat, **flat}, ensure_ascii=False)[:-1] + f', "value": {number}'
    text += ', "value": 1}' if doubled else "}"

    assert outcome(parse_line, text.encode()) == outcome(strict_json.parse, text.encode())


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 2}}', b'{"a:": 1, "a:": 2}', b'{"a": 0.10000000000000000001}',
        b'{"a": 1e400}', b'{"a": 1e-7}', b'{"a": NaN}', b'{"a": "\\u003a", "b": 1, "b": 2}', b'{"a": [0.1, 1.0]}',
        b'{"a": 123456789012345678901234567890}', b"{", b"\xff", b"[]", b'{"a": "\\ud800"}',
        b'{"a": 1e9999999999999999999}', b"[" * 5000,
    ],
)  # fmt: skip
def test_the_fast_parser_is_no_laxer(text: bytes) -> None:
    assert outcome(parse_line, text) == outcome(strict_json.parse, text)
