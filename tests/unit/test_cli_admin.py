"""The administrator's commands, on a real registry: what they print, and how they refuse."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from odometer.accounts import Permission, open_registry
from odometer.cli import main
from odometer.clock import Clock

EMAIL = "ada@example.com"
PASSWORD = "correct horse"


class Commands:
    """Runs commands on one data folder."""

    def __init__(self, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capture = capture
        self._patch = patch
        # Bytes on standard input, where a command is given no text.
        self.piped = b""

    def run(self, *words: str, given: str = "", expect: int = 0) -> str:
        """Run a command; what it printed, of a refusal what it complained."""
        out, err = self._ended(*words, given=given, expect=expect)
        return err if expect else out

    def json(self, *words: str, given: str = "", expect: int = 0) -> Any:
        return json.loads(self._ended(*words, "--json", given=given, expect=expect)[0])

    def _ended(self, *words: str, given: str, expect: int) -> tuple[str, str]:
        self._patch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(self.piped or given.encode()))))
        self._patch.setattr("sys.argv", ["odometer", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self._capture.readouterr()
        assert ended.value.code == expect, printed.err
        return printed.out, printed.err


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path))
    return Commands(capsys, monkeypatch)


def test_the_first_steps_of_an_installation(commands: Commands, tmp_path: Path) -> None:
    user = commands.json("user", "add", EMAIL, "--password-stdin", given=PASSWORD + "\n")
    product = commands.json("product", "add", "Facet")["productId"]
    key = commands.json("product", "key", str(product), "--may-set-ip")["key"]
    commands.run("user", "grant", EMAIL, str(product), "developer", "license_read")
    token = commands.json("token", "add", "ci", "--user", EMAIL, "--product", str(product), "--read-only")["token"]

    assert user == {"userId": 1, "email": EMAIL, "isAdmin": False, "password": None}
    registry = open_registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", Clock())
    checked = registry.users.check_password(EMAIL, PASSWORD)
    found, limited = registry.keys.find(key), registry.tokens.find(token)
    registry.close()
    assert checked is not None
    assert found is not None
    assert limited is not None
    assert (found.product_id, found.may_set_ip) == (product, True)
    assert checked.permissions_on(product) == {Permission.DEVELOPER, Permission.REPORTING, Permission.LICENSE_READ}
    assert limited.permissions_on(product) == {Permission.REPORTING, Permission.LICENSE_READ}


def test_a_password_is_made_when_none_is_given(commands: Commands) -> None:
    made = commands.run("user", "add", EMAIL, "--admin")
    changed = commands.run("user", "password", EMAIL)

    assert "shown only now" in made
    assert "shown only now" in changed
    assert made.split()[-1] != changed.split()[-1]


def test_lists_for_people_and_for_scripts(commands: Commands) -> None:
    commands.run("user", "add", EMAIL, "--admin", "--name", "Ada")
    commands.run("product", "add", "Facet", "--id", "7")
    commands.run("product", "key", "7")
    commands.run("token", "add", "ci", "--user", EMAIL)

    assert commands.json("user", "list")[0]["displayName"] == "Ada"
    assert commands.json("product", "list") == [
        {"productId": 7, "name": "Facet", "daysUntilDeclaredLost": 40, "oldestDate": None}
    ]
    assert commands.json("product", "keys", "7")[0]["maySetIp"] is False
    (token,) = commands.json("token", "list")
    assert {name: token[name] for name in ("name", "user", "products", "readOnly", "lastUsedAt")} == {
        "name": "ci",
        "user": EMAIL,
        "products": None,
        "readOnly": False,
        "lastUsedAt": None,
    }
    for words, shown in (
        (("user", "list"), EMAIL),
        (("product", "list"), "Facet"),
        (("product", "keys", "7"), "odk_"),
        (("token", "list"), "odt_"),
    ):
        assert shown in commands.run(*words)


def test_lists_fit_into_a_hundred_columns(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry on one line, and names as they were given."""
    monkeypatch.setenv("COLUMNS", "100")
    email = "grace.hopper@example.com"
    commands.run("user", "add", email)
    commands.run("product", "add", "Facet", "--id", "2376158762")
    commands.run("product", "key", "2376158762", "--name", "[bold] Facet for Windows", "--may-set-ip")
    commands.run("token", "add", "nightly-export", "--user", email, "--read-only")
    commands.run("token", "add", "of one product", "--user", email, "--product", "2376158762")

    keys = commands.run("product", "keys", "2376158762").splitlines()
    tokens = commands.run("token", "list").splitlines()

    assert [len(keys), len(tokens)] == [2, 3]
    assert "1       [bold] Facet for Windows  odk_" in keys[1]
    assert max(map(len, keys + tokens)) <= 100
    assert re.fullmatch(
        rf"nightly-export  {email}  odt_\S{{4}}  reading     20\d\d-\d\d-\d\d  never", tokens[1].rstrip()
    )
    assert "  2376158762  20" in tokens[2]


