"""A small body cannot stand for much: values, levels and gzip members are bounded before anything is built."""

import gzip
import json
import tracemalloc
from collections.abc import Iterator

import pytest
import zstandard

from odometer.collect.compression import gunzip, unzstd
from odometer.collect.envelope import MAX_VALUES, ParsedBatch, ParseOptions, is_small, parse_batch
from odometer.collect.large_batches import LargeBatches
from odometer.errors import Problem
from odometer.model import strict_json
from tests.unit.collect.senders import CLIENT, RECEIVED_MS, live

GZIP = ParseOptions(content_encoding="gzip")
NDJSON = ParseOptions(content_type="application/x-ndjson")
HEAD = f'{{"clientId": "{CLIENT}", "records": [], "x": ['.encode()


def code_of(body: bytes, options: ParseOptions) -> str:
    with pytest.raises(Problem) as caught:
        parse_batch(body, options, RECEIVED_MS)
    return caught.value.code


def test_a_body_of_many_values_is_refused_before_they_are_built() -> None:
    bomb = gzip.compress(HEAD + b"[]," * 20_000_000 + b"[]]}")

    tracemalloc.start()
    try:
        assert code_of(bomb, GZIP) == "BODY_TOO_LARGE"
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def test_a_body_may_hold_so_many_values_and_no_more() -> None:
    assert parse_batch(HEAD + b"0," * (MAX_VALUES - 6) + b"0]}", ParseOptions(), RECEIVED_MS).rows == []
    assert code_of(HEAD + b"0," * MAX_VALUES + b"0]}", ParseOptions()) == "BODY_TOO_LARGE"


def test_a_line_of_many_values_is_refused_alone() -> None:
    wide = json.dumps({"clientId": CLIENT, **live("heartbeat", seq=2), "x": [0] * 30_000}).encode()
    good = json.dumps({"clientId": CLIENT, **live("heartbeat", seq=3)}).encode()

    parsed = parse_batch(wide + b"\n" + good, NDJSON, RECEIVED_MS)

    assert [(one.index, one.code) for one in parsed.refused] == [(0, "INVALID_FIELD")]
    assert [row["seq"] for row in parsed.rows] == [3]


def test_the_largest_record_that_the_definitions_allow_is_taken() -> None:
    pairs = [["", ""]] * 2_048
    record = {"clientId": CLIENT, **live("custom_event", name="Buy", data=pairs)}

    assert len(parse_batch(json.dumps(record).encode(), NDJSON, RECEIVED_MS).rows) == 1


@pytest.mark.parametrize("levels", [64, 65, 100_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_has_so_many_levels_and_no_more(levels: int, start: bytes, end: bytes) -> None:
    body = start * levels + b"0" + end * levels

    if levels <= strict_json.MAX_DEPTH:
        strict_json.decode(body)
    else:
        with pytest.raises(Problem, match="nested too deeply"):
            strict_json.decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "' + b"[" * 200 + b'"}',
        b'{"a": "' + b'\\"[' * 200 + b'"}',
        b'{"a": "' + b"\\\\" * 200 + b'", "b": [' + b"[]," * 200 + b"[]]}",
    ],
)
def test_brackets_within_texts_are_no_levels(body: bytes) -> None:
    assert strict_json.parse(body) == json.loads(body)


def test_gzip_members_cost_no_more_than_their_bytes() -> None:
    """What stands behind a member was copied for every member: 2 MiB took 4.7 seconds, 4 MiB four times that."""
    fed: list[int] = []

    def blocks() -> Iterator[bytes]:
        member = gzip.compress(b"", mtime=0)
        for _ in range(8):
            fed.append(1)
            yield member * 10_000

    assert b"".join(gunzip(blocks())) == b""
    assert len(fed) == 8


def test_gunzip_copies_little_for_each_member(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib  # noqa: PLC0415 - replaced within this test only

    copied = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._inner = real(wbits)

        def decompress(self, block: bytes, most: int) -> bytes:
            nonlocal copied
            copied += len(block)
            return self._inner.decompress(block, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    data = gzip.compress(b"", mtime=0) * 50_000

    assert b"".join(gunzip([data])) == b""
    assert copied < 200 * len(data)


def test_a_sender_may_put_together_so_many_gzip_members() -> None:
    body = json.dumps({"clientId": CLIENT, "records": []}).encode()
    few = gzip.compress(b"", mtime=0) * 999 + gzip.compress(body, mtime=0)

    assert parse_batch(few, GZIP, RECEIVED_MS).rows == []
    assert code_of(gzip.compress(b"", mtime=0) + few, GZIP) == "MALFORMED_JSON"


def test_small_bodies_are_told_from_those_that_another_process_reads() -> None:
    assert is_small(b" " * (64 << 10), ParseOptions())
    assert not is_small(b" " * ((64 << 10) + 1), ParseOptions())
    assert is_small(b"0\n" * 500, NDJSON)
    assert not is_small(b"0\n" * 501, NDJSON)
    assert not is_small(b"0," * 10_000, ParseOptions())
    assert not is_small(gzip.compress(b" " * (1 << 20)), GZIP)
    assert is_small(b"broken", GZIP)


@pytest.fixture(scope="module")
def large() -> Iterator[LargeBatches]:
    batches = LargeBatches(None)
    yield batches
    batches.close()


def outcome(parse: object, body: bytes, options: ParseOptions) -> tuple[object, ...]:
    assert callable(parse)
    try:
        parsed: ParsedBatch = parse(body, options, RECEIVED_MS)
    except Problem as problem:
        return (problem.code, problem.field, problem.message, problem.retry_after_s)
    return (parsed.rows, parsed.positions, parsed.refused, parsed.batch_id, parsed.sender)


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (
            b"\n".join(json.dumps({"clientId": CLIENT, **live("heartbeat", seq=n)}).encode() for n in range(1, 99)),
            NDJSON,
        ),
        (json.dumps({"clientId": CLIENT, "records": [live("heartbeat"), 7]}).encode(), ParseOptions()),
        (b'{"records": []}', ParseOptions()),
        (HEAD + b"0," * MAX_VALUES + b"0]}", ParseOptions()),
    ],
)
def test_another_process_reads_what_this_one_would(large: LargeBatches, body: bytes, options: ParseOptions) -> None:
    assert outcome(large.parse, body, options) == outcome(parse_batch, body, options)


def test_a_process_that_dies_is_followed_by_another(large: LargeBatches) -> None:
    import multiprocessing  # noqa: PLC0415 - used here only

    body = json.dumps({"clientId": CLIENT, "records": [live("heartbeat")]}).encode()
    assert len(large.parse(body, ParseOptions(), RECEIVED_MS).rows) == 1
    for process in multiprocessing.active_children():
        process.kill()
        process.join()

    assert len(large.parse(body, ParseOptions(), RECEIVED_MS).rows) == 1


def test_zstandard_frames_cost_no_more_than_their_bytes() -> None:
    """Frames that hold nothing are nine bytes each; what stands behind one is copied, so it must be little."""
    frame = zstandard.ZstdCompressor().compress(b"")

    assert b"".join(unzstd([frame * 100_000])) == b""
