"""The one error type that becomes an answer: a code of contract 00, a sentence for the caller, the field at fault."""

from typing import Final

STATUS_BY_CODE: Final[dict[str, int]] = {
    "MALFORMED_JSON": 400,
    "INVALID_FIELD": 400,
    "MISSING_FIELD": 400,
    "DATE_OUT_OF_RANGE": 400,
    "UNKNOWN_PROPERTY": 400,
    "TOO_MANY_SEGMENTS": 400,
    "NOT_AUTHENTICATED": 401,
    "SESSION_EXPIRED": 401,
    "BAD_CREDENTIALS": 401,
    "COOKIE_MISSING": 401,
    "ORIGIN_NOT_ALLOWED": 403,
    "CSRF_MISMATCH": 403,
    "PERMISSION_DENIED": 403,
    "FEATURE_NOT_ENABLED": 403,
    "NOT_FOUND": 404,
    "PRODUCT_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "BODY_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_ERROR": 500,
    "QUERY_TIMEOUT": 503,
    "BUSY": 503,
    "STORE_UNAVAILABLE": 503,
}


class Problem(Exception):
    """A refusal with a code of `STATUS_BY_CODE`; `field` names the one member at fault, if one is.

    `retry_after_s` is required by the contract for 429 and 503; it is sent as whole seconds.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS_BY_CODE[self.code]


def invalid(field: str, message: str) -> Problem:
    """The commonest refusal: one member has a wrong value (contract 00, `INVALID_FIELD`)."""
    return Problem("INVALID_FIELD", message, field=field)


class StartError(Exception):
    """Something keeps a process from starting: a bad setting, a locked folder. Its text is one clear line."""
