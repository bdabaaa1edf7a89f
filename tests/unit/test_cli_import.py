"""`odometer import`: no file is ever lost, no misspelt member passes in silence, a wrong file is told as such."""

import contextlib
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odometer.settings import Settings
from odometer.store.analytics import Analytics
from tests.conftest import Store
from tests.unit.test_cli_admin import Commands

GOOD: dict[str, Any] = {"clientId": "client-01", "type": "client_day", "day": "2031-05-13", "sessions": 3}
BAD = b"oops\n"


@pytest.fixture
def commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Store
) -> Commands:
    """On the store that all tests share: a process can open one."""

    @contextlib.contextmanager
    def analytics_of(_settings: Settings) -> Iterator[Analytics]:
        yield Analytics(engine=store.engine, gate=store.gate, derivation=store.derivation)

    monkeypatch.setattr("odometer.cli.imports.analytics_of", analytics_of)
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ODOMETER_TODAY", "2031-06-20")
    monkeypatch.chdir(tmp_path)
    return Commands(capsys, monkeypatch)


@pytest.fixture
def product(commands: Commands, store: Store) -> str:
    found = str(store.new_product())
    commands.run("product", "add", "Facet", "--id", found)
    return found


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


def made(name: str, content: bytes) -> str:
    Path(name).write_bytes(content)
    return name


def days(store: Store, product: str) -> list[tuple[Any, ...]]:
    sql = """SELECT client, toString(day), sessions FROM odometer.client_day WHERE product = {p:UInt64}
        GROUP BY client, day, sessions HAVING sum(sign) > 0 ORDER BY ALL"""
    return store.engine.rows(sql, {"p": int(product)})


def stored(store: Store, product: str) -> int:
    count: int = store.engine.rows(
        "SELECT count() FROM odometer.records WHERE product = {p:UInt64}", {"p": int(product)}
    )[0][0]
    return count


def test_mended_rejects_are_imported_and_stay(commands: Commands, product: str, store: Store) -> None:
    """The obvious next step after mending: the file that was the default target is now the input."""
    found = commands.json("import", made("a.ndjson", lines(GOOD) + BAD), "--product", product)
    assert found["rejectedFile"] == "rejected-lines.ndjson"
    entry = json.loads(Path("rejected-lines.ndjson").read_bytes())
    mended = lines({**entry, "raw": json.dumps({**GOOD, "day": "2031-05-14"})}, {**GOOD, "day": "2031-05-15"})
    Path("rejected-lines.ndjson").write_bytes(mended + lines({**entry, "line": 3}))

    found = commands.json("import", "rejected-lines.ndjson", "--product", product)

    assert (found["accepted"], found["rejected"]) == (2, {"MALFORMED_JSON": 1})
    assert found["rejectedFile"] == "rejected-lines-2.ndjson"
    assert Path("rejected-lines.ndjson").read_bytes().startswith(mended)
    assert [day for _, day, _ in days(store, product)] == ["2031-05-13", "2031-05-14", "2031-05-15"]


@pytest.mark.parametrize("given", ["link", "./a.ndjson", "hard"])
def test_an_input_is_no_place_for_rejected_lines(commands: Commands, product: str, store: Store, given: str) -> None:
    made("a.ndjson", lines(GOOD) + BAD)
    Path("link").symlink_to("a.ndjson")
    Path("hard").hardlink_to("a.ndjson")

    said = commands.run("import", "a.ndjson", "--product", product, "--rejected", given, expect=1)

    assert f"--rejected: {Path(given)} is one of the files to import; name another file." in said
    assert Path("a.ndjson").read_bytes() == lines(GOOD) + BAD
    assert stored(store, product) == 0