def test_a_new_key_tells_its_id(commands: Commands) -> None:
    commands.run("product", "add", "Facet", "--id", "7")
    commands.run("product", "key", "7")
    made = commands.json("product", "key", "7", "--name", "second")

    (_, listed) = commands.json("product", "keys", "7")
    assert (made["keyId"], made["key"][:8]) == (listed["keyId"], listed["prefix"]) == (2, listed["prefix"])
    assert "Ingestion key 3 (shown only now): odk_" in commands.run("product", "key", "7")


def test_no_token_is_made_for_a_disabled_user(commands: Commands) -> None:
    commands.run("user", "add", EMAIL)
    commands.run("user", "disable", EMAIL)

    said = commands.run("token", "add", "ci", "--user", EMAIL, expect=1)

    assert said == f"odometer: user: {EMAIL} is disabled; `odometer user enable {EMAIL}` lets them in again.\n"
    assert commands.json("token", "list") == []
    commands.run("user", "enable", EMAIL)
    commands.run("token", "add", "ci", "--user", EMAIL)


@pytest.mark.parametrize("name", ["disable", "enable", "promote", "demote", "remove"])
def test_commands_that_take_a_user_have_help_of_their_own(commands: Commands, name: str) -> None:
    said = " ".join(commands.run("user", name, "--help").split())

    assert f"Example: odometer user {name} ada@example.com" in said
    assert f"user {name} [OPTIONS]" in said


def test_what_is_revoked_is_gone(commands: Commands) -> None:
    commands.run("user", "add", EMAIL)
    commands.run("product", "add", "Facet", "--id", "7")
    commands.run("product", "key", "7")
    commands.run("token", "add", "ci", "--user", EMAIL)
    commands.run("product", "revoke-key", "1")
    commands.run("token", "revoke", "ci", "--user", EMAIL)

    assert commands.json("product", "keys", "7") == []
    assert commands.json("token", "list") == []


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "nobody"),
        ("user", "grant", EMAIL, "7", "reporting"),
        ("user", "grant", EMAIL, "7", "everything"),
        ("user", "password", EMAIL),
        ("product", "add", ""),
        ("product", "add", "Facet", "--id", "0"),
        ("product", "key", "7"),
        ("product", "revoke-key", "1"),
        ("token", "add", "ci", "--user", EMAIL),
        ("token", "revoke", "ci", "--user", EMAIL),
    ],
)
def test_a_refusal_is_one_line_and_exit_code_1(commands: Commands, words: tuple[str, ...]) -> None:
    complaint = commands.run(*words, expect=1)

    assert complaint.startswith("odometer: ")
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("words", [("user", "add"), ("product", "key", "abc"), ("nonsense",), ("token", "add", "ci")])
def test_wrong_usage_is_exit_code_2(commands: Commands, words: tuple[str, ...]) -> None:
    assert "Usage" in commands.run(*words, expect=2)


