"""SQL conditions on the type of a record."""

from typing import Final

IS_LINE: Final = "type IN ('custom_event', 'exception')"
IS_EVENT: Final = "type IN ('event', 'event_day')"
IS_OPT_RECORD: Final = "type IN ('opt_out', 'opt_in')"