@pytest.mark.parametrize(
    ("content", "bad"),
    [(b"precious\n", b""), (b"precious\n", BAD), (b"", BAD), (b'{"code": 1}\n', BAD), (lines(GOOD), BAD)],
)
def test_a_file_that_no_import_wrote_is_never_overwritten(
    commands: Commands, product: str, store: Store, content: bytes, bad: bytes
) -> None:
    """Whether anything is rejected or not; under the default name another one is taken."""
    made("a.ndjson", lines(GOOD) + bad)
    made("precious.txt", content)
    made("rejected-lines.ndjson", content)

    said = commands.run("import", "a.ndjson", "--product", product, "--rejected", "precious.txt", expect=1)
    assert "precious.txt exists and is no file of rejected lines" in said
    assert stored(store, product) == 0
    found = commands.json("import", "a.ndjson", "--product", product)

    assert found["rejectedFile"] == ("rejected-lines-2.ndjson" if bad else None)
    assert Path("precious.txt").read_bytes() == Path("rejected-lines.ndjson").read_bytes() == content


@pytest.mark.parametrize("path", ["missing/rejected", "folder", "/dev/null", "dangling"])
def test_no_other_place_is_taken_for_rejected_lines(commands: Commands, product: str, path: str) -> None:
    Path("folder").mkdir()
    Path("dangling").symlink_to("nowhere")
    made("a.ndjson", BAD + lines(GOOD))

    assert "--rejected: " in commands.run("import", "a.ndjson", "--product", product, "--rejected", path, expect=1)


def test_rejects_of_an_earlier_import_are_kept_and_do_not_look_like_those_of_this_one(
    commands: Commands, product: str
) -> None:
    commands.json("import", made("a.ndjson", lines(GOOD) + BAD), "--product", product)
    before = Path("rejected-lines.ndjson").read_bytes()

    clean = commands.json("import", made("b.ndjson", lines(GOOD)), "--product", product)

    assert clean["rejectedFile"] is None
    assert not Path("rejected-lines.ndjson").exists()
    assert Path(clean["earlierRejectedFile"]).read_bytes() == before
    assert sorted(one.name for one in Path().glob(".rejected*")) == []


def test_misspelt_and_misplaced_members_are_told(commands: Commands, product: str, store: Store) -> None:
    records = [
        {**GOOD, "day": "2031-02-30", "sesions": 9, "of-a-refused-record": 1},
        {**GOOD, "sesions": 3, "prodVersion": "3.1"},
        {**GOOD, "day": "2031-05-14", "sesions": 4},
        {"clientId": "client-01", "type": "event_day", "day": "2031-05-14", "name": "Crop", "catgory": "Edit"},
    ]
    found = commands.json("import", made("a.ndjson", lines(*records)), "--product", product)
    said = commands.run("import", "a.ndjson", "--product", product)

    assert (found["accepted"], found["rejected"]) == (3, {"INVALID_FIELD": 1})
    assert found["ignored"] == {
        "prodVersion": {"records": 1, "nearest": "prodVersion in set", "first": "a.ndjson:2"},
        "sesions": {"records": 2, "nearest": "sessions", "first": "a.ndjson:2"},
        "catgory": {"records": 1, "nearest": "category", "first": "a.ndjson:4"},
    }
    assert "sesions was ignored in 2 records, the nearest is sessions (first: a.ndjson:2)" in said
    assert stored(store, product) == 3


def test_columns_of_parquet_that_nothing_reads_are_told(commands: Commands, product: str) -> None:
    table = pa.table(
        {
            "clientId": ["client-01"] * 3,
            "type": ["client_day"] * 3,
            "day": ["2031-05-13", "2031-05-14", "2031-05-15"],
            "prodVersion": ["3.1", None, "3.2"],
            "sesions": [1, 2, 3],
            "blob": [b"x", None, None],
            "receivedAt": ["x", "y", "z"],
            "empty": pa.nulls(3),
        }
    )
    pq.write_table(table, "a.parquet")

    strict = commands.json("import", "a.parquet", "--product", product, "--strict", expect=2)
    found = commands.json("import", "a.parquet", "--product", product)

    assert (found["accepted"], {name: one["records"] for name, one in found["ignored"].items()}) == (
        3,
        {"blob": 1, "prodVersion": 2, "sesions": 3},
    )
    assert (strict["accepted"], strict["rejected"]) == (0, {"INVALID_FIELD": 3})


