"""request-csrf, login and logout, exactly as public clients expect them (chapter 00)."""

import asyncio
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts import Caller, Registry
from odometer.accounts.secret_text import hash_of
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer, problem_answer
from odometer.http.body import parse_body, read_body, require_json
from odometer.http.cookies import (
    CSRF_COOKIE,
    CSRF_HEADER,
    csrf_cookie,
    expired_session_cookie,
    header_matches,
    session_cookie,
)
from odometer.http.guard import csrf_of, presented_session
from odometer.http.openapi import Parameter, add_operation, operation
from odometer.http.origin import address_of, check_origin
from odometer.http.parts import HttpParts, parts_of
from odometer.http.throttle import LoginThrottle
from odometer.model import strict_json
from odometer.model.compatibility import Compatibility, Topic

_ACCOUNT: Final[dict[str, Any]] = {"accountId": 1, "name": "Odometer"}
_MAX_CREDENTIAL: Final = 1024
# Two credentials need no more; who sends it has not signed in yet.
_MAX_BODY: Final = 4096
_MINUTE_MS: Final = 60_000
_EXAMPLE: Final[dict[str, Any]] = {
    "account": _ACCOUNT,
    "freeware": {},
    "products": {
        "2376158762": {
            "productId": 2376158762,
            "name": "Facet",
            "daysUntilDeclaredLost": 40,
            "oldestDate": None,
            "permissions": ["reporting"],
        }
    },
    "userSettings": {"userName": "ada@example.com", "displayName": "Ada"},
}
_CSRF_COMPATIBILITY: Final = Compatibility(
    topic=Topic.SESSIONS,
    settled="204 without a body; sets the cookie `RUI-Csrf`.",
    ours=(
        "The cookie holds for 24 hours. For a live session it gets a value of that session, so that asking again "
        "breaks nothing."
    ),
)
_LOGIN_COMPATIBILITY: Final = Compatibility(
    topic=Topic.SESSIONS,
    settled=(
        "`userName` and `password` with the cookie `RUI-Csrf`: 200, the objects `account`, `freeware`, `products`, "
        "`userSettings`, and the cookies `RUI-Csrf` and `RUI-Session-Token`. Without a valid `RUI-Csrf`: 401, a "
        "message with the words Cookie Missing, and the cookie, so that a plain retry works. An `Authorization: Basic` "
        "header is ignored."
    ),
    ours=(
        "What the four objects hold. A live session that is presented is revoked. A session ends after 60 minutes "
        "without a call and after 12 hours; 10 failures of a user from an address within 15 minutes are 429, and so "
        "are 30 of an address for users who have not signed in from it within 30 days."
    ),
)
_LOGOUT_COMPATIBILITY: Final = Compatibility(
    topic=Topic.SESSIONS,
    settled=(
        "204 always, also without a session or a CSRF cookie. Ends the presented session, expires `RUI-Session-Token`, "
        "sets or keeps `RUI-Csrf`."
    ),
    ours="`allSessions` in the query or the body ends all sessions of the user.",
)

_ALL_SESSIONS: Final = Parameter("Ends all sessions of the user.", {"type": "boolean", "default": False}, example=True)


class Account(TypedDict):
    """The installation."""

    accountId: int
    name: str


class VisibleProduct(TypedDict):
    """A product that the user may see."""

    productId: int
    name: str
    daysUntilDeclaredLost: int
    oldestDate: str | None
    permissions: list[str]


class UserSettings(TypedDict):
    """The user."""

    userName: str
    displayName: str


class LoginAnswer(TypedDict):
    """What a session begins with; products by their id."""

    account: Account
    freeware: dict[str, str]
    products: dict[str, VisibleProduct]
    userSettings: UserSettings


