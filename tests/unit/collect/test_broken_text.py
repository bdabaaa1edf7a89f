"""One record's broken text costs that record, not its batch (chapter 09)."""

import json

from odometer.collect.envelope import ParseOptions, parse_batch

NOON_MS = 1_937_736_000_000  # 2031-05-28T12:00:00Z


def test_half_a_surrogate_pair_refuses_its_record_only() -> None:
    """A text cut in the middle of an emoji, and a long run of digits in a text, leave the others alone."""
    event = {"type": "event", "at": "2031-05-20T10:00:00Z", "name": "Crop"}
    records = [{**event, "seq": 1}, {**event, "seq": 2, "text": "\ud83d"}, {**event, "seq": 3, "text": "7" * 500}]
    body = json.dumps({"clientId": "client-01", "records": records}).encode()

    parsed = parse_batch(body, ParseOptions(), NOON_MS)

    assert parsed.positions == [0, 2]
    assert [(refused.index, refused.seq, refused.code) for refused in parsed.refused] == [(1, 2, "MALFORMED_JSON")]