def test_strict_refuses_records_with_members_that_nothing_reads(commands: Commands, product: str, store: Store) -> None:
    content = lines({**GOOD, "sesions": 3}, GOOD)

    found = commands.json("import", made("a.ndjson", content), "--product", product, "--strict")

    assert (found["accepted"], found["rejected"]) == (1, {"INVALID_FIELD": 1})
    (fault,) = found["faults"]
    assert (fault["field"], fault["count"], fault["first"]) == ("sesions", 1, "a.ndjson:1")
    (told,) = map(json.loads, Path("rejected-lines.ndjson").read_bytes().splitlines())
    assert told["message"] == "sesions is no member of client_day; the nearest is sessions."
    assert stored(store, product) == 1


def test_a_dry_run_tells_what_an_import_would_do_and_stores_nothing(
    commands: Commands, product: str, store: Store
) -> None:
    """Duplicates in the file and in the store, conflicts, opt-outs, faults: the same figures as the import after it."""
    commands.json("import", made("before.ndjson", lines(GOOD)), "--product", product)
    event = {"clientId": "client-02", "type": "event", "name": "Crop", "at": "2031-05-14T10:00:00Z"}
    records = [
        *(GOOD, {**GOOD, "day": "2031-05-14"}, {**GOOD, "day": "2031-05-14"}, {**event, "seq": 1}),
        *({**event, "seq": 1, "name": "Blur"}, {**event, "seq": 9}),
        {"clientId": "client-02", "type": "opt_out", "at": "2031-05-14T09:00:00Z", "seq": 5},
    ]
    made("a.ndjson", lines(*records) + BAD)

    tried = commands.json("import", "a.ndjson", "--product", product, "--dry-run")
    again = commands.json("import", "a.ndjson", "--product", product, "--dry-run")
    assert (stored(store, product), len(days(store, product))) == (1, 1)
    assert not Path("rejected-lines.ndjson").exists()
    done = commands.json("import", "a.ndjson", "--product", product)

    assert tried == again
    assert tried.pop("dryRun") is True
    assert {**done, "rejectedFile": None} == tried
    assert (done["accepted"], done["duplicates"], done["conflicts"]) == (3, 3, 1)
    assert done["rejected"] == {"MALFORMED_JSON": 1, "OPTED_OUT": 1}
    assert store.engine.rows("EXISTS TABLE odometer.trial") == [(0,)]


@pytest.mark.parametrize(
    "content", [b"a;b;c\n" * 200_000, gzip.compress(b"a,b\n" * 9, mtime=0), b"\x89PNG\r\n\x1a\n\0", b"[]"]
)
def test_a_wrong_file_is_refused_before_anything_changes(
    commands: Commands, product: str, store: Store, content: bytes
) -> None:
    made("good.ndjson", lines(GOOD))

    said = commands.run("import", "good.ndjson", made("wrong", content), "--product", product, expect=2)

    assert "wrong looks like " in said
    assert "Nothing was changed." in said
    assert stored(store, product) == 0
    assert not list(Path().glob("*rejected*"))


def test_an_import_stops_after_a_thousand_lines_of_which_none_is_a_record(
    commands: Commands, product: str, store: Store
) -> None:
    """What cannot be told by its first bytes: pretty-printed JSON. Files before it are kept."""
    pretty = json.dumps([GOOD] * 40_000, indent=1)[2:].encode()

    found = commands.json(
        "import", made("good.ndjson", lines(GOOD)), made("pretty.json", pretty), "--product", product, expect=2
    )

    assert found["stopped"].startswith("pretty.json: none of its first ")
    assert (found["accepted"], found["rejected"]) == (1, {"MALFORMED_JSON": 1000})
    assert len(Path("rejected-lines.ndjson").read_bytes().splitlines()) == 1000
    assert len(days(store, product)) == 1


