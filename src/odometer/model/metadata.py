"""The properties of a product as metadata (chapter 01): what can be asked about it, and how."""

from collections.abc import Collection, Mapping
from typing import Final, Literal, NotRequired

from typing_extensions import TypedDict

from odometer.model.properties import CATALOGUE, CUSTOM_SLOTS, Property


class PropertyEntry(TypedDict):
    """A property: what it is called, what kind of value it has, and what can be asked about it."""

    name: str
    friendlyName: str
    filterType: Literal["standard", "currentData"]
    dataType: Literal["string", "number", "date", "boolean"]
    supportsRegex: bool
    supportsMeta: bool
    supportsNull: bool
    group: NotRequired[str]
    granularity: NotRequired[str]
    customType: NotRequired[int]


class PropertyCategory(TypedDict):
    """Properties under a heading; no category is empty."""

    category: str
    properties: list[PropertyEntry]


class PropertiesAnswer(TypedDict):
    """Categories in the order of the catalogue."""

    result: list[PropertyCategory]


DataType = Literal["string", "number", "date", "boolean"]
# Counts of events and ids of campaigns are numbers: there are four types only.
_DATA_TYPES: Final[dict[str, DataType]] = {"string": "string", "date": "date", "boolean": "boolean"}


def product_properties(
    customs: Mapping[str, tuple[str, int]], slots_in_use: Collection[str], *, may_use_license_keys: bool
) -> PropertiesAnswer:
    """The answer body: categories in catalogue order, none of them empty, every property with all seven keys.

    Args:
        customs: label and type of the custom properties that are set up, by slot.
        slots_in_use: custom properties that hold data; they are listed without being set up.
        may_use_license_keys: licenseKey is listed for those who may see it only.

    """
    categories: dict[str, list[PropertyEntry]] = {}
    for prop in CATALOGUE:
        if prop.name == "licenseKey" and not may_use_license_keys:
            continue
        if prop.name in CUSTOM_SLOTS and prop.name not in customs and prop.name not in slots_in_use:
            continue
        categories.setdefault(prop.category, []).append(_entry(prop, customs.get(prop.name)))
    return {"result": [{"category": name, "properties": entries} for name, entries in categories.items()]}


def _entry(prop: Property, custom: tuple[str, int] | None) -> PropertyEntry:
    label, custom_type = custom or (prop.friendly_name, 1)
    entry: PropertyEntry = {
        "name": prop.name,
        "friendlyName": label,
        "filterType": "standard" if prop.daily else "currentData",
        "dataType": _DATA_TYPES.get(prop.data_type, "number"),
        "supportsRegex": prop.supports_regex,
        "supportsMeta": prop.supports_meta(custom_type),
        "supportsNull": prop.supports_null,
    }
    if prop.group is not None and prop.granularity is not None:
        entry["group"], entry["granularity"] = prop.group, prop.granularity
    if prop.name in CUSTOM_SLOTS:
        entry["customType"] = custom_type
    return entry
