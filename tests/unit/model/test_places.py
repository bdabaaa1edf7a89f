"""Places: one spelling each, and a country decides what lies around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odometer.model.places import CONTINENTS, Place, country_name, full_list, normalise_place

_SHORT = st.text("ABCDEUSTabcdeus.' &-", max_size=3)
TEXTS = st.just("") | _SHORT | st.text(max_size=12) | st.sampled_from(["Germany", "usa", "EU", "US-UT", "Atlantis"])


@pytest.mark.parametrize("country", ["de", "DE", "deu", "DEU", "Germany", " germany ", "GERMANY"])
def test_a_country_decides_its_continent_and_has_no_state(country: str) -> None:
    assert normalise_place("Asia", country, "CA") == ("Europe", "DE", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("Cote d'Ivoire", "CI"),
        ("Korea, Republic of", "KR"),
        ("South Korea", "KR"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Saint Lucia", "LC"),
        ("Bosnia and Herzegovina", "BA"),
        ("Czech Republic", "CZ"),
        ("Viet Nam", "VN"),
    ],
)
def test_countries_are_known_by_their_names(text: str, code: str) -> None:
    assert normalise_place("", text, "")[1] == code


@pytest.mark.parametrize("state", ["UT", "ut", "Utah", "US-UT", "utah"])
@pytest.mark.parametrize("country", ["US", "usa", ""])
def test_a_us_state_has_one_spelling_and_means_the_us(country: str, state: str) -> None:
    assert normalise_place("", country, state) == ("North America", "US", "UT")


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        (("", "", ""), ("", "", "")),
        (("eu", "", ""), ("Europe", "", "")),
        (("EU", "XK", ""), ("Europe", "XK", "")),
        (("", "Atlantis", "Deep End"), ("", "Atlantis", "")),
        (("Pangaea", "", ""), ("Pangaea", "", "")),
        (("", "US", "Atlantis"), ("North America", "US", "Atlantis")),
        (("", "", "Bavaria"), ("", "", "Bavaria")),
    ],
)
def test_what_is_not_known_is_kept(place: Place, kept: Place) -> None:
    assert normalise_place(*place) == kept


@given(TEXTS, TEXTS, TEXTS)
def test_normalising_again_changes_nothing(continent: str, country: str, us_state: str) -> None:
    place = normalise_place(continent, country, us_state)

    assert normalise_place(*place) == place


def test_the_lists_are_whole_and_their_values_fixed_points() -> None:
    countries = full_list("country")

    assert (len(countries), len(full_list("usState"))) == (249, 51)
    assert list(countries) == sorted(set(countries))
    assert full_list("continent") == tuple(sorted(CONTINENTS.values()))
    assert {normalise_place("", code, "")[0] for code in countries} == set(CONTINENTS.values())
    for code in countries:
        name = country_name(code)
        assert name
        assert normalise_place("", name, "")[1] == code
    for state in full_list("usState"):
        assert normalise_place("", "US", state)[2] == state


def test_only_countries_have_a_country_name() -> None:
    assert country_name("DE") == "Germany"
    assert country_name("XK") is None
    assert country_name("de") is None
