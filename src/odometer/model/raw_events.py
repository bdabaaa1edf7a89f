"""Raw event files (chapter 08): the columns in which every record of a day is written, and read back by import."""

from typing import Final

RAW_EVENT_COLUMNS: Final = (
    *("receivedAt", "at", "atUsed", "day", "clientId", "machineId", "sessionId", "seq", "type", "category", "name"),
    *("count", "value", "text", "sessions", "runtimeSeconds"),
    *("geography.continent", "geography.country", "geography.usState", "data"),
)
# Types whose `data` is an object of property names and values.
SET_TYPES: Final = frozenset({"properties", "license", "client_day"})
COUNTED_TYPES: Final = frozenset({"event", "event_day"})
