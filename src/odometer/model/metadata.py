"""The properties of a product as metadata (contract 01): what can be asked about it, and how."""

from collections.abc import Collection, Mapping
from typing import Any

from odometer.model.properties import CATALOGUE, CUSTOM_SLOTS, Property

CUSTOM_CATEGORY = "Custom Properties"


def product_properties(
    customs: Mapping[str, tuple[str, int]], slots_in_use: Collection[str], *, may_use_license_keys: bool
) -> dict[str, Any]:
    """The answer body: categories in catalogue order, none of them empty, every property with all seven keys.

    Args:
        customs: label and type of the custom properties that are set up, by slot.
        slots_in_use: custom properties that hold data; they are listed without being set up.
        may_use_license_keys: licenseKey is listed for those who may see it only.

    """
    categories: dict[str, list[dict[str, Any]]] = {}
    for prop in CATALOGUE:
        if prop.name == "licenseKey" and not may_use_license_keys:
            continue
        if prop.name in CUSTOM_SLOTS and prop.name not in customs and prop.name not in slots_in_use:
            continue
        categories.setdefault(prop.category, []).append(_entry(prop, customs.get(prop.name)))
    return {"result": [{"category": name, "properties": entries} for name, entries in categories.items()]}


def _entry(prop: Property, custom: tuple[str, int] | None) -> dict[str, Any]:
    label, custom_type = custom or (prop.friendly_name, 1)
    entry: dict[str, Any] = {
        "name": prop.name,
        "friendlyName": label,
        "filterType": "standard" if prop.daily else "currentData",
        # Counts of events, ids of campaigns: the contract knows four types only.
        "dataType": "number" if prop.data_type in ("events", "deliveries") else prop.data_type,
        "supportsRegex": prop.supports_regex,
        "supportsMeta": prop.supports_meta(custom_type),
        "supportsNull": prop.supports_null,
    }
    if prop.group is not None:
        entry |= {"group": prop.group, "granularity": prop.granularity}
    if prop.name in CUSTOM_SLOTS:
        entry["customType"] = custom_type
    return entry
