"""The rows that reports count, as SQL: active days of units, which are clients or groups of clients (chapter 02).

Every relation has the columns unit, day, install, next_day (of the unit), sign, and the properties that are needed,
each under its `Property.column`. Summing `sign` counts units. A unit is known by a number: that of the client, or the
smallest one among the clients of a group.
"""

from dataclasses import dataclass
from typing import Final

from odometer.model.properties import BY_NAME, Property
from odometer.selection.predicate import UsedEvents
from odometer.store.sql.buckets import IN_RANGE
from odometer.store.sql.columns import aliased, client_value, day_value, group_value
from odometer.store.sql.deciding import LAST_KNOWN, DecidingDay
from odometer.store.sql.predicates import Bound, event_condition
from odometer.store.tables import CLIENT, CLIENT_DAY, CLIENT_EVENT, END_OF_DAYS, EVENT, EVENT_KEY

_OF_PRODUCT: Final = "product = {product:UInt64}"
_CLIENT_ID: Final = BY_NAME["clientId"]


@dataclass(frozen=True, slots=True)
class Units:
    """Clients, or the groups that a property makes of them; statements bind `product` and `today`.

    Attributes:
        group_by: None where every client is a unit.
        properties: whose values are needed.
        client_columns: further columns of the table `client` that rows of clients have; groups have none.

    """

    group_by: Property | None
    properties: tuple[Property, ...]
    client_columns: tuple[str, ...] = ()

    def rows(self, deciding: DecidingDay) -> str:
        """The rows of the days that decide what a unit is.

        Of a group it is the last one among those of its members in each bucket, and on it the member with the greatest
        clientId. The answer then has only that row of each bucket, and its `next_day` is any later day of the group.
        """
        return self._client_rows(deciding) if self.group_by is None else self._group_rows(deciding)

    def last_known(self) -> str:
        """The row of each unit that is the last one up to today."""
        if self.group_by is not None or any(prop.daily for prop in self.properties):
            return self.rows(LAST_KNOWN)
        # The table of clients tells it, unless the clock was set back: then there are clients with later days.
        values = [(client_value(prop), prop.column) for prop in self.properties]
        values += [(name, name) for name in self.client_columns]
        later = f"""
            SELECT client FROM {CLIENT} WHERE {_OF_PRODUCT} AND last_seen > {{today:Date}}
            GROUP BY client HAVING sum(sign) > 0"""
        return f"""
            SELECT client_no AS unit, last_seen AS day, install, {END_OF_DAYS} AS next_day, sign{aliased(values)}
            FROM {CLIENT} WHERE {_OF_PRODUCT} AND last_seen <= {{today:Date}}
            UNION ALL
            {self._client_rows(LAST_KNOWN, f"client IN ({later})")}"""

    def _client_rows(self, deciding: DecidingDay, who: str = "1") -> str:
        """Rows of the days that decide, of clients for which `who` holds."""
        of_day = [(prop.column, day_value(prop)) for prop in self.properties]
        days = f"""
            SELECT client_no AS unit, day, install, next_day, sign{aliased((str(v), a) for a, v in of_day if v)}
            FROM {CLIENT_DAY} WHERE {_OF_PRODUCT} AND {deciding.where} AND {who}"""
        of_client = [(client_value(prop), prop.column) for prop in self.properties if day_value(prop) is None]
        of_client += [(name, name) for name in self.client_columns]
        if not of_client:
            return days
        named = ", ".join([*(prop.column for prop in self.properties), *self.client_columns])
        # Either side may still hold rows that cancel each other out; the product of the signs is exact nevertheless.
        return f"""
            SELECT d.unit AS unit, day, install, next_day, d.sign * c.sign AS sign, {named} FROM ({days}) AS d
            INNER JOIN (
                SELECT client_no AS unit, sign{aliased(of_client)} FROM {CLIENT}
                WHERE {_OF_PRODUCT} AND {who}
            ) AS c ON d.unit = c.unit"""

    def _group_rows(self, deciding: DecidingDay) -> str:
        daily = [prop.column for prop in self.properties if prop.daily]
        values = "".join(f", {column}" for column in daily)
        latest = aliased((f"tupleElement(latest, {position + 2})", column) for position, column in enumerate(daily))
        current = [prop for prop in self.properties if not prop.daily]
        current_values = aliased((group_value(prop), prop.column) for prop in current)
        named = "".join(f", {prop.column}" for prop in current)
        return f"""
            SELECT d.unit AS unit, d.last_here AS day, first_day AS install,
                if(last_here = last_day, {END_OF_DAYS}, last_day) AS next_day, toInt8(1) AS sign{latest}{named}
            FROM (
                SELECT unit, max(day) AS last_here, argMax(tuple(0{values}), (day, client)) AS latest
                FROM (
                    SELECT client, client_no, day, {deciding.bucket} AS bucket{values} FROM {CLIENT_DAY} FINAL
                    WHERE {_OF_PRODUCT} AND {deciding.where}
                ) AS days INNER JOIN ({self._members()}) AS members ON days.client_no = members.member
                GROUP BY unit, bucket
            ) AS d INNER JOIN (
                SELECT unit, min(install) AS first_day, max(last_known) AS last_day{current_values}
                FROM ({self._clients_with_unit()}) GROUP BY unit
            ) AS c ON d.unit = c.unit"""

    def _members(self) -> str:
        """(member, unit): the number of each client with a value of the property that groups, and of its group."""
        group = self.group_by or _CLIENT_ID
        if group.daily:
            table, value, where = CLIENT_DAY, f"toString({group.column})", f"next_day = {END_OF_DAYS}"
        else:
            table, value, where = CLIENT, client_value(group), "1"
        return f"""
            SELECT arrayJoin(numbers) AS member, least_no AS unit FROM (
                SELECT groupArray(client_no) AS numbers, min(client_no) AS least_no FROM {table} FINAL
                WHERE {_OF_PRODUCT} AND {where} AND {value} != '' GROUP BY {value}
            )"""

    def _clients_with_unit(self) -> str:
        """The rows of `client` that belong to a group, with its `unit` and `last_known`: the last day up to today."""
        # Only where the clock was set back are there clients with later days; else the list is empty, and no row read.
        later = f"SELECT client FROM {CLIENT} WHERE {_OF_PRODUCT} AND last_seen > {{today:Date}}"
        return f"""
            SELECT clients.*, members.unit AS unit, if(last_seen > {{today:Date}}, past.day, last_seen) AS last_known
            FROM {CLIENT} AS clients FINAL
            INNER JOIN ({self._members()}) AS members ON clients.client_no = members.member
            LEFT JOIN (
                SELECT client_no AS member, day FROM {CLIENT_DAY} FINAL
                WHERE {_OF_PRODUCT} AND client IN ({later}) AND day <= {{today:Date}} AND next_day > {{today:Date}}
            ) AS past ON clients.client_no = past.member
            WHERE {_OF_PRODUCT}"""

    def active_in_range(self) -> str:
        """SQL of the units with an active day in the range, as `unit IN (...)`; binds `start` and `stop`."""
        active = f"""
            SELECT client_no FROM {CLIENT_DAY}
            WHERE {_OF_PRODUCT} AND day {IN_RANGE} AND next_day > {{stop:Date}}
            GROUP BY client_no HAVING sum(sign) > 0"""
        return f"unit IN ({active if self.group_by is None else self.of_members(active)})"

    def of_members(self, rows: str) -> str:
        """Rows of clients with the `unit` of each instead of its `client_no`; those without one are left out."""
        if self.group_by is None:
            return f"SELECT client_no AS unit, * EXCEPT (client_no) FROM ({rows})"
        return f"""
            SELECT members.unit AS unit, of_clients.* EXCEPT (client_no) FROM ({rows}) AS of_clients
            INNER JOIN ({self._members()}) AS members ON of_clients.client_no = members.member"""

    def used_events(self, used: UsedEvents, bound: Bound) -> str:
        """SQL of: the unit used these events so often in its life. Who never did has no row to be found by."""
        if used.low == 0 and used.high is None:
            return "1"
        count = "sum(count * sign)"
        low, high = bound("UInt64", max(used.low, 1)), bound("UInt64", used.high or 0)
        if used.low == 0:
            return f"unit NOT IN ({self._events(used, bound)} HAVING {count} > {high})"
        at_most = f" AND {count} <= {high}" if used.high is not None else ""
        return f"unit IN ({self._events(used, bound)} HAVING {count} >= {low}{at_most})"

    def _events(self, used: UsedEvents, bound: Bound) -> str:
        meant = f"SELECT {EVENT_KEY} FROM {EVENT} WHERE {_OF_PRODUCT} AND {event_condition(used.events, bound)}"
        rows = f"SELECT client_no, count, sign FROM {CLIENT_EVENT} WHERE {_OF_PRODUCT} AND event IN ({meant})"
        return f"SELECT unit FROM ({self.of_members(rows)}) GROUP BY unit"


def join(left: str, right: str, of_left: tuple[str, ...], of_right: tuple[str, ...]) -> str:
    """The units that both relations have, with the named columns.

    Either side may still hold rows that cancel each other out; the product of the weights is exact nevertheless.
    """
    columns = "".join(f", {name}" for name in (*of_left, *of_right))
    return f"""
        SELECT l.unit AS unit, l.weight * r.weight AS weight{columns}
        FROM ({left}) AS l INNER JOIN ({right}) AS r ON l.unit = r.unit"""
