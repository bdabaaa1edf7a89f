"""Lines of custom events and exceptions (chapter 08): their columns, and the texts that previews and files show."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from odometer.model.moments import to_text
from odometer.model.properties import BY_NAME, Property

LineType = Literal["custom_event", "exception"]

_SHOWN: Final = (
    *("prodEdition", "prodVersion", "prodBuild", "prodLanguage", "licenseType"),
    *("licenseStatus.allowed", "licenseStatus.blocked", "licenseStatus.activated", "licenseStatus.expired"),
    *("os.version", "osWordLength", "osLanguage", "cpuType", "cpuCores", "ram", "displayCount", "resolution"),
    *("dotNetVersion", "gpu.model", "formFactor", "geography.country", "geography.usState"),
)
_RESOLUTION: Final = ("resolutionWidth", "resolutionHeight")
# Whose values of the day a line carries.
LINE_PROPERTIES: Final[tuple[Property, ...]] = tuple(
    BY_NAME[name] for shown in _SHOWN for name in (_RESOLUTION if shown == "resolution" else (shown,))
)
_OF_CLIENT: Final = {
    "timestamp": "Timestamp",
    "clientId": BY_NAME["clientId"].friendly_name,
    **{name: BY_NAME[name].friendly_name if name in BY_NAME else "Resolution" for name in _SHOWN},
    "os.version": "OS Type",
}
# Columns of each type in their order, with their labels.
LINE_COLUMNS: Final[dict[LineType, dict[str, str]]] = {
    "custom_event": {
        **_OF_CLIENT,
        "event.category": "Event Category",
        "event.name": "Event Type",
        "event.data": "Event Data",
    },
    "exception": {
        **_OF_CLIENT,
        "exception.className": "Exception Class",
        "exception.methodName": "Exception Method",
        "exception.message": "Exception Message",
        "exception.stackTrace": "Exception Stack Trace",
    },
}
# A file of custom events has this column behind the others.
DATA_JSON: Final = "event.dataJson"
_ESCAPED: Final = str.maketrans({"\\": "\\\\", "|": "\\|", "=": "\\="})


@dataclass(frozen=True, slots=True)
class Line:
    """One custom event or exception, with its client's values of that day.

    Attributes:
        used_ms: its moment, milliseconds since 1970.
        client: id of the installation.
        values: by name of property, in stored form: empty text is null.
        category: of a custom event; "" without.
        name: of a custom event.
        data: JSON: pairs of a custom event, an object of an exception.

    """

    used_ms: int
    client: str
    values: Mapping[str, Any]
    category: str
    name: str
    data: str


def preview_of(line: Line, line_type: LineType) -> dict[str, str]:
    """The line as getLastLines answers it: column to text."""
    return dict(zip(LINE_COLUMNS[line_type], _cells(line, line_type), strict=True))


def file_header(line_type: LineType) -> list[str]:
    """The columns of a file."""
    return [*LINE_COLUMNS[line_type], *([DATA_JSON] if line_type == "custom_event" else [])]


def file_cells(line: Line, line_type: LineType) -> list[str]:
    """The line as a row of a file, before cells are made harmless."""
    return [*_cells(line, line_type), *([line.data] if line_type == "custom_event" else [])]


def _cells(line: Line, line_type: LineType) -> list[str]:
    of_client = [to_text(line.used_ms), line.client, *(_shown(name, line.values) for name in _SHOWN)]
    said = json.loads(line.data)
    if line_type == "custom_event":
        return [*of_client, line.category, line.name, joined_pairs(said)]
    return [*of_client, *(said[member] for member in ("className", "methodName", "message", "stackTrace"))]


def joined_pairs(pairs: list[list[str]]) -> str:
    r"""Pairs as `key=value` joined by `|`, where `\`, `|` and `=` of keys and values have a `\` before them."""
    return "|".join(f"{key.translate(_ESCAPED)}={value.translate(_ESCAPED)}" for key, value in pairs)


def _shown(name: str, values: Mapping[str, Any]) -> str:
    if name == "resolution":
        width, height = (_text(values[one]) for one in _RESOLUTION)
        return f"{width}x{height}" if width and height else ""
    return ("Y" if values[name] else "N") if BY_NAME[name].is_flag else _text(values[name])


def _text(value: str | float | None) -> str:
    """Text as it is, numbers without needless decimals, nothing for null."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return value or ""
