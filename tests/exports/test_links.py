"""Signed links: for one file, for some minutes, and not for anybody who changes a character."""

from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from odometer.clock import Clock
from odometer.errors import Problem
from odometer.exports.files import FileKey, LocalFiles
from odometer.exports.links import DOWNLOAD_PATH, Links, Maker

MAKER = Maker(12, 5, needs_license_keys=True)
KEY = FileKey("exports", 7, "clients_ex-1.csv.zip")


class Moved(Clock):
    """Stands where a test puts it."""

    ms = 1_900_000_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links(LocalFiles(tmp_path), b"secret", "https://usage.example.com/odometer", Moved(), 15)


def presented(links: Links, url: str) -> FileKey:
    """What the download route makes of an address."""
    parts = urlsplit(url)
    stream, product, name = parts.path.removeprefix(f"/odometer{DOWNLOAD_PATH}/").split("/")
    query = parse_qs(parts.query, keep_blank_values=True)
    key, maker = links.check(stream, product, name, query["expires"][0], query["by"][0], query["signature"][0])
    assert maker == MAKER
    return key


def test_a_link_leads_to_its_file_for_15_minutes(links: Links) -> None:
    clock = cast("Moved", links.clock)
    url, expires_ms = links.to(KEY, MAKER)

    assert url.startswith(f"https://usage.example.com/odometer{DOWNLOAD_PATH}/exports/7/clients_ex-1.csv.zip?")
    assert expires_ms == clock.ms + 15 * 60_000
    assert presented(links, url) == KEY
    clock.ms = expires_ms - 1
    assert presented(links, url) == KEY
    clock.ms = expires_ms
    with pytest.raises(Problem, match="expired"):
        presented(links, url)


def test_every_changed_character_breaks_it(links: Links) -> None:
    url, _ = links.to(KEY, MAKER)
    parts = urlsplit(url)
    stream, product, name = parts.path.removeprefix(f"/odometer{DOWNLOAD_PATH}/").split("/")
    query = parse_qs(parts.query)
    values = [stream, product, name, query["expires"][0], query["by"][0], query["signature"][0]]
    tried = 0
    for place, value in enumerate(values):
        changes = {value[:n] + sign + value[n + 1 :] for n in range(len(value)) for sign in "0aA-" if value[n] != sign}
        changes |= {value[1:], value[:-1], value.upper(), value + "0", f" {value}", f"{value}\n", "", "é"} - {value}
        for changed in changes:
            tried += 1
            with pytest.raises(Problem) as refused:
                links.check(*[*values[:place], changed, *values[place + 1 :]])
            assert refused.value.status == 403
    assert tried > 400


def test_the_secret_makes_the_link(links: Links, tmp_path: Path) -> None:
    url, _ = Links(LocalFiles(tmp_path / "b"), b"other", links.public_url, links.clock, 15).to(KEY, MAKER)

    with pytest.raises(Problem, match="not valid"):
        presented(links, url)
