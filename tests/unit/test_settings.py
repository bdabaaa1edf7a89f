"""Settings: what is read from where, and that each bad one stops the start with one line naming it."""

import datetime as dt
from pathlib import Path

import pytest

from odometer.errors import StartError
from odometer.settings import read_settings, render_settings

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_without_any_setting_everything_has_a_default() -> None:
    settings = read_settings({"PATH": "/bin"})

    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.registry == f"sqlite:///{Path.cwd() / 'odometer-data' / 'registry.sqlite'}"
    assert settings.analytics == f"chdb://{Path.cwd() / 'odometer-data' / 'analytics'}"
    assert (settings.max_body_bytes, settings.max_collect_bytes) == (4 * 1024**2, 8 * 1024**2)
    assert settings.allowed_origins == ()
    assert settings.today is None


def test_the_environment_is_read_with_types() -> None:
    settings = read_settings(
        {
            "ODOMETER_PORT": "9000",
            "ODOMETER_TODAY": "2031-04-09",
            "ODOMETER_CORS_ORIGINS": "https://a.example, https://B.example:8443",
            "ODOMETER_TRUSTED_PROXIES": "10.0.0.0/8,127.0.0.1",
            "ODOMETER_LOG_LEVEL": "debug",
            "ODOMETER_ANALYTICS": "clickhouse://reader@store/odometer",
        }
    )

    assert settings.port == 9000
    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.today == dt.date(2031, 4, 9)
    assert settings.cors_origins == ("https://a.example", "https://b.example:8443")
    assert settings.trusted_proxies == ("10.0.0.0/8", "127.0.0.1/32")
    assert settings.log_level == "DEBUG"
    assert settings.analytics == "clickhouse://reader@store/odometer"


def test_an_ipv6_host_gives_a_usable_public_url() -> None:
    assert read_settings({"ODOMETER_HOST": "::1"}).public_url == "http://[::1]:8080"


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "odometer.toml"
    file.write_text('port = 9000\nhost = "::"\nallowed_origins = ["https://a.example"]\ntoday = 2031-04-09\n')

    settings = read_settings({"ODOMETER_CONFIG": str(file), "ODOMETER_PORT": "9001"})

    assert (settings.port, settings.host) == (9001, "::")
    assert settings.allowed_origins == ("https://a.example",)
    assert settings.today == dt.date(2031, 4, 9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROT", "8080"),
        ("Port", "8080"),
        ("PORT", "70000"),
        ("PORT", "80a"),
        ("PORT", "-1"),
        ("TODAY", "2031-02-30"),
        ("TODAY", "tomorrow"),
        ("PUBLIC_URL", "usage.example.com"),
        ("PUBLIC_URL", "https://usage.example.com:99999"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("TRUSTED_PROXIES", "proxy"),
        ("REGISTRY", "mysql://host"),
        ("ANALYTICS", "data"),
        ("LOGIN_FAILURES_PER_USER", "4"),
        ("LOG_LEVEL", "loud"),
        ("CONFIG", "/does/not/exist.toml"),
    ],
)
def test_a_bad_setting_is_one_line_naming_it(name: str, value: str) -> None:
    with pytest.raises(StartError, match=f"^ODOMETER_{name}[^\n]*$"):
        read_settings({f"ODOMETER_{name}": value})


@pytest.mark.parametrize("line", ["prot = 1", 'config = "x"', "port = true", "port = 1.5", "port = 0", "port ="])
def test_a_bad_line_of_the_file_is_named_too(tmp_path: Path, line: str) -> None:
    file = tmp_path / "odometer.toml"
    file.write_text(line)

    with pytest.raises(StartError, match=r"odometer\.toml"):
        read_settings({"ODOMETER_CONFIG": str(file)})


def test_the_documentation_is_up_to_date() -> None:
    assert DOCS.read_text(encoding="utf-8") == render_settings()
