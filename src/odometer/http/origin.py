"""The Origin rule of contract 00, and the browser's address behind proxies."""

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
    """The caller's address: the connection's, or behind trusted proxies the last one that they did not set."""
    address = request.client.host if request.client else ""
    if not trusted_proxies:
        return address
    networks = [ipaddress.ip_network(network) for network in trusted_proxies]
    hops = [hop.strip() for line in request.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    while hops and _is_within(address, networks):
        address = hops.pop()
    return address


def _is_within(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
