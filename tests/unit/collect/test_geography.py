"""Geography from a MaxMind-format file, whatever its shape and state."""

from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from odometer.collect.geography import open_geography
from odometer.errors import StartError

NOWHERE = ("", "", "")
CITY: dict[str, dict[str, Any]] = {
    "81.2.69.0/24": {
        "continent": {"code": "NA"},
        "country": {"iso_code": "US"},
        "subdivisions": [{"iso_code": "CA"}, {"iso_code": "XX"}],
    },
    "89.160.20.0/24": {
        "continent": {"code": "EU"},
        "country": {"iso_code": "SE"},
        "subdivisions": [{"iso_code": "E"}],
    },
    "2a02:cf40::/29": {"continent": {"code": "EU"}, "country": {"iso_code": "NO"}},
    "67.43.156.0/24": {"continent": {"code": "AS"}, "registered_country": {"iso_code": "BT"}},
    "175.16.199.0/24": {"continent": {"code": "EU"}, "country": {"iso_code": "XK"}},
    "202.196.224.0/24": {"continent": {"code": "OC"}},
}
ODD: dict[str, Any] = {
    "1.0.1.0/24": {"country": "DE", "continent": ["EU"], "subdivisions": {"iso_code": "CA"}},
    "1.0.2.0/24": {"country": {"iso_code": 7}, "registered_country": []},
    "1.0.3.0/24": {"country": {"iso_code": "US"}, "subdivisions": [7]},
    "1.0.4.0/24": ["DE"],
    "1.0.5.0/24": "DE",
}


def write(path: Path, networks: dict[str, Any], version: int = 6) -> Path:
    """A database file of these networks."""
    writer = MMDBWriter(version, "GeoLite2-City", ipv4_compatible=version == 6)
    for network, content in networks.items():
        writer.insert_network(IPSet([network]), content)
    writer.to_db_file(str(path))
    return path


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("81.2.69.160", ("North America", "US", "CA")),
        ("::ffff:81.2.69.160", ("North America", "US", "CA")),
        ("89.160.20.112", ("Europe", "SE", "")),
        ("2a02:cf40::1", ("Europe", "NO", "")),
        ("67.43.156.1", ("Asia", "BT", "")),
        ("175.16.199.1", ("Europe", "XK", "")),
        ("202.196.224.1", ("Oceania", "", "")),
        *((address, NOWHERE) for address in ("10.0.0.1", "127.0.0.1", "::1", "8.8.8.8", "2001:db8::1")),
        *((address, NOWHERE) for address in ("", "testclient", "81.2.69", "81.2.69.160:80", "81.2.69.160/24")),
    ],
)
def test_an_address_is_looked_up(tmp_path: Path, address: str, place: tuple[str, str, str]) -> None:
    locate = open_geography(write(tmp_path / "geo.mmdb", CITY))

    assert locate(address) == place


def test_a_file_without_ipv6_finds_nothing_there(tmp_path: Path) -> None:
    locate = open_geography(write(tmp_path / "geo.mmdb", {"81.2.69.0/24": CITY["81.2.69.0/24"]}, version=4))

    assert locate("::ffff:81.2.69.160") == ("North America", "US", "CA")
    assert locate("2a02:cf40::1") == NOWHERE


def test_entries_of_another_shape_are_no_place(tmp_path: Path) -> None:
    locate = open_geography(write(tmp_path / "geo.mmdb", ODD))

    found = [locate(f"1.0.{third}.1") for third in range(1, 6)]

    assert found == [NOWHERE, NOWHERE, ("North America", "US", ""), NOWHERE, NOWHERE]


def test_a_damaged_file_never_fails_a_lookup(tmp_path: Path) -> None:
    """Each byte of the data in turn says something else: found wrongly or not at all, but never an error."""
    content = write(tmp_path / "geo.mmdb", {"81.2.69.0/24": CITY["81.2.69.0/24"]}).read_bytes()
    damaged = tmp_path / "damaged.mmdb"
    for place in range(content.rindex(b"\xab\xcd\xefMaxMind.com")):
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 0xA5]) + content[place + 1 :])
        found = open_geography(damaged)("81.2.69.160")
        assert [type(level) for level in found] == [str, str, str]


@pytest.mark.parametrize("content", [None, b"", b"no database", b"\xab\xcd\xefMaxMind.com"])
def test_what_is_no_database_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "geo.mmdb"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StartError, match=r"ODOMETER_GEO: .*geo\.mmdb") as refused:
        open_geography(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(StartError, match="ODOMETER_GEO"):
        open_geography(tmp_path)
