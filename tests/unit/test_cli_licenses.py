"""License keys on the command line: what a file does, what it refuses, and that an export can be imported."""

from pathlib import Path

import pytest

from tests.unit.test_cli_admin import Commands

PRODUCT = "1000001"
KEYS = """licenseKey,licenseType,activated,expiryDate,installQuota
K-7F31-22,purchased,true,2032-01-31,5
"with, comma",,,,
"""


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    monkeypatch.setenv("ODOMETER_TODAY", "2031-06-20")
    monkeypatch.chdir(tmp_path)
    found = Commands(capsys, monkeypatch)
    found.run("product", "add", "Facet", "--id", PRODUCT)
    return found


def imported(commands: Commands, text: str) -> tuple[int, int, int]:
    Path("keys.csv").write_text(text, encoding="utf-8")
    counts = commands.json("license", "import", "keys.csv", "--product", PRODUCT)
    return counts["inserted"], counts["updated"], counts["unchanged"]


def test_a_file_inserts_and_changes_and_repeating_it_changes_nothing(commands: Commands) -> None:
    assert imported(commands, KEYS) == (2, 0, 0)
    assert imported(commands, "\ufeff" + KEYS) == (0, 0, 2)
    assert imported(commands, "expiryDate,licenseKey\n,K-7F31-22\n\n,new\n") == (1, 1, 0)

    listed = commands.json("license", "list", "--product", PRODUCT)
    assert listed[0] == {
        "licenseKey": "K-7F31-22",
        "licenseType": "purchased",
        "licenseStatus": {"activated": True, "allowed": False, "blocked": False, "expired": False},
        "addedDate": "2031-06-20",
        "expiryDate": None,
        "autoCollected": False,
        "installQuota": 5,
    }
    assert [one["licenseKey"] for one in listed] == ["K-7F31-22", "new", "with, comma"]
    assert "K-7F31-22" in commands.run("license", "list", "--product", PRODUCT)


def test_capitals_of_spreadsheets_are_truths_too_and_every_change_is_told(commands: Commands) -> None:
    assert imported(commands, "licenseKey,blocked,activated\nK-1,TRUE,False\n") == (1, 0, 0)
    assert imported(commands, "licenseKey,blocked\nK-1,FALSE\n") == (0, 1, 0)

    told = commands.json("license", "history", "K-1", "--product", PRODUCT)

    assert [(one["action"], one["actor"], one["key"]["licenseStatus"]["blocked"]) for one in told] == [
        ("inserted", "command line", True),
        ("updated", "command line", False),
    ]
    said = commands.run("license", "history", "K-1", "--product", PRODUCT).splitlines()
    assert [line.split()[1:5] for line in said] == [
        ["inserted", "by", "command", "line:"],
        ["updated", "by", "command", "line:"],
    ]
    assert commands.run("license", "history", "K-2", "--product", PRODUCT) == ""
    noted = commands.json("audit", "--limit", "2")
    assert [(one["action"], one["actor"], one["subject"]) for one in noted] == [
        ("license.update", "command line", PRODUCT)
    ] * 2
    assert len(commands.run("audit").splitlines()) == 3


def test_an_export_can_be_imported_and_runs_no_formulas(commands: Commands) -> None:
    # In a file, an apostrophe before what a spreadsheet might run is not part of the key.
    cells = ["=1+1", "''=1+1", "'x", "-5", "'@a", '"say ""hi"""']
    keys = ["=1+1", "'=1+1", "'x", "-5", "@a", 'say "hi"']
    rows = "".join(f"{cell},2031-06-01,true\n" for cell in cells)
    imported(commands, KEYS)
    assert imported(commands, f"licenseKey,expiryDate,blocked\n{rows}") == (6, 0, 0)
    listed = commands.json("license", "list", "--product", PRODUCT)
    assert {one["licenseKey"] for one in listed} == {*keys, "K-7F31-22", "with, comma"}
    before = commands.run("license", "export", "--product", PRODUCT)

    message = commands.run("license", "export", "--product", PRODUCT, "--output", "all.csv")

    text = Path("all.csv").read_text(encoding="utf-8")
    assert text.splitlines() == before.splitlines()
    assert text.splitlines()[0] == (
        "licenseKey,licenseType,activated,allowed,blocked,expired,addedDate,expiryDate,autoCollected,installQuota"
    )
    assert not any(line.startswith(("=", "@")) for line in text.splitlines())
    assert "keys are in all.csv" in message
    assert "all.csv exists already" in commands.run(
        "license", "export", "--product", PRODUCT, "--output", "all.csv", expect=1
    )
    commands.run("license", "export", "--product", PRODUCT, "--output", "all.csv", "--overwrite")
    inserted, updated, unchanged = imported(commands, text)
    assert (inserted, updated) == (0, 0)
    assert unchanged == len(text.splitlines()) - 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("key\nA\n", "header: 'key' is no column"),
        ("licenseType\nnfr\n", "header: "),
        ("licenseKey,licenseKey\nA,A\n", "header: "),
        ("licenseKey,blocked\nA,true\nB\n", "line 3: Has 1 cells"),
        ("licenseKey,blocked\nA,yes\n", "line 2.blocked: "),
        ("licenseKey,licenseType\nA,gold\n", "line 2.licenseType: "),
        ("licenseKey,installQuota\nA,-1\n", "line 2.installQuota: "),
        ("licenseKey,expiryDate\nA,2031-02-30\n", "line 2.expiryDate: "),
        ("licenseKey\nA\nB\nA\n", "line 4.licenseKey: "),
        ('licenseKey\n"A', "is no CSV file"),
    ],
)
def test_a_bad_line_refuses_the_file_and_is_named(commands: Commands, text: str, complaint: str) -> None:
    Path("keys.csv").write_text(text)

    complained = commands.run("license", "import", "keys.csv", "--product", PRODUCT, expect=1)

    assert complaint in complained
    assert commands.json("license", "list", "--product", PRODUCT) == []


def test_unknown_products_are_refused(commands: Commands) -> None:
    for words in (("list",), ("export",), ("import", "keys.csv")):
        Path("keys.csv").write_text(KEYS)
        assert "no product 7" in commands.run("license", *words, "--product", "7", expect=1)