def test_a_bad_setting_is_one_line(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODOMETER_PORT", "none")

    assert commands.run("user", "list", expect=1).startswith("odometer: ODOMETER_PORT ")


def test_help_has_examples(commands: Commands) -> None:
    assert "Example: odometer user add" in commands.run("user", "add", "--help")


def test_settings_of_a_product_are_shown_and_changed(commands: Commands) -> None:
    commands.run("product", "add", "Facet", "--id", "7")

    changed = json.loads(
        commands.run(
            "product", "set", "7", "daysUntilDeclaredLost=30", "C04=Sales channel", "C04.type=2", "rawExport=false"
        )
    )
    formats = json.loads(commands.run("product", "set", "7", "rawExportFormats=parquet,csv"))
    reset = json.loads(commands.run("product", "set", "7", "daysUntilDeclaredLost=", "C04="))

    assert changed["daysUntilDeclaredLost"] == 30
    assert changed["rawExport"] is False
    assert (changed["rawExportFormats"], formats["rawExportFormats"]) == (["csv"], ["csv", "parquet"])
    assert changed["customProperties"] == {"C04": {"label": "Sales channel", "type": 2}}
    assert json.loads(commands.run("product", "set", "7")) == reset
    assert (reset["daysUntilDeclaredLost"], reset["rawExport"]) == (40, False)
    assert reset["customProperties"] == {}


def test_a_wrong_setting_is_one_line_that_names_it(commands: Commands) -> None:
    commands.run("product", "add", "Facet", "--id", "7")

    assert commands.run("product", "set", "7", "oldestDate=soon", expect=1).startswith("odometer: oldestDate: ")
    assert "C04.type" in commands.run("product", "set", "7", "C04.type=9", expect=1)
    assert "no product 8" in commands.run("product", "set", "8", expect=1)
    assert "NAME=VALUE" in commands.run("product", "set", "7", "oldestDate", expect=2)


def test_users_are_disabled_promoted_demoted_and_removed(commands: Commands) -> None:
    commands.run("user", "add", "root@example.com", "--admin")
    commands.run("user", "add", EMAIL)

    def told(email: str) -> tuple[bool, bool]:
        user = next(one for one in commands.json("user", "list") if one["email"] == email)
        return user["isAdmin"], user["isDisabled"]

    commands.run("user", "promote", EMAIL)
    commands.run("user", "disable", EMAIL)
    assert told(EMAIL) == (True, True)
    commands.run("user", "enable", EMAIL)
    commands.run("user", "demote", EMAIL)
    assert told(EMAIL) == (False, False)
    commands.run("user", "remove", EMAIL)
    assert [one["email"] for one in commands.json("user", "list")] == ["root@example.com"]


def test_the_password_of_now_is_no_new_one(commands: Commands) -> None:
    commands.run("user", "add", EMAIL, "--password-stdin", given=PASSWORD)

    said = commands.run("user", "password", EMAIL, "--password-stdin", given=PASSWORD, expect=1)

    assert said == "odometer: password: This is the password that is to be changed; take another one.\n"
    assert [entry["action"] for entry in commands.json("audit")] == ["user.add"]


def test_a_new_password_leaves_tokens_unless_they_are_to_end(commands: Commands) -> None:
    commands.run("user", "add", EMAIL)
    commands.run("token", "add", "ci", "--user", EMAIL)

    assert "1 API tokens of theirs are still in force" in commands.run("user", "password", EMAIL)
    assert "in force" not in commands.run("user", "password", EMAIL, "--revoke-tokens")
    assert commands.json("token", "list") == []


def test_a_token_tells_when_it_ends(commands: Commands) -> None:
    commands.run("user", "add", EMAIL)
    made = commands.json("token", "add", "ci", "--user", EMAIL, "--days", "30")

    (listed,) = commands.json("token", "list")
    assert (listed["prefix"], listed["expiresAt"]) == (made["token"][:8], made["expiresAt"])
