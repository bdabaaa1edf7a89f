"""Where a property's value lies in the derived tables, as SQL; each is read under the alias `Property.column`."""

from collections.abc import Iterable
from typing import Final

from odometer.model.properties import CURRENT, DELIVERIES, Property


def _minutes(milliseconds: str) -> str:
    """Minutes with six decimals, rounded from whole numbers: thirds of a millionth have no half to decide about."""
    return f"intDiv({milliseconds} * 50 + 1, 3) / 1000000"


# Values that the table `client` has under another name than the property's own column.
_OF_CLIENT: Final = {
    "clientId": "client",
    "dateInstalled": "install",
    "dateLastSeen": "last_seen",
    "lifetimeSessionCount": "sessions",
    "lifetimeRuntimeMinutes": _minutes("runtime_ms"),
    "optOut.current": "opt_out_current",
    "optOut.historical": "opt_out_historical",
    # No client was ever asked to back off.
    "backOff.current": "toUInt8(0)",
    "backOff.historical": "toUInt8(0)",
    **{prop.name: prop.column for prop in (*CURRENT, *DELIVERIES)},
}
# What a row of `client_day` knows of its client's life.
_OF_DAY: Final = {"clientId": "client", "dateInstalled": "install"}
# Of several clients that are one group: sums, what ever was, the earliest and the latest (chapter 02, Groups).
_OF_GROUP: Final = {
    "dateInstalled": "min(install)",
    "dateLastSeen": "max(last_seen)",
    "lifetimeSessionCount": "sum(sessions)",
    "lifetimeRuntimeMinutes": _minutes("sum(runtime_ms)"),
    "optOut.historical": "max(opt_out_historical)",
    **{prop.name: f"groupUniqArrayArray({prop.column})" for prop in DELIVERIES},
}


def day_value(prop: Property) -> str | None:
    """SQL of the value on a row of `client_day`; None when only the table `client` has it."""
    return prop.column if prop.daily else _OF_DAY.get(prop.name)


def client_value(prop: Property) -> str:
    """SQL of the last known value on a row of `client`."""
    return _OF_CLIENT[prop.name]


def group_value(prop: Property) -> str:
    """SQL of the value of a group of rows of `client`: of the member seen last, tie greatest id, unless it adds up.

    The tuple keeps `argMax` from passing over a member whose value is null.
    """
    return _OF_GROUP.get(prop.name) or f"argMax(tuple({client_value(prop)}), (last_seen, client)).1"


def aliased(values: Iterable[tuple[str, str]]) -> str:
    """Further columns of a SELECT, each under its alias, with the comma before them."""
    return "".join(f", {value} AS {alias}" for value, alias in values)