class LoginRequest(BaseModel):
    """What `POST /v3/auth/web` takes."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    user_name: Annotated[str, Field(alias="userName", max_length=_MAX_CREDENTIAL, description="The email address.")]
    # Secret, so that no log line or error text can ever hold it.
    password: Annotated[SecretStr, Field(max_length=_MAX_CREDENTIAL)]


def login_router() -> APIRouter:
    """The routes for sessions."""
    csrf = operation(
        name="requestCsrf",
        title="Ask for a CSRF cookie",
        description=f"Sets the cookie {CSRF_COOKIE} that login wants to see.",
        tag="Sessions",
        compatibility=_CSRF_COMPATIBILITY,
        security=(),
        errors=("ORIGIN_NOT_ALLOWED",),
    )
    opening = operation(
        name="login",
        title="Log in",
        description="Opens a session. Without a valid CSRF cookie the answer is 401 and sets one: just try again.",
        tag="Sessions",
        compatibility=_LOGIN_COMPATIBILITY,
        body=LoginRequest,
        answer=LoginAnswer,
        example=({"userName": "ada@example.com", "password": "correct horse"}, _EXAMPLE),
        security=("csrf",),
        errors=("BAD_CREDENTIALS", "COOKIE_MISSING", "TOO_MANY_REQUESTS"),
    )
    ending = operation(
        name="logout",
        title="Log out",
        description="Ends the presented session, or with allSessions (query or body) every session of the user.",
        tag="Sessions",
        compatibility=_LOGOUT_COMPATIBILITY,
        security=(),
        query={"allSessions": _ALL_SESSIONS},
        errors=("ORIGIN_NOT_ALLOWED", "MALFORMED_JSON", "BODY_TOO_LARGE"),
    )
    router = APIRouter()
    add_operation(router, "GET", "/v3/request-csrf", request_csrf, csrf)
    add_operation(router, "POST", "/v3/auth/web", login, opening)
    add_operation(router, "POST", "/v3/auth/logout", logout, ending)
    return router


def request_csrf(request: Request) -> Response:
    """204 with a CSRF cookie: for the live session if there is one, so that asking again never breaks it."""
    check_origin(request)
    session = presented_session(request)
    live = session.token_hash if session is not None and session.caller is not None else None
    return Response(status_code=204, headers={"Set-Cookie": _new_csrf(request, live)})


async def login(request: Request) -> Response:
    """200 with both cookies, or a refusal that tells nothing about the user."""
    check_origin(request)
    cookie = request.cookies.get(CSRF_COOKIE, "")
    if not csrf_of(request).is_genuine(cookie):
        problem = Problem("COOKIE_MISSING", f"Cookie Missing: {CSRF_COOKIE} was not sent or is outdated; try again.")
        return problem_answer(request, problem, cookies=[_new_csrf(request, None)])
    if not header_matches(request.headers.get(CSRF_HEADER), cookie):
        raise Problem("CSRF_MISMATCH", f"{CSRF_HEADER} does not match the cookie {CSRF_COOKIE}.")
    parts = parts_of(request)
    throttle: LoginThrottle = request.app.state.throttle
    # Before anything is read: whoever is over the limit costs nothing more, unless somebody is known to be there, or
    # was unlocked and may be.
    try:
        throttle.check_address(address_of(request, parts.trusted_proxies))
    except Problem:
        if not _is_recent(parts, await run_in_threadpool(parts.registry.users.last_unlocked_ms)):
            raise
    require_json(request)
    body = parse_body(await read_body(request, _MAX_BODY), LoginRequest)
    caller = await check_password(request, body.user_name, body.password.get_secret_value())
    if caller is None:
        raise Problem("BAD_CREDENTIALS", "The user name or the password is wrong.")
    return await run_in_threadpool(_open_session, request, caller)


async def check_password(request: Request, user_name: str, password: str) -> Caller | None:
    """The user whose password this is; failures are counted. Raises `Problem` TOO_MANY_REQUESTS after too many."""
    parts = parts_of(request)
    throttle: LoginThrottle = request.app.state.throttle
    # Each check takes much memory on purpose; a few at a time are plenty, and no more can be counted but undecided.
    checking: asyncio.Semaphore = request.app.state.password_checks
    address = address_of(request, parts.trusted_proxies)
    async with checking:
        unlocked_ms = await run_in_threadpool(parts.registry.users.unlocked_ms, user_name)
        is_unlocked = _is_recent(parts, unlocked_ms)
        take_back = throttle.begin(user_name, address, unlocked_ms=unlocked_ms, is_unlocked=is_unlocked)
        caller = None
        has_failed = False
        try:
            caller = await run_in_threadpool(parts.registry.users.check_password, user_name, password)
            has_failed = caller is None
        finally:
            if not has_failed:
                take_back()
    if caller is not None:
        throttle.welcome(user_name, address)
    return caller


def _is_recent(parts: HttpParts, unlocked_ms: int) -> bool:
    """Whether failures of before a user was unlocked could still keep anybody out."""
    return unlocked_ms > parts.clock.now_ms() - parts.login_window_minutes * _MINUTE_MS


def _open_session(request: Request, caller: Caller) -> Response:
    parts = parts_of(request)
    sessions = parts.registry.sessions
    token = sessions.open(caller)
    old = presented_session(request)
    if old is not None:
        sessions.end(old)
    answer = JsonAnswer(_login_result(parts.registry, caller))
    answer.headers.append("Set-Cookie", _new_csrf(request, hash_of(token)))
    answer.headers.append("Set-Cookie", session_cookie(token, sessions.absolute_s, is_secure=parts.is_secure))
    request.state.user_id = caller.user_id
    return answer


def _login_result(registry: Registry, caller: Caller) -> LoginAnswer:
    products: dict[str, VisibleProduct] = {}
    for product in registry.products.list():
        held = caller.permissions_on(product.product_id)
        if held:
            products[str(product.product_id)] = {
                "productId": product.product_id,
                "name": product.name,
                "daysUntilDeclaredLost": product.days_until_declared_lost,
                "oldestDate": product.oldest_date.isoformat() if product.oldest_date else None,
                "permissions": sorted(held),
            }
    return {
        "account": cast("Account", _ACCOUNT),
        "freeware": {},
        "products": products,
        "userSettings": {"userName": caller.email, "displayName": caller.display_name},
    }


async def logout(request: Request) -> Response:
    """204 whatever is presented; a body that is no JSON is as good as none."""
    check_origin(request)
    body = await read_body(request, _MAX_BODY)
    in_query = request.query_params.get("allSessions", "").lower() == "true"
    everywhere = in_query or _asks_for_all(body)
    return await run_in_threadpool(_end_session, request, everywhere=everywhere)


def _asks_for_all(body: bytes) -> bool:
    try:
        content = strict_json.parse(body)
    except Problem:
        return False
    return isinstance(content, dict) and content.get("allSessions") is True


def _end_session(request: Request, *, everywhere: bool) -> Response:
    parts = parts_of(request)
    session = presented_session(request)
    if session is not None:
        parts.registry.sessions.end(session)
        if everywhere and session.caller is not None:
            parts.registry.sessions.end_all(session.caller)
    answer = Response(status_code=204)
    answer.headers.append("Set-Cookie", expired_session_cookie(is_secure=parts.is_secure))
    answer.headers.append("Set-Cookie", _new_csrf(request, None))
    return answer


def _new_csrf(request: Request, session_hash: str | None) -> str:
    return csrf_cookie(csrf_of(request).make(session_hash), is_secure=parts_of(request).is_secure)
