"""What properties can be in random histories, and how senders set them.

Few values, so that clients meet in them; texts that would break patterns, quotes and line ends if somebody built a
statement out of them. Systems and places are as the server keeps them, so that it has nothing to put right.
"""

from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]
NULLS = (None, "", "<NULL>")

VERSIONS = ("1", "2", "3.10", "10", "a.b", "axb", "a|b")
EDITIONS = ("Pro", "Std")
AWKWARD = (
    "(x",
    "\\d",
    "it's",
    'a "quote"',
    "back\\slash",
    "two\nlines",
    "Zürich",
    "Zuerich",
    "日本",
    "{p:UInt64}",
    "%_",
)
SITES = ("site-1", "site-2")
CORES = (8, 16, 2.5)
RAM = (1024, 0.1)
# Vendor and model are free; one without the other clears the other.
CARDS = ({"gpu.vendor": "Acme", "gpu.model": "G1"}, {"gpu.vendor": "Acme"}, {"gpu.model": "G1"}, {"gpu.vendor": None})
LINUX = {"os.platform": "Linux"}
UBUNTU = {**LINUX, "os.version": "Linux Ubuntu"}
SYSTEMS = (
    LINUX,
    UBUNTU,
    {**UBUNTU, "os.edition": "Linux Ubuntu 24.04 LTS"},
    {"os.platform": "BeOS"},
    {"os.platform": None},
    {"os.platform": "<NULL>"},
)
PLACES = (
    {"geography.continent": "Europe", "geography.country": "MT", "geography.usState": None},
    {"geography.continent": "North America", "geography.country": "US", "geography.usState": "UT"},
    {"geography.continent": "North America", "geography.country": "US", "geography.usState": None},
    {"geography.continent": None, "geography.country": None, "geography.usState": None},
)
KEYS = ("K-1", "K-2")
LICENSE_TYPES = ("purchased", "nfr")
MACHINES = ("M1", "M2", "M3")
CAMPAIGNS = (41, 17)

_PLAIN: dict[str, Strategy] = {
    "prodVersion": st.sampled_from([*VERSIONS, *NULLS]),
    "prodEdition": st.sampled_from([*EDITIONS, None]),
    "prodBuild": st.sampled_from([*AWKWARD, None]),
    "C04": st.sampled_from([*SITES, ""]),
    "C20": st.sampled_from([*AWKWARD[:3], "<NULL>"]),
    "cpuCores": st.sampled_from([*CORES, None]),
    "ram": st.sampled_from([*RAM, None]),
    "touchScreen": st.sampled_from([True, False, None]),
    "vm": st.sampled_from(["a.b", None]),
}
_FLAG = st.sampled_from([True, False, None])
# Members of a license record.
LICENSE: dict[str, Strategy] = {
    "licenseType": st.sampled_from([*LICENSE_TYPES, None]),
    "key": st.sampled_from([*KEYS, None]),
    "activated": _FLAG,
    "allowed": _FLAG,
    "blocked": _FLAG,
    "expired": _FLAG,
}
DELIVERED: dict[str, Strategy] = {
    "campaignId": st.sampled_from(CAMPAIGNS),
    "mode": st.sampled_from(["auto", "manual"]),
    "campaignName": st.sampled_from(["Spring survey", "Zürich", "", None]),
}


def _merged(*parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def sets(*, places: bool = False) -> Strategy:
    """The `set` of a record; only imports may set places."""
    parts = [
        st.fixed_dictionaries({}, optional=_PLAIN),
        st.sampled_from([{}, {}, *CARDS]),
        st.sampled_from([{}, {}, *SYSTEMS]),
    ]
    return st.builds(_merged, *parts, *([st.sampled_from([{}, *PLACES])] if places else []))


def full_sets() -> Strategy:
    """The `set` of an imported record that says everything about a client, without nulls."""
    texts = {"prodVersion": VERSIONS, "prodEdition": EDITIONS, "prodBuild": AWKWARD, "C04": SITES, "C20": AWKWARD[:3]}
    numbers = {"cpuCores": CORES, "ram": RAM, "touchScreen": (True, False)}
    known = {name: st.sampled_from(values) for name, values in {**texts, **numbers}.items()}
    parts = [st.sampled_from(values) for values in (CARDS[:3], SYSTEMS[:4], PLACES[:3])]
    return st.builds(_merged, st.fixed_dictionaries(known), *parts)
