"""The two cookies of chapter 00: the session token, and the CSRF value that is bound to it by a signature."""

import hashlib
import hmac
import secrets
from typing import Final

from odometer.clock import Clock

SESSION_COOKIE: Final = "RUI-Session-Token"
CSRF_COOKIE: Final = "RUI-Csrf"
CSRF_HEADER: Final = "X-RUI-Csrf"
CSRF_LIFE_S: Final = 24 * 3600
_NOBODY: Final = "-"


def session_cookie(token: str, life_s: int, *, is_secure: bool) -> str:
    """Set-Cookie for a new session."""
    return _cookie(SESSION_COOKIE, token, life_s, is_secure=is_secure, for_script=False)


def expired_session_cookie(*, is_secure: bool) -> str:
    """Set-Cookie that makes a browser forget the session."""
    return _cookie(SESSION_COOKIE, "", 0, is_secure=is_secure, for_script=False)


def csrf_cookie(value: str, *, is_secure: bool) -> str:
    """Set-Cookie for a CSRF value; scripts may read it, to send it back as a header."""
    return _cookie(CSRF_COOKIE, value, CSRF_LIFE_S, is_secure=is_secure, for_script=True)


def _cookie(name: str, value: str, life_s: int, *, is_secure: bool, for_script: bool) -> str:
    parts = [f"{name}={value}", "Path=/", f"Max-Age={life_s}"]
    if life_s == 0:
        parts.append("Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    if not for_script:
        parts.append("HttpOnly")
    parts.append("SameSite=Lax")
    if is_secure:
        parts.append("Secure")
    return "; ".join(parts)


class CsrfValues:
    """Makes and checks CSRF values `expiry.random.binding.signature`; nothing is stored, so nothing can be flooded.

    The binding is derived from the session's token hash, so that a value made for one session is worthless in another.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def make(self, session_hash: str | None) -> str:
        """A value for this session, or for a caller who has none yet."""
        expires_s = self._clock.now_ms() // 1000 + CSRF_LIFE_S
        unsigned = f"{expires_s}.{secrets.token_urlsafe(16)}.{self._binding(session_hash)}"
        return f"{unsigned}.{self._sign(unsigned)}"

    def is_genuine(self, value: str) -> bool:
        """Whether this server made the value and it has not expired, whoever it was made for."""
        unsigned, _, signature = value.rpartition(".")
        if not _same(signature, self._sign(unsigned)):
            return False
        return int(unsigned.partition(".")[0]) > self._clock.now_ms() // 1000

    def is_for(self, value: str, session_hash: str) -> bool:
        """Whether the value is genuine and was made for this session."""
        return self.is_genuine(value) and _same(value.split(".")[2], self._binding(session_hash))

    def _binding(self, session_hash: str | None) -> str:
        return _NOBODY if session_hash is None else self._sign(f"session {session_hash}")[:32]

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8"))


def header_matches(header: str | None, cookie: str) -> bool:
    """Whether `X-RUI-Csrf`, if it was sent at all, repeats the cookie (chapter 00)."""
    return header is None or _same(header, cookie)
