"""The Origin rule of chapter 00, and the browser's address behind proxies."""

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from odometer.errors import Problem

# Public clients hard-code this value.
_ALWAYS_ALLOWED: Final = "https://analytics.revenera.com"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def allowed_origins(public_url: str, further: Iterable[str]) -> frozenset[str]:
    """The values of Origin that are accepted. On the own machine all its names are the same place."""
    parts = urlsplit(public_url)
    # Browsers leave out the scheme's own port.
    port = f":{parts.port}" if parts.port not in (None, _DEFAULT_PORTS.get(parts.scheme)) else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    hosts = _LOOPBACK if host in _LOOPBACK else (host,)
    own = {f"{parts.scheme}://{name}{port}" for name in hosts}
    return frozenset({_ALWAYS_ALLOWED, *own, *(origin.lower().rstrip("/") for origin in further)})


def check_origin(request: Request) -> None:
    """Raise `Problem` ORIGIN_NOT_ALLOWED for a foreign page's request."""
    origin = request.headers.get("origin")
    if origin is None:
        site = request.headers.get("sec-fetch-site", "none").lower()
        if site not in {"same-origin", "none"}:
            raise Problem("ORIGIN_NOT_ALLOWED", "Requests from other sites must carry an allowed Origin.")
    elif origin.lower() not in request.app.state.allowed_origins:
        raise Problem("ORIGIN_NOT_ALLOWED", "This Origin is not allowed; the operator can list it.")


def address_of(request: Request, trusted_proxies: tuple[str, ...]) -> str:
    """The caller's address: the connection's, or behind trusted proxies the last one that they did not set.

    One caller has one address: without port and brackets, and IPv4 as IPv4. What is no address hides who called; then
    the proxy that wrote it is all that is known.
    """
    host = request.client.host if request.client else ""
    address = _plain(host) or host
    if not trusted_proxies:
        return address
    networks = [ipaddress.ip_network(network) for network in trusted_proxies]
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    while hops and _is_within(address, networks):
        before = _plain(hops.pop())
        if before is None:
            break
        address = before
    return address


def _plain(entry: str) -> str | None:
    """An address as proxies write it (`1.2.3.4:5678`, `[2001:db8::1]:443`, `::ffff:1.2.3.4`); None = it is none."""
    entry = entry.strip().strip('"')
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(entry.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return str(mapped or parsed)


def _is_within(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # Where a server listens for both, an operator may have listed a proxy's IPv4 address as IPv6 shows it.
    names = [parsed, ipaddress.IPv6Address(f"::ffff:{parsed}")] if parsed.version == 4 else [parsed]
    return any(name in network for name in names for network in networks)