def test_faults_have_code_member_and_first_line(commands: Commands, product: str) -> None:
    bad = [{**GOOD, "day": "2031-02-30"}, {**GOOD, "sessions": -1}, {**GOOD, "sessions": "3"}]

    found = commands.json("import", made("a.ndjson", lines(GOOD, *bad) + BAD), "--product", product)
    said = commands.run("import", "a.ndjson", "--product", product)

    assert [(one["code"], one["field"], one["count"], one["first"]) for one in found["faults"]] == [
        ("INVALID_FIELD", "day", 1, "a.ndjson:2"),
        ("INVALID_FIELD", "sessions", 2, "a.ndjson:3"),
        ("MALFORMED_JSON", None, 1, "a.ndjson:5"),
    ]
    assert "5 records: 0 accepted, 1 duplicates" in said
    assert "2 rejected: INVALID_FIELD in sessions (first: a.ndjson:3): sessions must be an integer" in said


def test_a_file_of_which_nothing_can_be_taken_ends_with_exit_code_2(commands: Commands, product: str) -> None:
    found = commands.json("import", made("a.ndjson", lines({"clientId": "x"})), "--product", product, expect=2)

    assert (found["accepted"], found["rejected"]) == (0, {"INVALID_FIELD": 1})


def test_a_damaged_file_ends_with_exit_code_1_and_is_no_record(commands: Commands, product: str) -> None:
    whole = gzip.compress(b"".join(lines({**GOOD, "sessions": n}) for n in range(5000)))

    found = commands.json("import", made("cut.gz", whole[:-200]), "--product", product, expect=1)

    assert found["rejected"] == {}
    assert found["accepted"] > 0
    assert found["damaged"][0].startswith("cut.gz: the gzip data ends in the middle (after byte ")


@pytest.mark.parametrize("form", ["plain", "gzip", "parquet"])
def test_standard_input_is_read(commands: Commands, product: str, store: Store, form: str) -> None:
    content = lines(GOOD, {**GOOD, "day": "2031-05-14"})
    if form == "gzip":
        content = gzip.compress(content)
    if form == "parquet":
        table = pa.Table.from_pylist([GOOD, {**GOOD, "day": "2031-05-14"}])
        pq.write_table(table, "a.parquet")
        content = Path("a.parquet").read_bytes()
    commands.piped = content

    found = commands.json("import", "-", "--product", product)

    assert (found["accepted"], found["rejected"]) == (2, {})
    assert len(days(store, product)) == 2


def test_standard_input_that_is_something_else_is_refused(commands: Commands, product: str) -> None:
    commands.piped = b"a,b,c\n1,2,3\n"

    assert "standard input looks like CSV" in commands.run("import", "-", "--product", product, expect=2)
    assert "read once only" in commands.run("import", "-", "-", "--product", product, expect=1)


def test_a_missing_file_is_a_mistake_of_usage(commands: Commands, product: str) -> None:
    assert "missing.ndjson" in commands.run("import", "missing.ndjson", "--product", product, expect=2)


def test_a_folder_is_a_mistake_of_usage(commands: Commands, product: str) -> None:
    Path("history").mkdir()

    assert "name the files in it" in " ".join(
        commands.run("import", "history", "--product", product, expect=2).replace("│", "").split()
    )


@pytest.mark.parametrize("words", [["-"], ["empty.ndjson", "empty.gz"], ["empty.ndjson", "--dry-run"]])
def test_no_byte_is_no_import(commands: Commands, product: str, words: list[str]) -> None:
    """Also the rejected lines of an earlier import stay where they are."""
    made("empty.ndjson", b"")
    made("empty.gz", b"")
    made("rejected-lines.ndjson", b'{"code": "X", "raw": "{}"}\n')

    said = commands.run("import", *words, "--product", product, expect=2)

    assert ("standard input" if words == ["-"] else "empty.ndjson") in said
    assert "there is no record in it. Nothing was changed." in said
    assert Path("rejected-lines.ndjson").exists()


def test_an_input_without_a_record_ends_with_exit_code_2(commands: Commands, product: str) -> None:
    said = commands.run("import", made("blank.gz", gzip.compress(b"\n \n")), "--product", product, expect=2)

    assert "blank.gz: there is no record in it." in said
