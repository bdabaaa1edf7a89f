"""Where installations are and which languages they speak."""

from dataclasses import dataclass
from typing import Final

from odometer.demo.choice import Weighted


@dataclass(frozen=True, slots=True)
class Country:
    """A country (ISO 3166-1 alpha-2) with the locale that most systems there have."""

    continent: str
    code: str
    locale: str


def _countries(rows: str) -> Weighted[Country]:
    """Rows of `continent | code locale weight, code locale weight, ...`."""
    found = []
    for row in rows.strip().splitlines():
        continent, _, entries = row.partition("|")
        for entry in entries.split(","):
            code, locale, weight = entry.split()
            found.append((Country(continent.strip(), code, locale), float(weight)))
    return Weighted(found)


COUNTRIES: Final = _countries(
    """
    North America | US en-US 24, CA en-CA 4, MX es-MX 2.2
    Europe | DE de-DE 12, GB en-GB 7, FR fr-FR 5.5, IT it-IT 4, ES es-ES 3, NL nl-NL 2.6, PL pl-PL 2.4, CH de-CH 2.2
    Europe | AT de-AT 2, SE sv-SE 1.6, CZ cs-CZ 1.3, BE nl-BE 1.1, DK da-DK 0.8, PT pt-PT 0.8, FI fi-FI 0.6
    Europe | NO nb-NO 0.7, IE en-IE 0.5, HU hu-HU 0.5, GR el-GR 0.4, RO ro-RO 0.5
    Asia | JP ja-JP 4.5, IN en-IN 4, CN zh-CN 3, KR ko-KR 2, TW zh-TW 1.2, TR tr-TR 1.4, IL he-IL 0.6, SG en-SG 0.5
    South America | BR pt-BR 3.2, AR es-AR 1, CL es-CL 0.6, CO es-CO 0.6
    Oceania | AU en-AU 2.2, NZ en-NZ 0.5
    Africa | ZA en-ZA 0.9, EG ar-EG 0.5, NG en-NG 0.4, MA fr-MA 0.3
    """
)

# Roughly by population.
_STATES: Final = """
    CA 39, TX 30, FL 22, NY 20, PA 13, IL 13, OH 12, GA 11, NC 11, MI 10, NJ 9, VA 9, WA 9, MA 8, AZ 7, TN 7, IN 7, CO 7
    MO 6, MD 6, WI 6, MN 6, SC 5, AL 5, OR 5, LA 4, KY 4, OK 4, CT 4, UT 4, IA 3, NV 3, AR 3, MS 3, KS 3, NM 2, NE 2
    ID 2, WV 1.8, HI 1.4, NH 1.4, ME 1.4, MT 1.1, RI 1.1, DE 1, SD 0.9, ND 0.8, AK 0.7, DC 0.7, VT 0.6, WY 0.6
"""
US_STATES: Final = Weighted(
    (state, float(weight))
    for state, weight in (entry.split() for row in _STATES.strip().splitlines() for entry in row.split(","))
)

# Facet CAD is translated into these; everyone else works in English.
_PRODUCT_LANGUAGES: Final = frozenset({"de", "fr", "it", "es", "ja", "zh", "pt"})
ENGLISH: Final = "en"


def product_language(locale: str) -> str:
    """The language in which Facet CAD starts on a system of this locale."""
    language = locale.partition("-")[0]
    return language if language in _PRODUCT_LANGUAGES else ENGLISH


def geography(country: Country, state: float) -> dict[str, str | None]:
    """The three levels of a place; `state` (0 to below 1) picks the state where the country is the US."""
    us_state = US_STATES.pick(state) if country.code == "US" else None
    return {"geography.continent": country.continent, "geography.country": country.code, "geography.usState": us_state}
