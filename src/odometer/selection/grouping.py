"""`groupBy` (chapter 02, Groups): which property's equal values make clients one."""

from typing import Annotated

from pydantic import Field

from odometer.errors import invalid
from odometer.model.properties import IDENTIFIER_TYPE, Property
from odometer.selection.reading import Language, named_property
from odometer.selection.wire import Text

GroupBy = Annotated[Text, Field(json_schema_extra={"examples": ["clientId", "machineId", "C04"]})]


def parse_group_by(name: GroupBy | None, language: Language) -> Property | None:
    """The property that groups; None where every client is its own group. Raises `Problem` naming the member."""
    if name is None:
        return None
    prop = named_property(name, "groupBy", language)
    if name == "clientId":
        return None
    if name not in ("machineId", "licenseKey") and language.custom_types.get(name) != IDENTIFIER_TYPE:
        raise invalid(
            "groupBy", f"Group by clientId, machineId, licenseKey or a custom property of type 3, not {name}."
        )
    return prop
