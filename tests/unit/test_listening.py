"""A server that cannot listen says so before it makes or opens anything."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from odometer.cli.demo import demo
from odometer.errors import StartError
from odometer.listening import require_free_addresses
from odometer.serve import serve
from odometer.settings import read_settings


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ODOMETER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_nothing_is_made_where_the_port_is_taken(
    data: Path, taken: int, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("ODOMETER_PORT", str(taken))

    with pytest.raises(StartError, match=rf"Cannot listen on 127\.0\.0\.1:{taken}: it is in use\. ODOMETER_HOST and "):
        serve(read_settings()) if command == "serve" else demo(clients=1, months=1)

    assert not data.exists()


def test_nothing_is_made_where_the_address_of_metrics_is_taken(
    data: Path, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODOMETER_METRICS", f"127.0.0.1:{taken}")

    with pytest.raises(StartError, match=rf"127\.0\.0\.1:{taken}: it is in use\. ODOMETER_METRICS names another"):
        serve(read_settings())

    assert not data.exists()


@pytest.mark.parametrize(
    ("host", "why"),
    [("203.0.113.7", "that is no address of this machine"), ("no.such.invalid", "there is no such host")],
)
def test_an_address_that_is_not_here_is_told_as_such(
    data: Path, monkeypatch: pytest.MonkeyPatch, host: str, why: str
) -> None:
    monkeypatch.setenv("ODOMETER_HOST", host)

    with pytest.raises(StartError, match=why):
        require_free_addresses(read_settings())
    assert not data.exists()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_a_free_port_is_left_free(data: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Looking takes nothing away: the second look finds it free again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("ODOMETER_HOST", host)
    monkeypatch.setenv("ODOMETER_PORT", str(port))

    require_free_addresses(read_settings())
    require_free_addresses(read_settings())
    assert not data.exists()
