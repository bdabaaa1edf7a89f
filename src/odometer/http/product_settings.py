"""The settings of a product over HTTP (ours): reading and changing them, for developers and administrators."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from odometer.accounts import Permission
from odometer.accounts.product_settings import MAX_DAYS_UNTIL_LOST, MAX_NAME, Product, ProductSettings, settings_of
from odometer.errors import Problem
from odometer.http.answers import JsonAnswer
from odometer.http.body import OLDER_MEMBERS, read_json
from odometer.http.guard import Access, require
from odometer.http.lanes import lanes_of
from odometer.http.openapi import Content, add_operation, operation
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


class SettingsAnswer(TypedDict):
    """All settings as they are now."""

    result: ProductSettings


class CustomPropertyChanges(TypedDict, total=False):
    """What to change of a custom property."""

    label: str | None
    type: Literal[1, 2, 3] | None


class SettingsChanges(TypedDict, total=False):
    """The settings to change; null sets one back to its default."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    daysUntilDeclaredLost: Annotated[int, Field(ge=1, le=MAX_DAYS_UNTIL_LOST)] | None
    oldestDate: Annotated[str, Field(description="YYYY-MM-DD; requests before this day are refused.")] | None
    newEvents: Literal["advanced", "basic", "inactive"] | None
    licenseStatusSource: Literal["client", "registry"] | None
    collectLicenseKeys: bool | None
    rawExport: bool | None
    rawExportFormats: Annotated[list[Literal["csv", "parquet"]], Field(min_length=1)] | None
    customProperties: Annotated[
        dict[str, CustomPropertyChanges | None], Field(description="By slot, C01 to C20; null sets a slot back.")
    ]


def product_settings_router() -> APIRouter:
    """The routes that read and change settings."""
    router = APIRouter()
    add_operation(
        router,
        "GET",
        PATH,
        _read,
        operation(
            name="productSettings",
            title="Settings of a product",
            description="Needs the permission developer or admin, as changing them does.",
            tag="Administration",
            answer=SettingsAnswer,
            example=(None, {"result": _EXAMPLE}),
            has_product=True,
        ),
    )
    add_operation(
        router,
        "PATCH",
        PATH,
        _change,
        operation(
            name="changeProductSettings",
            title="Change settings of a product",
            description=(
                "Members that are not named stay as they are; null sets one back to its default; customProperties are "
                "merged by slot. All or nothing. What changed is in the audit log."
            ),
            tag="Administration",
            body=(Content(SettingsChanges, _CHANGES),),
            answer=SettingsAnswer,
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
