"""The one error type that becomes an answer: a code of chapter 00, a sentence for the caller, the field at fault."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

_THE_STATUS: Final = "The status."
_WITH_RETRY_AFTER: Final = "The status, with Retry-After in whole seconds, never a date."


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A row of the table of refusals; docs/compatibility.md is made from it.

    Attributes:
        status: the HTTP status.
        meaning: when it is answered.
        settled: what public clients or public documentation depend on; code and message are our decision.

    """

    status: int
    meaning: str
    settled: str = _THE_STATUS


ERROR_CODES: Final[dict[str, ErrorCode]] = {
    "MALFORMED_JSON": ErrorCode(400, "The body is not JSON, or has a key twice in one object."),
    "INVALID_FIELD": ErrorCode(
        400, "A member has a wrong type, form or value, or is unknown where that would mislead."
    ),
    "MISSING_FIELD": ErrorCode(400, "A required member is absent or null."),
    "DATE_OUT_OF_RANGE": ErrorCode(400, "startDate lies before the product's oldestDate."),
    "UNKNOWN_PROPERTY": ErrorCode(400, "A property is not in the catalogue."),
    "TOO_MANY_SEGMENTS": ErrorCode(
        400,
        "The answer would have more items or cells than allowed; the message says how many there are.",
    ),
    "NOT_AUTHENTICATED": ErrorCode(401, "No session and no API token, or an unknown one."),
    "SESSION_EXPIRED": ErrorCode(401, "The session has ended; log in again."),
    "BAD_CREDENTIALS": ErrorCode(401, "The user name or the password is wrong; which of them is not told."),
    "COOKIE_MISSING": ErrorCode(
        401,
        "Login without a valid cookie RUI-Csrf.",
        "The status, the words Cookie Missing in the message, and the cookie that it sets: a plain retry works.",
    ),
    "ORIGIN_NOT_ALLOWED": ErrorCode(
        403,
        "Origin is not in the allow-list; without Origin, the header Sec-Fetch-Site tells of a foreign page.",
        "The status; `https://analytics.revenera.com` is always allowed.",
    ),
    "CSRF_MISMATCH": ErrorCode(
        403,
        "The cookie RUI-Csrf is missing or not the one of this session, or X-RUI-Csrf was sent and differs.",
        "The status, and that no header is ever required.",
    ),
    "PERMISSION_DENIED": ErrorCode(
        403, "The caller may not do this, or not with licenseKey; or a link to a file is over or changed."
    ),
    "FEATURE_NOT_ENABLED": ErrorCode(403, "The product has raw event files switched off."),
    "NOT_FOUND": ErrorCode(404, "There is nothing at this address, no such file, event, export or client."),
    "PRODUCT_NOT_FOUND": ErrorCode(404, "There is no such product, or the caller may not see it."),
    "METHOD_NOT_ALLOWED": ErrorCode(
        405,
        "The address does not know the method; the header Allow names those it does.",
        "The status, with the header Allow.",
    ),
    "REQUEST_TIMEOUT": ErrorCode(408, "The request did not arrive in time; the connection is closed.", ""),
    "BODY_TOO_LARGE": ErrorCode(
        413, "The body is over the limit (4 MiB, for collecting 8 MiB, for signing in 4 KiB), or holds too many values."
    ),
    "UNSUPPORTED_MEDIA_TYPE": ErrorCode(
        415, "The content type is not JSON.", "The status; a missing Content-Type is accepted."
    ),
    "TOO_MANY_REQUESTS": ErrorCode(
        429,
        "Too many failed logins, or exports that wait or run.",
        _WITH_RETRY_AFTER + " Four wrong logins in a row stay below the threshold.",
    ),
    "INTERNAL_ERROR": ErrorCode(500, "Something went wrong on the server; the operator finds it by the requestId.", ""),
    "QUERY_TIMEOUT": ErrorCode(
        503, "The report took longer (60 seconds) or needed more memory than it may.", _WITH_RETRY_AFTER
    ),
    "BUSY": ErrorCode(
        503,
        "Too much of the kind runs or waits: reports, batches, changes, connections.",
        _WITH_RETRY_AFTER,
    ),
    "STORE_UNAVAILABLE": ErrorCode(503, "A store does not answer.", _WITH_RETRY_AFTER),
}


class Problem(Exception):
    """A refusal with a code of `ERROR_CODES`; `field` names the one member at fault, if one is.

    `retry_after_s` is required by the definitions for 429 and 503; it is sent as whole seconds.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive the way from another process, which exceptions with named arguments do not of themselves."""
        return (partial(Problem, field=self.field, retry_after_s=self.retry_after_s), (self.code, self.message))

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return ERROR_CODES[self.code].status


def invalid(field: str, message: str) -> Problem:
    """The commonest refusal: one member has a wrong value (chapter 00, `INVALID_FIELD`)."""
    return Problem("INVALID_FIELD", message, field=field)


class StartError(Exception):
    """Something keeps a process from starting: a bad setting, a locked folder. Its text is one clear line."""
