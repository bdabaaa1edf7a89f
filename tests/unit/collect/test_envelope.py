"""A live body: what fails as a whole, what is refused alone, and which clock and address hold (chapter 09)."""

import gzip
import json
from dataclasses import replace
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
        # 400 days before received are a relay that held its batches; a millisecond more is a clock that was never set.
        ("2030-05-15T12:00:00Z", 0),
    ],
)
def test_a_clock_that_runs_ahead_shifts_every_record(sent_at: str | None, shift_ms: int) -> None:
    record = live("heartbeat")
    [by_envelope] = parse(envelope(record, sentAt=sent_at)).rows
    [by_line] = parse(lines({"clientId": CLIENT, "sentAt": sent_at, **record}), NDJSON).rows

    assert by_envelope["used_ms"] - by_envelope["at_ms"] == shift_ms
    assert by_line == by_envelope


@pytest.mark.parametrize(
    ("sent_at", "at", "used"),
    [
        ("2030-05-15T11:59:59.999Z", "2030-05-14T11:59:59.999Z", "2031-06-18"),
        ("2010-01-01T00:10:00Z", "2010-01-01T00:05:00Z", "2031-06-19"),
        ("2000-01-02T12:00:00Z", "2000-01-01T12:00:00Z", "2031-06-18"),
        ("1970-01-03T12:00:00Z", "1970-01-01T12:00:00Z", "2031-06-17"),
        ("1904-01-03T12:00:00Z", "1904-01-01T12:00:00Z", "2031-06-17"),
        # What the machine noted before it lost its battery cannot lie after received.
        ("1970-01-03T12:00:00Z", "2031-06-01T12:00:00Z", "2031-06-19"),
    ],
)
def test_a_clock_that_is_years_behind_shifts_every_record(sent_at: str, at: str, used: str) -> None:
    """A dead battery: without the shift the machine would never count."""
    record = live("heartbeat", at=at)
    batch = parse(envelope(record, record, sentAt=sent_at))
    by_line = parse(
        lines(*[{"clientId": CLIENT, "sentAt": sent_at, **record}] * 2, {"clientId": CLIENT, **record}), NDJSON
    )

    assert [row["day"] for row in batch.rows] == [used, used]
    assert by_line.rows[:2] == batch.rows
    assert (batch.corrected, by_line.corrected) == (1, 2)
    assert parse(envelope(record)).corrected == 0


def test_shifted_or_not_the_age_limit_holds_for_the_used_time() -> None:
    old = live("heartbeat", at="1999-12-31T23:59:59Z")
    far = live("heartbeat", at="1899-12-31T23:59:59Z")

    assert [item.field for item in parse(envelope(old, far)).refused] == ["at", "at"]
    # 401 days before the batch was sent, whatever year its clock thinks it is.
    assert [item.index for item in parse(envelope(old, far, sentAt="2001-02-04T12:00:00Z")).refused] == [0, 1]


@pytest.mark.parametrize("options", [ParseOptions(), NDJSON])
def test_a_byte_order_mark_costs_nothing(options: ParseOptions) -> None:
    record = live("heartbeat")
    body = envelope(record) if options is not NDJSON else lines({"clientId": CLIENT, **record})

    packed = replace(options, content_encoding="gzip")
    for found in (parse(b"\xef\xbb\xbf" + body, options), parse(gzip.compress(b"\xef\xbb\xbf" + body), packed)):
        assert (found.rows, found.refused) == (parse(body, options).rows, [])


BINARY = {
    "gzip": gzip.compress(lines({"clientId": CLIENT, **live("heartbeat")})),
    "zstd": b"\x28\xb5\x2f\xfd" + b"x" * 20,
    "zstd with a frame to skip": b"\x50\x2a\x4d\x18\0\0\0\0",
    "UTF-16": lines({"clientId": CLIENT, **live("heartbeat")}).decode().encode("utf-16"),
    "zip": b"PK\x03\x04" + b"\0" * 30,
    "PNG": b"\x89PNG\r\n\x1a\n",
    "unknown": bytes(range(128, 256)) * 40,
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("options", [ParseOptions(), NDJSON])
def test_binary_data_is_refused_as_a_whole_so_that_its_sender_keeps_it(name: str, options: ParseOptions) -> None:
    assert refusal(BINARY[name], options) == ("MALFORMED_JSON", None)


def test_gzip_without_its_header_says_which_one_is_missing() -> None:
    with pytest.raises(Problem, match=r"gzip data, not like JSON\. Send Content-Encoding: gzip"):
        parse(BINARY["gzip"], NDJSON)


def test_members_that_nothing_reads_are_told() -> None:
    """Misspelt, misplaced, and the right ones beside them; on a line and in an envelope; of a refused record none."""
    event = live("event", catgory="Edit", prodVersion="3.2")
    stop = live("session_stop", seq=42, runTimeSeconds=7)
    nameless = {**live("event", seq=43), "nmae": "Crop"}
    del nameless["name"]

    batch = parse(envelope(event, stop, nameless, 7, {"type": "nothing", "x": 1}, sdk="x/1", batchID="b", sentAt=None))
    by_line = parse(lines({"clientId": CLIENT, "sdk": "x/1", "ip": "192.0.2.9", **event}), NDJSON)

    assert batch.ignored.counts == {"batchID": 1, "catgory": 1, "prodVersion": 1, "runTimeSeconds": 1}
    assert parse(lines({"clientId": CLIENT, **nameless}), NDJSON).ignored.counts == {}
    assert by_line.ignored.counts == {"ip": 1, "catgory": 1, "prodVersion": 1}
    assert len(batch.rows) == 2


def test_at_most_twenty_names_of_64_signs_are_told() -> None:
    record = live("heartbeat", **{f"{n:02}" + "x" * 5000: n for n in range(50)})

    counts = parse(envelope(record)).ignored.counts

    assert (len(counts), {len(name) for name in counts}) == (20, {64})


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


@pytest.mark.parametrize(
    "broken", [b"MZ and more", b"ORC", b'", "name": "caf\xe9"}', b"\x00\x01\x02\x03", b"PK\x03\x05"]
)
def test_a_broken_first_line_costs_only_itself(broken: bytes) -> None:
    """A relay whose first line was broken got 400 for the whole batch, for ever."""
    good = json.dumps({"clientId": CLIENT, **live("heartbeat")}).encode()

    batch = parse(broken + b"\n" + good, NDJSON)

    assert [one.index for one in batch.refused] == [0]
    assert batch.positions == [1]


@pytest.mark.parametrize("options", [ParseOptions(content_type="text/csv"), ParseOptions(content_encoding="br")])
def test_other_types_and_encodings_are_not_taken(options: ParseOptions) -> None:
    assert refusal(envelope(), options) == ("UNSUPPORTED_MEDIA_TYPE", None)


@pytest.mark.parametrize("machine", [None, "", "<NULL>"])
def test_a_machine_id_may_say_nothing(machine: str | None) -> None:
    assert parse(envelope(live("heartbeat"), machineId=machine)).rows[0]["machine"] == ""
