"""A live body: what fails as a whole, what is refused alone, and which clock and address hold (contract 09)."""

import gzip
import json
from typing import Any

import pytest

from odometer.collect.envelope import ParsedBatch, ParseOptions, parse_batch
from odometer.errors import Problem
from tests.unit.collect.senders import CLIENT, RECEIVED_MS, live

NDJSON = ParseOptions(content_type="application/x-ndjson")


def envelope(*records: Any, **members: Any) -> bytes:
    return json.dumps({"clientId": CLIENT, "records": list(records), **members}).encode()


def lines(*records: Any) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def parse(body: bytes, options: ParseOptions | None = None) -> ParsedBatch:
    return parse_batch(body, options or ParseOptions(), RECEIVED_MS)


def refusal(body: bytes, options: ParseOptions | None = None) -> tuple[str, str | None]:
    with pytest.raises(Problem) as caught:
        parse(body, options)
    return caught.value.code, caught.value.field


def test_one_bad_record_never_fails_the_batch() -> None:
    batch = parse(envelope(live("heartbeat"), live("event", seq=42, at="x"), 7, live("opt_in", seq=43), batchId="b-1"))

    assert (batch.batch_id, batch.positions, [row["seq"] for row in batch.rows]) == ("b-1", [0, 3], [41, 43])
    assert [(item.index, item.key, item.code, item.field) for item in batch.refused] == [
        (1, (CLIENT, 42), "INVALID_FIELD", "at"),
        (2, None, "INVALID_FIELD", None),
    ]
    assert list(batch.refused[0].as_dict()) == ["index", "seq", "code", "field", "message"]


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "MALFORMED_JSON", None),
        (b"[]", "INVALID_FIELD", None),
        (b'{"clientId": "7F3C09A1", "clientId": "7F3C09A1", "records": []}', "MALFORMED_JSON", None),
        (b'{"records": []}', "MISSING_FIELD", "clientId"),
        (b'{"clientId": "7F3C09A1"}', "MISSING_FIELD", "records"),
        (envelope(clientId="short"), "INVALID_FIELD", "clientId"),
        (envelope(clientId="7F3C09A1\n"), "INVALID_FIELD", "clientId"),
        (envelope(machineId=7), "INVALID_FIELD", "machineId"),
        (envelope(machineId="m" * 257), "INVALID_FIELD", "machineId"),
        (envelope(sentAt="today"), "INVALID_FIELD", "sentAt"),
        (envelope(batchId=7), "INVALID_FIELD", "batchId"),
        (envelope(records={}), "INVALID_FIELD", "records"),
        (envelope(*[None] * 5001), "BODY_TOO_LARGE", None),
        (b" " * (8 * 1024**2 + 1), "BODY_TOO_LARGE", None),
    ],
)
def test_a_malformed_envelope_fails_as_a_whole(body: bytes, code: str, field: str | None) -> None:
    assert refusal(body) == (code, field)


def test_a_bad_line_is_refused_alone() -> None:
    good = {"clientId": CLIENT, **live("heartbeat")}
    body = lines({**good, "clientId": "x"}, good) + b"\n{oops\n\n\xff\n" + lines({**good, "seq": 42, "sentAt": "x"})

    batch = parse(body, NDJSON)

    assert batch.positions == [1]
    assert [(item.index, item.key, item.code, item.field) for item in batch.refused] == [
        (0, None, "INVALID_FIELD", "clientId"),
        (2, None, "MALFORMED_JSON", None),
        (4, None, "MALFORMED_JSON", None),
        (5, (CLIENT, 42), "INVALID_FIELD", "sentAt"),
    ]


def test_lines_are_limited_like_records() -> None:
    assert parse(b"\n" * 5000, NDJSON).rows == []
    assert refusal(b"\n" * 5000 + b"{}", NDJSON) == ("BODY_TOO_LARGE", None)


@pytest.mark.parametrize(
    ("sent_at", "shift_ms"),
    [
        (None, 0),
        ("2031-06-19T11:00:00Z", 0),
        ("2031-06-19T12:05:00Z", 0),
        ("2031-06-19T12:05:00.001Z", -300_001),
        ("2031-06-19T14:00:00+01:00", -3_600_000),
    ],
)
def test_a_clock_that_runs_ahead_shifts_every_record(sent_at: str | None, shift_ms: int) -> None:
    record = live("heartbeat")
    [by_envelope] = parse(envelope(record, sentAt=sent_at)).rows
    [by_line] = parse(lines({"clientId": CLIENT, "sentAt": sent_at, **record}), NDJSON).rows

    assert by_envelope["used_ms"] - by_envelope["at_ms"] == shift_ms
    assert by_line == by_envelope


@pytest.mark.parametrize(
    ("may_set_ip", "ip", "country"),
    [(False, "192.0.2.9", "DE"), (True, "192.0.2.9", "FR"), (True, None, "DE"), (False, "nonsense", "DE")],
)
def test_only_a_relay_names_the_address(*, may_set_ip: bool, ip: str | None, country: str) -> None:
    countries = {"198.51.100.1": ("EU", "DE", ""), "192.0.2.9": ("EU", "FR", "")}
    options = ParseOptions(
        content_type="application/x-ndjson",
        address="198.51.100.1",
        locate=lambda address: countries[address],
        may_set_ip=may_set_ip,
    )
    [row] = parse(lines({"clientId": CLIENT, "ip": ip, **live("heartbeat")}), options).rows

    assert (row["continent"], row["country"]) == ("EU", country)
    assert "192.0.2.9" not in repr(row)


def test_a_relay_line_with_a_bad_address_is_refused() -> None:
    options = ParseOptions(content_type="application/x-ndjson", may_set_ip=True)

    [refused] = parse(lines({"clientId": CLIENT, "ip": "nonsense", **live("heartbeat")}), options).refused

    assert refused.field == "ip"


def test_gzip_may_have_several_members_but_no_bomb() -> None:
    body = envelope(live("heartbeat"))
    options = ParseOptions(content_type="application/json; charset=utf-8", content_encoding="gzip")

    assert len(parse(gzip.compress(body[:9]) + gzip.compress(body[9:]) + b"\0" * 8, options).rows) == 1
    assert refusal(gzip.compress(bytes(65 * 1024**2)), options) == ("BODY_TOO_LARGE", None)


# Without the time of day: every process that runs tests must collect the same ones.
WHOLE = gzip.compress(envelope(), mtime=0)


@pytest.mark.parametrize("damage", [b"no gzip", WHOLE[:-1], WHOLE + b"x", b""])
def test_broken_gzip_is_a_malformed_body(damage: bytes) -> None:
    assert refusal(damage, ParseOptions(content_encoding="gzip")) == ("MALFORMED_JSON", None)


@pytest.mark.parametrize("options", [ParseOptions(content_type="text/csv"), ParseOptions(content_encoding="br")])
def test_other_types_and_encodings_are_not_taken(options: ParseOptions) -> None:
    assert refusal(envelope(), options) == ("UNSUPPORTED_MEDIA_TYPE", None)


@pytest.mark.parametrize("machine", [None, "", "<NULL>"])
def test_a_machine_id_may_say_nothing(machine: str | None) -> None:
    assert parse(envelope(live("heartbeat"), machineId=machine)).rows[0]["machine"] == ""
