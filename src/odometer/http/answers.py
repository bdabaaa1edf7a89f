"""Answers: ASCII-only JSON, and the one error shape for every status (chapter 00)."""

import json
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from odometer.errors import Problem

_CODE_BY_STATUS: Final = {
    400: "MALFORMED_JSON",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_MESSAGE_BY_STATUS: Final = {
    404: "There is nothing at this address.",
    405: "This address does not know the method; see the header Allow.",
}


class JsonAnswer(Response):
    """JSON in ASCII, keys in insertion order: a public client decodes bodies as ISO-8859-1."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - any JSON value
        """The bytes of the body."""
        return json_bytes(content)


def json_bytes(content: object) -> bytes:
    """One JSON value as the API spells it."""
    return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def new_request_id() -> str:
    """An id for one request, by which its answer is found in the log."""
    return uuid.uuid4().hex


def request_id_of(request: Request) -> str:
    """The id that the answer, the log line and an error's body share."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def problem_answer(request: Request, problem: Problem, *, cookies: Sequence[str] = ()) -> JsonAnswer:
    """The error shape, with Retry-After where the definitions want it."""
    error = {"code": problem.code, "message": problem.message}
    if problem.field is not None:
        error["field"] = problem.field
    error["requestId"] = request_id_of(request)
    answer = JsonAnswer({"error": error}, problem.status)
    if problem.retry_after_s is not None:
        answer.headers["Retry-After"] = str(max(1, problem.retry_after_s))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    for cookie in cookies:
        answer.headers.append("Set-Cookie", cookie)
    return answer


def framework_problem(status: int) -> Problem:
    """The problem for a refusal of the web framework itself (404, 405, ...); its own words never reach a client."""
    code = _CODE_BY_STATUS.get(status, "INTERNAL_ERROR")
    return Problem(code, _MESSAGE_BY_STATUS.get(status, "The request cannot be answered."))


def internal_error() -> Problem:
    """What a client hears of an unexpected error; the log has the rest under the request id."""
    return Problem("INTERNAL_ERROR", "Something went wrong on the server; the operator finds it by the request id.")
