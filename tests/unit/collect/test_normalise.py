"""Values get one spelling at the door, and the record stays the one that was sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.collect.normalise import normalise
from odometer.collect.records import to_row
from odometer.model.properties import GEOGRAPHY
from tests.unit.collect.senders import IMPORT, LIVE, client_day, live

OS = ("os.platform", "os.version", "os.edition")
_VALUES = st.sampled_from(["", "Windows 11", "Pro", "Ubuntu", "24.04", "DE", "USA", "Utah", "eu", "en_us", "Haiku"])
SETS = st.dictionaries(st.sampled_from([*OS, *GEOGRAPHY, "osLanguage", "prodLanguage", "vm"]), _VALUES)


def os_set(platform: str, version: str, edition: str) -> dict[str, str]:
    return dict(zip(OS, (platform, version, edition), strict=True))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"os.platform": "win11"}, os_set("Microsoft Windows", "Microsoft Windows 11", "")),
        ({"os.version": "Ubuntu 24.04.1 LTS"}, os_set("Linux", "Linux Ubuntu", "Linux Ubuntu 24.04 LTS")),
        ({"os.platform": "Haiku", "os.version": "R1"}, os_set("Haiku", "", "")),
        ({"os.edition": None}, os_set("", "", "")),
        (
            {"osLanguage": "en_us", "prodLanguage": "German", "prodEdition": "en_us"},
            {"osLanguage": "en-US", "prodLanguage": "de", "prodEdition": "en_us"},
        ),
        ({"osLanguage": None, "prodLanguage": "<NULL>"}, {"osLanguage": "", "prodLanguage": ""}),
        ({"licenseType": "nfr", "osWordLength": "64-bit"}, {"licenseType": "nfr", "osWordLength": "64-bit"}),
    ],
)
def test_a_properties_record_is_normalised(sent: dict[str, Any], kept: dict[str, str]) -> None:
    assert to_row(live("properties", set=sent), LIVE)["set"] == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"geography.country": "usa"}, ("North America", "US", "")),
        ({"geography.country": "US", "geography.usState": "Utah"}, ("North America", "US", "UT")),
        ({"geography.usState": "Utah"}, ("North America", "US", "UT")),
        ({"geography.country": "XK", "geography.continent": "EU"}, ("Europe", "XK", "")),
        ({"geography.country": "Atlantis"}, ("", "Atlantis", "")),
    ],
)
def test_a_country_sets_all_levels(sent: dict[str, Any], kept: tuple[str, str, str]) -> None:
    row = to_row(client_day(set=sent), IMPORT)

    assert row["set"] == dict(zip(GEOGRAPHY, kept, strict=True))


@pytest.mark.parametrize("sent", [{"geography.country": None}, {"geography.continent": "eu"}])
def test_without_a_country_only_what_was_named_is_set(sent: dict[str, Any]) -> None:
    assert to_row(client_day(set=sent), IMPORT)["set"].keys() == sent.keys()


def test_the_identity_is_of_what_was_sent() -> None:
    """A later catalogue must not make the same line of a file into another record."""
    row = to_row(client_day(set={"os.platform": "win11"}), IMPORT)
    other = to_row(client_day(set={"os.platform": "Windows 11"}), IMPORT)

    assert row["set"] == other["set"]
    assert row["hash"] != other["hash"]
    assert '"os.platform":"win11"' in row["canonical"]


@given(SETS)
def test_normalising_keeps_names_and_what_is_cleared(sent: dict[str, str]) -> None:
    kept = dict(sent)
    normalise(kept)
    again = dict(kept)
    normalise(again)

    assert again == kept
    assert kept.keys() >= sent.keys()
    for family in (OS, GEOGRAPHY, ("osLanguage",), ("prodLanguage",)):
        if not any(sent.get(name) for name in family):
            assert {name: kept.get(name) for name in family} == {name: sent.get(name) for name in family}
