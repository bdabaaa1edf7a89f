"""The guard before every operation: who is calling, from where, and whether they may do this with that product.

The order is fixed by the definitions: 401, then Origin and CSRF (403), then an invisible product (404), then a missing
permission (403); the body is read only after all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from odometer.accounts import Caller, Permission, Product, Registry
from odometer.accounts.keys import PREFIX as KEY_PREFIX
from odometer.accounts.sessions import Session
from odometer.accounts.tokens import PREFIX as TOKEN_PREFIX
from odometer.errors import Problem
from odometer.http.cookies import CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE, CsrfValues, header_matches
from odometer.http.origin import check_origin
from odometer.http.parts import parts_of

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_DIGITS: Final = 20


@dataclass(frozen=True, slots=True)
class Access:
    """What an operation on a product knows of its caller: they may do what the operation asked for."""

    caller: Caller
    product: Product

    @property
    def may_use_license_keys(self) -> bool:
        """The caller has license_filtering on the product."""
        return Permission.LICENSE_FILTERING in self.caller.permissions_on(self.product.product_id)


def csrf_of(request: Request) -> CsrfValues:
    """The maker of CSRF values of the application that serves this request."""
    values: CsrfValues = request.app.state.csrf
    return values


def bearer_of(request: Request) -> str | None:
    """The token of `Authorization: Bearer`; other schemes (a client sends Basic on login) do not count."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def presented_session(request: Request) -> Session | None:
    """The session whose cookie the request carries, live or expired."""
    token = request.cookies.get(SESSION_COOKIE)
    return parts_of(request).registry.sessions.find(token) if token else None


def find_caller(request: Request) -> Caller:
    """The authenticated caller. Raises `Problem` 401, then 403 for a foreign Origin or a wrong CSRF value."""
    token = bearer_of(request)
    if token is not None:
        caller = _caller_with(token, parts_of(request).registry)
    else:
        session = presented_session(request)
        if session is None:
            raise Problem("NOT_AUTHENTICATED", "Log in first, or send an API token.")
        if session.caller is None:
            raise Problem("SESSION_EXPIRED", "The session has expired; log in again.")
        check_origin(request)
        _check_csrf(request, session)
        caller = session.caller
    request.state.user_id = caller.user_id
    return caller


def _caller_with(token: str, registry: Registry) -> Caller:
    if token.startswith(KEY_PREFIX):
        message = f"This is an ingestion key, which can only send; reports need an API token ({TOKEN_PREFIX}...)."
        raise Problem("NOT_AUTHENTICATED", message)
    caller = registry.tokens.find(token)
    if caller is None:
        raise Problem("NOT_AUTHENTICATED", registry.tokens.why_refused(token))
    return caller


def _check_csrf(request: Request, session: Session) -> None:
    cookie = request.cookies.get(CSRF_COOKIE, "")
    if not header_matches(request.headers.get(CSRF_HEADER), cookie):
        raise Problem("CSRF_MISMATCH", f"{CSRF_HEADER} does not match the cookie {CSRF_COOKIE}.")
    if request.method not in _SAFE_METHODS and not csrf_of(request).is_for(cookie, session.token_hash):
        raise Problem("CSRF_MISMATCH", f"The cookie {CSRF_COOKIE} is missing or not the one of this session.")


TheCaller = Annotated[Caller, Depends(find_caller)]


def visible_product(request: Request, caller: TheCaller) -> Access:
    """The product in the path, if the caller may see it at all: an invisible one does not exist for them."""
    digits = request.path_params["product_id"]
    product = None
    if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
        product = parts_of(request).registry.products.get(int(digits))
    if product is None or not caller.permissions_on(product.product_id):
        raise Problem("PRODUCT_NOT_FOUND", "There is no such product.")
    return Access(caller, product)


def require(*any_of: Permission) -> Callable[..., Access]:
    """A dependency for routes with `{product_id}`: `access: Annotated[Access, Depends(require(Permission.X))]`."""

    def guard(access: Annotated[Access, Depends(visible_product)]) -> Access:
        if access.caller.permissions_on(access.product.product_id).isdisjoint(any_of):
            raise Problem("PERMISSION_DENIED", f"This needs the permission {' or '.join(any_of)}.")
        return access

    return guard
