"""GET /v3/meta/productProperties, with and without a product (chapter 01)."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from odometer.accounts import Caller, Permission, Product
from odometer.http.answers import JsonAnswer
from odometer.http.guard import Access, TheCaller, require
from odometer.http.lanes import lanes_of
from odometer.http.openapi import add_operation, operation
from odometer.http.parts import HttpParts, parts_of
from odometer.model.compatibility import Compatibility, Topic
from odometer.model.metadata import PropertiesAnswer, product_properties

PATH: Final = "/v3/meta/productProperties"
_EXAMPLE: Final[dict[str, Any]] = {
    "result": [
        {
            "category": "Product Properties",
            "properties": [
                {
                    "name": "prodVersion",
                    "friendlyName": "Product Version",
                    "filterType": "standard",
                    "dataType": "string",
                    "supportsRegex": True,
                    "supportsMeta": True,
                    "supportsNull": True,
                }
            ],
        }
    ]
}
_COMPATIBILITY: Final = Compatibility(
    topic=Topic.METADATA,
    settled=(
        "`result`: an array of categories, none of them empty. Every property has `name`, `friendlyName` (unique "
        "within a product), `filterType`, `dataType`, `supportsRegex`, `supportsMeta`, `supportsNull`; levels add "
        "`group` and `granularity`, custom properties `customType`. Without an id: the list of the only product that "
        "the user can see, else the standard catalogue."
    ),
    ours=(
        "What the custom types mean: 1 a label with few values, 2 many values, 3 an identifier. `licenseKey` is listed "
        "with the permission license_filtering."
    ),
)


def metadata_router() -> APIRouter:
    """The two routes."""
    router = APIRouter()
    add_operation(
        router,
        "GET",
        PATH,
        _standard,
        operation(
            name="productProperties",
            title="Properties",
            description="Of the only product that the caller may see; for others the standard ones of every product.",
            tag="Metadata",
            compatibility=_COMPATIBILITY,
            answer=PropertiesAnswer,
            example=(None, _EXAMPLE),
        ),
    )
    add_operation(
        router,
        "GET",
        PATH + "/{product_id}",
        _of_product,
        operation(
            name="productPropertiesOfProduct",
            title="Properties of a product",
            description="Names, types, and what each property can be asked; custom ones under their labels.",
            tag="Metadata",
            compatibility=_COMPATIBILITY,
            answer=PropertiesAnswer,
            example=(None, _EXAMPLE),
            has_product=True,
        ),
    )
    return router


async def _standard(request: Request, caller: TheCaller) -> Response:
    parts = parts_of(request)
    products = await lanes_of(request).reading.run(parts.registry.products.list)
    visible = [product for product in products if caller.permissions_on(product.product_id)]
    if len(visible) == 1 and Permission.REPORTING in caller.permissions_on(visible[0].product_id):
        return JsonAnswer(await lanes_of(request).asking.run(partial(_listed, parts, caller, visible[0])))
    may_use_keys = any(Permission.LICENSE_FILTERING in caller.permissions_on(product.product_id) for product in visible)
    return JsonAnswer(product_properties({}, (), may_use_license_keys=may_use_keys))


async def _of_product(request: Request, access: Annotated[Access, Depends(require(Permission.REPORTING))]) -> Response:
    listed = partial(_listed, parts_of(request), access.caller, access.product)
    return JsonAnswer(await lanes_of(request).asking.run(listed))


def _listed(parts: HttpParts, caller: Caller, product: Product) -> PropertiesAnswer:
    return product_properties(
        {slot: (custom.label, custom.type) for slot, custom in product.custom_properties.items()},
        parts.questions.custom_slots_in_use(product.product_id),
        may_use_license_keys=Permission.LICENSE_FILTERING in caller.permissions_on(product.product_id),
    )
