"""Continents, countries (ISO 3166-1 alpha-2) and US states: which there are, and the one spelling of each."""

import unicodedata
from functools import lru_cache
from typing import Final, Literal

from babel import Locale
from babel.core import get_global

Place = tuple[str, str, str]

US: Final = "US"
CONTINENTS: Final = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}
_COUNTRIES: Final = {
    "AF": """AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA
             NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW""",
    "AN": "AQ BV GS HM TF",
    "AS": """AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP
             OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE""",
    "EU": """AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME
             MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA""",
    "NA": """AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC
             TT US VC VG VI""",
    "OC": "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS",
    "SA": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
_CONTINENT_OF: Final = {code: CONTINENTS[continent] for continent, row in _COUNTRIES.items() for code in row.split()}

# What people and ISO 3166 write where CLDR, from which the names come, has another form.
_OTHER_NAMES: Final = """
    BN Brunei Darussalam | BO Bolivia, Plurinational State of | BQ Bonaire, Sint Eustatius and Saba | CD DR Congo
    CD Congo, The Democratic Republic of the | CD Democratic Republic of the Congo | CG Congo
    CG Republic of the Congo | CI Ivory Coast | CN People's Republic of China | CN PRC | CV Cabo Verde
    CZ Czech Republic | FK Falkland Islands (Malvinas) | FM Micronesia, Federated States of | GB Britain | GB England
    GB Great Britain | GB U.K. | HK Hong Kong | HK Hong Kong SAR | HM Heard Island and McDonald Islands
    IR Iran, Islamic Republic of | KP Korea, Democratic People's Republic of | KR Korea | KR Korea, Republic of
    KR Republic of Korea | LA Lao People's Democratic Republic | MD Moldova, Republic of | MF Saint Martin (French part)
    MK Macedonia | MM Burma | MM Myanmar | MO Macao | MO Macao SAR | MO Macau | NL Holland | NL The Netherlands
    PN Pitcairn | PS Palestine | PS Palestine, State of | RU Russian Federation
    SH Saint Helena, Ascension and Tristan da Cunha | SX Sint Maarten (Dutch part) | SY Syrian Arab Republic
    SZ Swaziland | TL East Timor | TR Turkey | TW Taiwan, Province of China | TZ Tanzania, United Republic of
    UM United States Minor Outlying Islands | US America | US The United States | US U.S. | US U.S.A.
    US United States of America | VA Holy See | VA Holy See (Vatican City State)
    VE Venezuela, Bolivarian Republic of | VG Virgin Islands, British | VI Virgin Islands, U.S. | VN Viet Nam
"""
_US_STATES: Final = """
    AL Alabama | AK Alaska | AZ Arizona | AR Arkansas | CA California | CO Colorado | CT Connecticut | DE Delaware
    DC District of Columbia | FL Florida | GA Georgia | HI Hawaii | ID Idaho | IL Illinois | IN Indiana | IA Iowa
    KS Kansas | KY Kentucky | LA Louisiana | ME Maine | MD Maryland | MA Massachusetts | MI Michigan | MN Minnesota
    MS Mississippi | MO Missouri | MT Montana | NE Nebraska | NV Nevada | NH New Hampshire | NJ New Jersey
    NM New Mexico | NY New York | NC North Carolina | ND North Dakota | OH Ohio | OK Oklahoma | OR Oregon
    PA Pennsylvania | RI Rhode Island | SC South Carolina | SD South Dakota | TN Tennessee | TX Texas | UT Utah
    VT Vermont | VA Virginia | WA Washington | WV West Virginia | WI Wisconsin | WY Wyoming
"""


def _coded(table: str) -> list[tuple[str, str]]:
    """(code, name) of entries `code name`, separated by bars and line ends."""
    entries = (entry.strip() for line in table.strip().splitlines() for entry in line.split("|"))
    return [(code, name) for code, _, name in (entry.partition(" ") for entry in entries)]


def _key(text: str) -> str:
    """What spellings of one name share: no case, accents, dots or doubled spaces; `&` is `and`, `St.` is `Saint`."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = plain.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("&", " and ").casefold().split()
    return " ".join("saint" if word == "st." else word.replace(".", "") for word in words)


_STATES: Final = dict(_coded(_US_STATES))
_STATE_BY_KEY: Final = {
    **{_key(name): code for code, name in _STATES.items()},
    **{key: code for code in _STATES for key in (_key(code), _key(f"US-{code}"))},
}
_CONTINENT_BY_KEY: Final = {_key(text): name for code, name in CONTINENTS.items() for text in (code, name)}


@lru_cache(maxsize=1)
def _country_by_key() -> dict[str, str]:
    """Key of code, alpha-3 code or English name to the country."""
    found = {_key(name): code for code, name in _coded(_OTHER_NAMES)}
    found |= {_key(name): code for code in _CONTINENT_OF if (name := country_name(code)) is not None}
    for old, (current, *further) in get_global("territory_aliases").items():
        # Shorter ones are codes that are no longer in use, UK excepted; some meant what is now several countries.
        if not further and current in _CONTINENT_OF and (len(old) == 3 or old == "UK"):
            found[_key(old)] = current
    return found | {_key(code): code for code in _CONTINENT_OF}


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country, given as that, as alpha-3 code or as English name."""
    return _country_by_key().get(_key(text))


def country_name(code: str) -> str | None:
    """The English name of a country by its alpha-2 code, None when it is no country."""
    return Locale("en").territories[code] if code in _CONTINENT_OF else None


@lru_cache(maxsize=4096)
def normalise_place(continent: str, country: str, us_state: str) -> Place:
    """The three levels in their one spelling; `""` is null.

    A known country decides the continent, and leaves a state only to the US. A US state without a country means the
    US. What is not known is kept as it came.
    """
    state = _STATE_BY_KEY.get(_key(us_state))
    code = country_code(country) if country else state and US
    if code:
        return (_CONTINENT_OF[code], code, (state or us_state) if code == US else "")
    return (_CONTINENT_BY_KEY.get(_key(continent), continent), country, "" if country else us_state)


@lru_cache(maxsize=3)
def full_list(level: Literal["continent", "country", "usState"]) -> tuple[str, ...]:
    """Every known value of a level, in code point order."""
    return tuple(sorted({"continent": CONTINENTS.values(), "country": _CONTINENT_OF, "usState": _STATES}[level]))
