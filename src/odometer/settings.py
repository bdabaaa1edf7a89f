"""Settings: one table in code; environment variables, the optional TOML file and docs/settings.md all come from it."""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with a row of the table; its values are immutable

import datetime as dt
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from odometer.errors import StartError

PREFIX: Final = "ODOMETER_"
_MIB: Final = 1024 * 1024
_LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class _BadValueError(Exception):
    """A setting's text does not parse; the text says what is expected."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the text of a setting is read, and how the documentation calls it."""

    name: str
    parse: Callable[[str], Any]


def _text(raw: str) -> str:
    return raw


def _day(raw: str) -> dt.date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        raise _BadValueError("a date YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(raw)
    except ValueError as error:
        raise _BadValueError("a date of the calendar, YYYY-MM-DD") from error


def _web_address(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username:
        raise _BadValueError("a web address like https://usage.example.com")
    return raw.rstrip("/")


def _items(raw: str) -> list[str]:
    return [item.strip() for item in raw.split(",") if item.strip()]


def _origins(raw: str) -> tuple[str, ...]:
    found = tuple(_web_address(item).lower() for item in _items(raw))
    if any(urlsplit(item).path for item in found):
        raise _BadValueError("origins like https://app.example.com, separated by commas, without a path")
    return found


def _networks(raw: str) -> tuple[str, ...]:
    try:
        return tuple(str(ipaddress.ip_network(item)) for item in _items(raw))
    except ValueError as error:
        raise _BadValueError("addresses or networks like 10.0.0.0/8, separated by commas") from error


def _level(raw: str) -> str:
    if raw.upper() not in _LOG_LEVELS:
        raise _BadValueError(f"one of {', '.join(_LOG_LEVELS)}")
    return raw.upper()


def _store(*schemes: str) -> _Kind:
    def parse(raw: str) -> str:
        if raw.partition("://")[0] not in schemes or "://" not in raw:
            raise _BadValueError("an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return raw

    return _Kind("store address", parse)


def _files(raw: str) -> str:
    if "://" in raw and not re.fullmatch(r"s3://[^/]+(/.*)?", raw):
        raise _BadValueError("a folder, or s3://bucket/prefix")
    return raw


def _whole(lowest: int, highest: int) -> _Kind:
    def parse(raw: str) -> int:
        if not re.fullmatch(r"[0-9]{1,15}", raw) or not lowest <= int(raw) <= highest:
            raise _BadValueError(f"a whole number from {lowest} to {highest}")
        return int(raw)

    return _Kind("whole number", parse)


def _metrics(raw: str) -> str:
    host, colon, port = raw.rpartition(":")
    if raw not in ("token", "open") and not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise _BadValueError("token, open, or HOST:PORT of an address of its own")
    return raw


_FILE = _Kind("path", Path)
_FILES = _Kind("folder or s3 address", _files)
_TEXT = _Kind("text", _text)
_DAY = _Kind("date", _day)
_ADDRESS = _Kind("web address", _web_address)
_ORIGINS = _Kind("list of origins", _origins)
_NETWORKS = _Kind("list of networks", _networks)
_LEVEL = _Kind("log level", _level)
_COUNT = _whole(1, 1_000_000)
_BYTES = _whole(1024, 1024 * _MIB)


def _setting(kind: _Kind, default: str, explanation: str, *, shown: str = "") -> Any:  # noqa: ANN401 - like `field`
    """One row of the table; `shown` describes a default that depends on other settings."""
    value = kind.parse(default) if default else None
    if kind in (_ORIGINS, _NETWORKS):
        value = value or ()
    return field(default=value, metadata={"kind": kind, "default": shown or default, "help": explanation})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """THE table. A field `port` is read from `ODOMETER_PORT` or from `port` in the TOML file.

    `public_url`, `analytics`, `registry` and `files` are never empty after `read_settings`.
    """

    config: Path | None = _setting(_FILE, "", "TOML file to read settings from; the environment wins.")
    data: Path = _setting(_FILE, "./odometer-data", "Folder for everything the server stores by itself.")
    host: str = _setting(_TEXT, "127.0.0.1", "Address to listen on; 0.0.0.0 listens on every interface.")
    port: int = _setting(_whole(1, 65535), "8080", "Port to listen on.")
    public_url: str = _setting(_ADDRESS, "", "Address users see. https makes cookies Secure.", shown="http://HOST:PORT")
    analytics: str = _setting(
        _store("chdb", "clickhouse", "clickhouses"),
        "",
        "Analytics store: chdb:///folder, clickhouse://user:password@host/database, or clickhouses:// with TLS.",
        shown="chDB in DATA/analytics",
    )
    registry: str = _setting(
        _store("sqlite", "postgresql+psycopg"),
        "",
        "Registry (accounts, products, keys): sqlite:///file or postgresql+psycopg://user:password@host/database.",
        shown="SQLite in DATA/registry.sqlite",
    )
    files: str = _setting(
        _FILES,
        "",
        "Where files to download are kept: a folder, or s3://bucket/prefix with the usual AWS_ variables.",
        shown="DATA/files",
    )
    today: dt.date | None = _setting(_DAY, "", "Fix the clock at the end of this day (demonstrations and tests).")
    allowed_origins: tuple[str, ...] = _setting(
        _ORIGINS, "", "Further values of the Origin header that are accepted, separated by commas."
    )
    cors_origins: tuple[str, ...] = _setting(
        _ORIGINS, "", "Origins whose pages may read answers (CORS); they are accepted as Origin too."
    )
    trusted_proxies: tuple[str, ...] = _setting(
        _NETWORKS, "", "Networks of reverse proxies whose X-Forwarded-For is believed, separated by commas."
    )
    session_idle_minutes: int = _setting(_COUNT, "60", "A session ends after this time without a call.")
    session_hours: int = _setting(_COUNT, "12", "A session ends after this time in any case.")
    max_body_bytes: int = _setting(_BYTES, str(4 * _MIB), "Largest request body.")
    max_collect_bytes: int = _setting(_BYTES, str(8 * _MIB), "Largest body of a batch of records.")
    max_collect_decompressed_bytes: int = _setting(_BYTES, str(64 * _MIB), "The same after decompression.")
    max_connections: int = _setting(_COUNT, "1000", "Connections at the same time; more are answered 503.")
    request_head_seconds: int = _setting(_COUNT, "10", "A connection without a whole request head is closed after it.")
    request_body_seconds: int = _setting(_COUNT, "120", "A request's body must have arrived after it (408).")
    stall_seconds: int = _setting(_COUNT, "20", "A body or an answer that stands still is given up after it.")
    report_seconds: int = _setting(_COUNT, "60", "A report that takes longer is stopped (503 QUERY_TIMEOUT).")
    report_memory_mib: int = _setting(_COUNT, "4096", "Memory that one question of a report may take, in MiB (503).")
    reports_per_user: int = _setting(_COUNT, "4", "Reports of one user that run at the same time.")
    report_wait_seconds: int = _setting(_COUNT, "10", "Further reports wait this long, then 503 BUSY.")
    login_failures_per_user: int = _setting(
        _whole(5, 1_000_000), "10", "Failed logins of one user from one address within the window before 429."
    )
    login_failures_per_address: int = _setting(
        _whole(5, 1_000_000), "30", "Failed logins from one address within the window before 429."
    )
    login_window_minutes: int = _setting(_COUNT, "15", "The window for failed logins.")
    exports_per_user: int = _setting(_COUNT, "3", "Exports of one user that wait or run before 429.")
    export_days: int = _setting(_COUNT, "7", "Exported files are kept this long.")
    daily_file_days: int = _setting(
        _whole(1, 3_650), "90", "Files of custom events, exceptions and raw events are kept for so many days."
    )
    link_minutes: int = _setting(_whole(1, 10_080), "15", "A link to a file holds this long.")
    max_record_age_days: int = _setting(_COUNT, "400", "Older records are refused at the door; import takes them.")
    geo: Path | None = _setting(_FILE, "", "MaxMind-format file (City or Country) for geography; none: no geography.")
    metrics: str = _setting(
        _Kind("token, open or address", _metrics),
        "token",
        "Who may read /metrics: token = administrators, by API token or session, open = everybody who reaches the "
        "server, HOST:PORT = everybody who reaches that address, which serves nothing else.",
    )
    worker_threads: int = _setting(_whole(1, 256), "4", "Threads that run reports.")
    min_free_mib: int = _setting(
        _whole(1, 1_000_000_000),
        "1024",
        "With less space left on a disk the server is not ready, in MiB.",
    )
    log_level: str = _setting(_LEVEL, "INFO", f"How much is logged: {', '.join(_LOG_LEVELS)}.")


_TABLE: Final[dict[str, Field[Any]]] = {item.name: item for item in fields(Settings)}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, from the environment and the file that `ODOMETER_CONFIG` names.

    Raises `StartError` with one line that names the bad or unknown setting.
    """
    variables = os.environ if environment is None else environment
    given = {}
    for variable, raw in variables.items():
        if variable.startswith(PREFIX) and raw != "":
            name = variable.removeprefix(PREFIX).lower()
            if name not in _TABLE or variable != variable.upper():
                raise StartError(f"{variable} is not a setting of Odometer.")
            given[name] = _value(name, raw, variable)
    if "config" in given:
        given = _read_file(given["config"]) | given
    return _complete(Settings(**given))


def _value(name: str, raw: str, source: str) -> Any:  # noqa: ANN401 - the field's type
    kind: _Kind = _TABLE[name].metadata["kind"]
    try:
        return kind.parse(raw)
    except _BadValueError as error:
        raise StartError(f"{source} must be {error}.") from error


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{PREFIX}CONFIG: {path} cannot be read.") from error
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"{PREFIX}CONFIG: {path} is not TOML: {error}.") from error
    found = {}
    for name, value in content.items():
        if name not in _TABLE or name == "config":
            raise StartError(f"{name} in {path} is not a setting of Odometer.")
        found[name] = _value(name, _as_text(value, f"{name} in {path}"), f"{name} in {path}")
    return found


def _as_text(value: object, source: str) -> str:
    """A TOML value as the environment would spell it, so that both have one set of rules."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str | dt.date) or (isinstance(value, int) and not isinstance(value, bool)):
        return str(value)
    raise StartError(f"{source} must be text, a whole number, a date or a list of texts.")


def _complete(settings: Settings) -> Settings:
    """Fill in the defaults that depend on other settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    folder = settings.data.absolute()
    return replace(
        settings,
        public_url=settings.public_url or f"http://{host}:{settings.port}",
        analytics=settings.analytics or f"chdb://{folder / 'analytics'}",
        registry=settings.registry or f"sqlite:///{folder / 'registry.sqlite'}",
        files=settings.files or str(folder / "files"),
    )


def render_settings() -> str:
    """The table as the Markdown page docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. The same settings may stand in a TOML file, in lower case and",
        "without the prefix (`port = 8080`), named by `ODOMETER_CONFIG`; the environment wins. An empty variable",
        "counts as not set. A bad or unknown setting keeps the server from starting, with one line that names it.",
        "",
        "This page is generated from `src/odometer/settings.py` by `python -m odometer.settings > docs/settings.md`.",
        "",
        "| variable | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for name, item in _TABLE.items():
        default = f"`{item.metadata['default']}`" if item.metadata["default"] else "not set"
        kind: _Kind = item.metadata["kind"]
        lines.append(f"| `{PREFIX}{name.upper()}` | {kind.name} | {default} | {item.metadata['help']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(render_settings(), end="")  # noqa: T201 - its output is the page
