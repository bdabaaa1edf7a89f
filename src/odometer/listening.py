"""Whether the server can listen where settings say: known before anything is opened or made."""

import errno
import socket
from typing import Any, Final

from odometer.errors import StartError
from odometer.settings import Settings

_WHY: Final = {
    errno.EADDRINUSE: "it is in use",
    errno.EADDRNOTAVAIL: "that is no address of this machine",
    errno.EACCES: "this user has no permission for it",
}


def require_free_addresses(settings: Settings) -> None:
    """Raise `StartError` when the address of the API, or that of the metrics, cannot be listened on."""
    _require_free(settings.host, settings.port, "ODOMETER_HOST and ODOMETER_PORT name another.")
    host, colon, port = settings.metrics.rpartition(":")
    if colon:
        _require_free(host.strip("[]"), int(port), "ODOMETER_METRICS names another.")


def _require_free(host: str, port: int, hint: str) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise StartError(f"Cannot listen on {host}:{port}: there is no such host. {hint}") from None
    failures = [error for one in found if (error := _failure(*one)) is not None]
    # A name may have an address of a kind that this machine has not: the others will do.
    telling = [error for error in failures if error.errno == errno.EADDRINUSE or len(failures) == len(found)]
    if telling:
        why = _WHY.get(telling[0].errno or 0, telling[0].strerror)
        raise StartError(f"Cannot listen on {host}:{port}: {why}. {hint}")


def _failure(family: int, kind: int, protocol: int, _name: str, address: Any) -> OSError | None:  # noqa: ANN401
    """Why the address cannot be listened on, as the server itself would do it."""
    try:
        with socket.socket(family, kind, protocol) as probe:
            # What a former server has left half open is no hindrance.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(address)
    except OSError as error:
        return error
    return None
