"""The settings of a product over HTTP (ours): reading and changing them, for developers and administrators."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from odometer.accounts import Permission
from odometer.accounts.product_settings import Product, settings_of
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer
from odometer.http.body import OLDER_MEMBERS, read_json
from odometer.http.guard import Access, require
from odometer.http.lanes import lanes_of
from odometer.http.openapi import operation
from odometer.http.parts import parts_of
from odometer.model import strict_json

PATH: Final = "/admin/v1/products/{product_id}/settings"
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "Facet",
    "daysUntilDeclaredLost": 30,
    "oldestDate": None,
    "newEvents": "advanced",
    "licenseStatusSource": "client",
    "collectLicenseKeys": True,
    "rawExport": True,
    "rawExportFormats": ["csv"],
    "customProperties": {"C04": {"label": "Sales channel", "type": 1}},
}
_CHANGES: Final = {"daysUntilDeclaredLost": 30, "customProperties": {"C04": {"label": "Sales channel"}}}
_SETTERS: Final = (Permission.DEVELOPER, Permission.ADMIN)


def product_settings_router() -> APIRouter:
    """The routes that read and change settings."""
    router = APIRouter()
    router.add_api_route(
        PATH,
        _read,
        methods=["GET"],
        name="product_settings",
        openapi_extra=operation(
            title="Settings of a product",
            description="Needs the permission developer or admin, as changing them does.",
            group="Administration",
            example=({}, {"result": _EXAMPLE}),
            has_product=True,
        ),
    )
    router.add_api_route(
        PATH,
        _change,
        methods=["PATCH"],
        name="change_product_settings",
        openapi_extra=operation(
            title="Change settings of a product",
            description=(
                "Members that are not named stay as they are; null sets one back to its default; customProperties are "
                "merged by slot. All or nothing. What changed is in the audit log."
            ),
            group="Administration",
            body={"application/json": {"schema": {"type": "object"}, "example": _CHANGES}},
            example=(_CHANGES, {"result": _EXAMPLE}),
            has_product=True,
        ),
    )
    return router


def _answer(product: Product) -> Response:
    return JsonAnswer({"result": settings_of(product)})


async def _read(access: Annotated[Access, Depends(require(*_SETTERS))]) -> Response:
    return _answer(access.product)


async def _change(request: Request, access: Annotated[Access, Depends(require(*_SETTERS))]) -> Response:
    parts = parts_of(request)
    body = await read_json(request)

    def change() -> Product:
        given = strict_json.parse(body)
        if not isinstance(given, dict):
            raise Problem("INVALID_FIELD", "The body must be a JSON object.")
        changes = {name: value for name, value in given.items() if name not in OLDER_MEMBERS}
        return parts.registry.products.change(access.product.product_id, changes, actor=access.caller.email)

    return _answer(await lanes_of(request).changing.run(change))
