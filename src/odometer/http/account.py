"""One's own account: changing the password."""

from typing import Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer
from odometer.http.body import parse_body, read_body, require_json
from odometer.http.cookies import expired_session_cookie
from odometer.http.guard import TheCaller
from odometer.http.login import check_password
from odometer.http.openapi import add_operation, operation
from odometer.http.parts import parts_of

PATH: Final = "/admin/v1/account/password"
# As at login: passwords of before may be longer than a new one.
_MAX_CURRENT: Final = 1024
# Two passwords of the greatest length with each character escaped (twelve bytes), and the names of the members.
_MAX_BODY: Final = 12 * (_MAX_CURRENT + MAX_LENGTH) + 1024
_EXAMPLE: Final[dict[str, Any]] = {
    "currentPassword": "correct horse",
    "newPassword": "seven lamps by the river",
    "revokeTokens": True,
}


class TokensLeft(TypedDict):
    """How many of one's API tokens are still in force."""

    tokensInForce: int


class PasswordAnswer(TypedDict):
    """The password is changed."""

    result: TokensLeft


class PasswordRequest(BaseModel):
    """The old and the new password, and what becomes of API tokens."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    current_password: SecretStr = Field(alias="currentPassword", max_length=_MAX_CURRENT)
    new_password: SecretStr = Field(
        alias="newPassword",
        description=f"{MIN_LENGTH} to {MAX_LENGTH} characters, no common password, nothing like the address.",
    )
    revoke_tokens: bool = Field(
        alias="revokeTokens",
        description="Whether your API tokens end too: true if somebody else may know the old password.",
    )


def account_router() -> APIRouter:
    """The route."""
    router = APIRouter()
    add_operation(
        router,
        "POST",
        PATH,
        _change_password,
        operation(
            name="changePassword",
            title="Change your password",
            description=(
                "Ends all your sessions, this one too, and with revokeTokens your API tokens. Needs a session: a token "
                "cannot change a password. The answer tells how many tokens are still in force."
            ),
            tag="Administration",
            body=PasswordRequest,
            answer=PasswordAnswer,
            example=(_EXAMPLE, {"result": {"tokensInForce": 0}}),
            security=("session",),
            errors=("BAD_CREDENTIALS", "PERMISSION_DENIED", "TOO_MANY_REQUESTS"),
        ),
    )
    return router


async def _change_password(request: Request, caller: TheCaller) -> Response:
    if caller.token_id is not None:
        raise Problem("PERMISSION_DENIED", "An API token cannot change a password; log in first.")
    require_json(request)
    asked = parse_body(await read_body(request, _MAX_BODY), PasswordRequest)
    checked = await check_password(request, caller.email, asked.current_password.get_secret_value())
    if checked is None:
        raise Problem("BAD_CREDENTIALS", "The current password is wrong.", field="currentPassword")
    users = parts_of(request).registry.users

    def change() -> int:
        new = asked.new_password.get_secret_value()
        return users.set_own_password(checked, new, revoke_tokens=asked.revoke_tokens)

    # Hashing takes much memory, as checking does.
    async with request.app.state.password_checks:
        left = await run_in_threadpool(change)
    answer = JsonAnswer({"result": {"tokensInForce": left}})
    answer.headers.append("Set-Cookie", expired_session_cookie(is_secure=parts_of(request).is_secure))
    return answer
