"""The statements of a client list (chapter 06): one for each table that holds a part of what is asked.

All give rows in the byte order of client ids, so that they can be merged while they are read, whatever their size; all
can be held to some clients or to a range of ids. FINAL takes away rows that cancel each other out; conditions on
columns that such rows share (the next day among them) may be asked before that.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from odometer.model.properties import BY_NAME, DELIVERIES, Property
from odometer.selection.client_list import ClientChoice
from odometer.selection.predicate import AllOf, Predicate, properties_in
from odometer.store.sql.buckets import IN_RANGE, range_params
from odometer.store.sql.columns import aliased, client_value
from odometer.store.sql.deciding import LAST_KNOWN
from odometer.store.sql.predicates import Bound, condition
from odometer.store.sql.units import Units
from odometer.store.tables import CLIENT, CLIENT_DAY, CLIENT_EVENT, RECORDS

USAGE: Final = BY_NAME["lifetimeEventUsage"]
_OF_PRODUCT: Final = "product = {product:UInt64}"
_IS_LAST: Final = f"({LAST_KNOWN.where})"
THESE_CLIENTS: Final = "client IN {clients:Array(String)}"
IN_KEY_RANGE: Final = "client >= {low:String} AND client <= {high:String}"
EVERY_CLIENT: Final = "1"


@dataclass(frozen=True, slots=True)
class ClientQuestion:
    """Which clients of a product as they are on a day, and what of them."""

    product_id: int
    choice: ClientChoice
    today: dt.date


class ClientSql:
    """The statements of one question; `bound` holds the parameters of all of them."""

    def __init__(self, question: ClientQuestion) -> None:
        choice = question.choice
        self._choice = choice
        self.bound = Bound({"product": question.product_id, "today": question.today})
        if choice.daily is not None:
            self.bound.params.update(range_params(choice.daily.range, question.today))
        shown = [column.prop for column in choice.columns]
        by_day = [column.prop for column in choice.daily.columns] if choice.daily else []
        self.daily = _distinct(prop for prop in [*shown, *by_day] if prop.daily)
        self.current = _distinct(prop for prop in shown if not prop.daily and prop is not USAGE)
        self.needs_usage = USAGE in shown
        self.needs_campaigns = any(prop in DELIVERIES for prop in shown)
        parts = _parts(choice.filters)
        of_day = [part for part in parts if any(prop.daily for prop in properties_in(part))]
        self._of_day = AllOf(tuple(of_day))
        self._of_client = AllOf(tuple(part for part in parts if part not in of_day))
        self.needs_days = bool(self.daily or of_day or choice.daily)
        self.is_filtered = bool(parts)
        self._filter_props = _distinct(properties_in(choice.filters))

    def clients(self, which: str) -> str:
        """Rows (client, values of `current`) of those for whom the filters on the table `client` hold."""
        values = ", ".join(prop.column for prop in self.current)
        return f"SELECT client{', ' if values else ''}{values} FROM ({self._clients(which)}) ORDER BY client"

    def days(self, which: str) -> str:
        """Rows (client, day, is its last, is in the range, values of `daily`), days ascending.

        Last is a client's last day up to today for which the filters on daily properties hold; a client without one is
        not meant.
        """
        passes = condition(self._of_day, self.bound, _no_usage)
        in_range = f"(day {IN_RANGE})" if self._choice.daily else "0"
        values = "".join(f", {prop.column}" for prop in self.daily)
        return f"""
            SELECT client, day, {_IS_LAST} AND ({passes}) AS is_last, {in_range} AS in_range{values}
            FROM {CLIENT_DAY} FINAL PREWHERE {_IS_LAST} OR {in_range}
            WHERE {_OF_PRODUCT} AND {which} AND (is_last OR in_range) ORDER BY client, day"""

    def usage(self, which: str) -> str:
        """Rows (client, event, count): several of one event are to be added up."""
        return f"""
            SELECT client, event, toInt64(count) * sign FROM {CLIENT_EVENT}
            WHERE {_OF_PRODUCT} AND {which} ORDER BY client"""

    def campaigns(self) -> str:
        """Rows (campaign, its name): the last one that any record gave."""
        return f"""
            SELECT JSONExtractUInt(data, 'campaignId') AS campaign,
                argMax(JSONExtractString(data, 'campaignName') AS name, (day, {_LATEST}, client, name))
            FROM {RECORDS} WHERE {_OF_PRODUCT} AND type = 'reachout_delivered' AND name != ''
            GROUP BY campaign"""

    def keys(self, limit: int, *, up_to: bool) -> str:
        """The first ids from the parameter `low` on of clients for whom all filters hold; `up_to`: as far as `high`."""
        which = IN_KEY_RANGE if up_to else "client >= {low:String}"
        by_day = ""
        if self._of_day.parts:
            values = "".join(f", {prop.column}" for prop in self._filter_props if prop.daily)
            by_day = f"""WHERE client IN (
                SELECT client FROM (
                    SELECT client, sign{values} FROM {CLIENT_DAY}
                    WHERE {_OF_PRODUCT} AND {which} AND {_IS_LAST}
                ) WHERE {condition(self._of_day, self.bound, _no_usage)} GROUP BY client HAVING sum(sign) > 0)"""
        return f"SELECT client FROM ({self._clients(which)}) {by_day} ORDER BY client LIMIT {limit:d}"

    def total(self) -> str:
        """One row: how many clients the filters let through."""
        units = Units(None, self._filter_props)
        who = condition(self._choice.filters, self.bound, units.used_events)
        return f"SELECT sum(sign) FROM ({units.rows(LAST_KNOWN)}) WHERE {who}"

    def _clients(self, which: str) -> str:
        """The rows of `client` that the filters on that table let through, with the values that are needed."""
        units = Units(None, ())
        named = _distinct([*self.current, *(prop for prop in self._filter_props if not prop.daily)])
        values = aliased((client_value(prop), prop.column) for prop in named)
        return f"""
            SELECT client_no AS unit, client{values} FROM {CLIENT} FINAL
            WHERE {_OF_PRODUCT} AND {which} AND install <= {{today:Date}}
                AND ({condition(self._of_client, self.bound, units.used_events)})"""


# Records without seq come before those with one, by their time.
_LATEST: Final = "if(seq = 0, toUInt64(used_ms), bitShiftLeft(toUInt64(1), 63) + seq)"


def key_at(offset: int) -> str:
    """One row: the id that lies so many clients behind the parameter `low`; none where the table ends before."""
    return f"""
        SELECT client FROM {CLIENT} WHERE {_OF_PRODUCT} AND client >= {{low:String}}
        ORDER BY client LIMIT 1 OFFSET {offset:d}"""


def _parts(filters: Predicate) -> tuple[Predicate, ...]:
    """What all has to hold: each part is about properties of one table, as a filter is about one name."""
    return filters.parts if isinstance(filters, AllOf) else (filters,)


def _distinct(properties: Any) -> tuple[Property, ...]:  # noqa: ANN401 - any iterable of properties
    return tuple(dict.fromkeys(properties))


def _no_usage(*_: object) -> str:
    raise AssertionError("a filter on daily properties is about nothing else")
