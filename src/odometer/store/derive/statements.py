"""The SQL of derivation: what the derived rows of some clients should be, from their records alone (chapter 09).

Every statement reads the records of a scope (`product` and a condition on `client`), deduplicated by identity.
"""

from dataclasses import replace
from typing import Final

from odometer.model.lines import LINE_PROPERTIES
from odometer.model.properties import BY_NAME, CURRENT, DAILY, DELIVERIES, Property
from odometer.store.derive.scope import Scope
from odometer.store.records import IS_EVENT, IS_LINE, IS_OPT_RECORD
from odometer.store.tables import (
    CLIENT,
    CLIENT_DAY,
    CLIENT_EVENT,
    CLIENT_NUMBER,
    END_OF_DAYS,
    EVENT,
    EVENT_DAY,
    EVENT_KEY,
    LICENSE_STATE,
    LINE,
    NO_DAY,
    RECORDS,
    Table,
)

MAX_SESSION_MS: Final = 30 * 86_400_000


def find_duplicate(scope: Scope) -> str:
    """One row when some record of the scope is stored more than once (two writers, a retry after a crash)."""
    return f"""
        SELECT 1 FROM {RECORDS} WHERE {scope.records}
        GROUP BY client, seq, hash HAVING count() > 1 LIMIT 1"""


def all_duplicates(scope: Scope) -> str:
    """Rows of the table `duplicate`: the records of the scope that are stored more than once."""
    return f"""
        SELECT {{product:UInt64}} AS product, client, seq, hash FROM {RECORDS} WHERE {scope.records}
        GROUP BY client, seq, hash HAVING count() > 1"""


# The order in which the records of one client and day decide its last values (chapter 09, Bulk import):
# summed records by canonical form, then records without seq by time and canonical form, then records by seq.
_ORDER: Final = (
    "multiIf(type IN ('client_day', 'event_day'), toUInt64(0), "
    "seq = 0, bitShiftLeft(toUInt64(1), 62) + toUInt64(used_ms), bitShiftLeft(toUInt64(1), 63) + seq)"
)


def _records(scope: Scope) -> str:
    """Records of the scope, each once: should two carry one identity, the first received stays (chapter 09)."""
    once = "ORDER BY client, seq, hash, received_ms, batch_id, ingest_no LIMIT 1 BY client, seq, hash"
    return f"""(
        SELECT * FROM {RECORDS} WHERE {scope.records} {once if scope.with_duplicates else ""}
    )"""


def _sent(prop: Property) -> tuple[str, str]:
    """SQL of whether a record sends the property, and of the value it sends as text."""
    in_set, value = f"mapContains(set, '{prop.name}')", f"set['{prop.name}']"
    if prop.sent_as == "envelope":
        return "machine != ''", "machine"
    if prop.sent_as == "address":
        # What the address told is given on every record; a summed record may name a place itself.
        column = {"geography.continent": "continent", "geography.country": "country"}.get(prop.name, "us_state")
        return f"{in_set} OR country != '' OR continent != ''", f"if({in_set}, {value}, {column})"
    return in_set, value


def opt_records(scope: Scope) -> str:
    """The opt records of the scope, each once, as the members of `OptRecord` after the client."""
    return f"SELECT client, seq, used_ms, canonical, type = 'opt_out' FROM {_records(scope)} WHERE {IS_OPT_RECORD}"


def usage_of_suspects(scope: Scope) -> str:
    """(client, seq, hash, used_ms) of what the clients of the parameter `suspects` sent beside opt records.

    Each once: a later record under a used seq, which does not count anyway, must not judge the first one.
    """
    return f"""
        SELECT client, seq, hash, used_ms FROM {_records(scope)}
        WHERE client IN {{suspects:Array(String)}} AND NOT {IS_OPT_RECORD}"""


_SENDS_ANYTHING: Final = "(notEmpty(set) OR machine != '' OR country != '' OR continent != '')"


def day_states(scope: Scope, properties: tuple[Property, ...]) -> str:
    """(client, day, a Nullable(String) per property): the last value sent that day; NULL = none was sent."""
    values = []
    for prop in properties:
        sent, value = _sent(prop)
        values.append(f"if({sent}, toNullable({value}), NULL) AS {prop.column}")
    last = ", ".join(f"argMax({p.column}, rank) AS {p.column}" for p in properties)
    return f"""(
        SELECT client, day, {last} FROM (
            SELECT client, day, {", ".join(values)},
                row_number() OVER (PARTITION BY client, day ORDER BY {_ORDER}, canonical) AS rank
            FROM {_records(scope)} WHERE {_SENDS_ANYTHING} AND NOT {IS_OPT_RECORD}
        ) GROUP BY client, day
    )"""


def _typed(prop: Property, source: str, kind: str) -> str:
    """The stored form of a property from its carried text; empty text is null."""
    text = f"ifNull({source}, '')"
    if prop.data_type == "number":
        text = f"toFloat64OrNull({text})"
    elif prop.data_type == "boolean":
        text = f"if({text} = '', NULL, {text} = '1')" if kind.startswith("Nullable") else f"{text} = '1'"
    return f"CAST({text}, '{kind}') AS {prop.column}"


def _sessions(scope: Scope) -> str:
    """(client, day, runtime_ms) of each session: it counts once, on the day of its earliest record (chapter 09)."""
    return f"""
        SELECT client, toDate(toUInt16(intDiv(first_ms, 86400000))) AS day,
            toUInt64(least(if(stops > 0 AND stop_ms >= 0, stop_ms, last_ms - first_ms), {MAX_SESSION_MS})) AS runtime_ms
        FROM (
            SELECT client, session, min(used_ms) AS first_ms, max(used_ms) AS last_ms,
                argMaxIf(runtime_ms, ({_ORDER}, canonical), type = 'session_stop') AS stop_ms,
                countIf(type = 'session_stop') AS stops
            FROM {_records(scope)} WHERE session != '' GROUP BY client, session
        )"""


def _days(scope: Scope) -> str:
    """(client, day, sessions, runtime_ms, sends): every active day; an opt record alone makes none (chapter 09)."""
    return f"""(
        SELECT client, day, sum(sessions) AS sessions, sum(runtime_ms) AS runtime_ms, max(sends) AS sends FROM (
            SELECT client, day, sessions, toUInt64(if(type = 'client_day', greatest(runtime_ms, 0), 0)) AS runtime_ms,
                {_SENDS_ANYTHING} AS sends
            FROM {_records(scope)} WHERE NOT {IS_OPT_RECORD}
            UNION ALL
            SELECT client, day, toUInt64(1), runtime_ms, 0 FROM ({_sessions(scope)})
        ) GROUP BY client, day
    )"""


def client_days(scope: Scope) -> str:
    """What `client_day` should hold: what clients reported, and what the license key registry says instead."""
    return _with_registry(_reported_days(scope), scope) if scope.with_registry else _reported_days(scope)


def _reported_days(scope: Scope) -> str:
    """Each active day knows its neighbours; values are carried on from the last sent."""
    kinds = dict(CLIENT_DAY.columns)
    carried = ", ".join(f"last_value({p.column}) IGNORE NULLS OVER w AS {p.column}" for p in DAILY)
    return f"""
        SELECT {{product:UInt64}} AS product, d.client AS client, d.day AS day, install, prev_day, next_day,
            sessions, runtime_ms, {", ".join(_typed(p, f"s.{p.column}", kinds[p.column]) for p in DAILY)}
        FROM (
            SELECT client, day, sessions, runtime_ms,
                min(day) OVER (PARTITION BY client) AS install,
                lagInFrame(day, 1, {NO_DAY}) OVER w AS prev_day,
                leadInFrame(day, 1, {END_OF_DAYS}) OVER w AS next_day,
                max(if(sends, day, {NO_DAY})) OVER (
                    PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS sent_day
            FROM {_days(scope)}
            WINDOW w AS (PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ) AS d
        LEFT JOIN (
            SELECT client, day, {carried} FROM {day_states(scope, DAILY)}
            WINDOW w AS (PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        ) AS s ON d.client = s.client AND d.sent_day = s.day"""


LICENSE_KEY: Final = BY_NAME["licenseKey"]
# What the registry decides, in the order of a state's members.
LICENSE_VALUES: Final = tuple(p for p in DAILY if p.sent_as == "license")


def _with_registry(reported: str, scope: Scope) -> str:
    """The days with the license type and flags that the registry had at their ends (chapter 07).

    The client's last known key stands for all its days; where the registry holds nothing the reported values stay.
    """
    kinds = dict(CLIENT_DAY.columns)
    others = [name for name in CLIENT_DAY.column_names if name not in ("sign", "client_no")]
    decided = {
        p.column: f"CAST(if(state.2 = 1, state.{position}, toString(v.{p.column})), '{kinds[p.column]}')"
        if p.data_type == "string"
        else f"if(state.2 = 1, state.{position}, v.{p.column})"
        for position, p in enumerate(LICENSE_VALUES, 3)
    }
    columns = ", ".join(f"{decided.get(name, f'v.{name}')} AS {name}" for name in others)
    key = f"set['{LICENSE_KEY.name}']"
    return f"""
        SELECT {columns} FROM (
            SELECT r.*, arrayLast(s -> s.1 <= r.day, l.states) AS state FROM ({reported}) AS r LEFT JOIN (
                SELECT k.client AS client, t.states AS states FROM (
                    SELECT client, argMax({LICENSE_KEY.column}, day) AS license_key
                    FROM {day_states(scope, (LICENSE_KEY,))} GROUP BY client
                ) AS k INNER JOIN (
                    SELECT license_key, argMax(states, version) AS states FROM {LICENSE_STATE}
                    WHERE product = {{product:UInt64}} AND license_key IN (
                        SELECT {key} FROM {RECORDS} WHERE {scope.records} AND {key} != ''
                    ) GROUP BY license_key
                ) AS t ON k.license_key = t.license_key
            ) AS l ON r.client = l.client
        ) AS v"""


HAS_REGISTRY_STATES: Final = f"SELECT 1 FROM {LICENSE_STATE} WHERE product = {{product:UInt64}} LIMIT 1"


def clients(scope: Scope) -> str:
    """What `client` should hold: life figures, opt-out flags and the last known value of current properties."""
    kinds = dict(CLIENT.columns)
    last = ", ".join(f"argMax({p.column}, day) AS {p.column}" for p in CURRENT)
    return f"""
        SELECT {{product:UInt64}} AS product, d.client AS client, install, last_seen, active_days, active_weeks,
            active_months, sessions, runtime_ms, o.is_out AS opt_out_current, o.was_out AS opt_out_historical,
            {", ".join(_typed(p, f"s.{p.column}", kinds[p.column]) for p in CURRENT)},
            {", ".join(f"r.{p.column} AS {p.column}" for p in DELIVERIES)}
        FROM (
            SELECT client, min(day) AS install, max(day) AS last_seen, toUInt32(count()) AS active_days,
                toUInt32(uniqExact(toMonday(day))) AS active_weeks,
                toUInt32(uniqExact(toYYYYMM(day))) AS active_months,
                sum(sessions) AS sessions, sum(runtime_ms) AS runtime_ms
            FROM {_days(scope)} GROUP BY client
        ) AS d
        LEFT JOIN (
            SELECT client, toUInt8(argMax(type = 'opt_out', (seq, used_ms, canonical))) AS is_out,
                toUInt8(max(type = 'opt_out')) AS was_out
            FROM {_records(scope)} WHERE {IS_OPT_RECORD} GROUP BY client
        ) AS o ON d.client = o.client
        LEFT JOIN (
            SELECT client, {last} FROM {day_states(scope, CURRENT)} GROUP BY client
        ) AS s ON d.client = s.client
        LEFT JOIN ({_deliveries(scope)}) AS r ON d.client = r.client"""


def _deliveries(scope: Scope) -> str:
    """(client, ids of the campaigns shown to it, for each mode)."""
    campaign, mode = "JSONExtractUInt(data, 'campaignId')", "JSONExtractString(data, 'mode')"
    shown = ", ".join(
        f"arraySort(groupUniqArrayIf({campaign}, {mode} = '{p.name.partition('.')[2]}')) AS {p.column}"
        for p in DELIVERIES
    )
    return f"SELECT client, {shown} FROM {_records(scope)} WHERE type = 'reachout_delivered' GROUP BY client"


def event_days(scope: Scope) -> str:
    """What `event_day` should hold: occurrences and the exact sum of values per client, day and event."""
    return f"""
        SELECT {{product:UInt64}} AS product, client, day, {EVENT_KEY} AS event, sum(count) AS count,
            CAST(sum(ifNull(value, 0)), 'Decimal(38, 6)') AS value
        FROM {_records(scope)} WHERE {IS_EVENT} GROUP BY client, day, event"""


def client_events(scope: Scope) -> str:
    """What `client_event` should hold: occurrences per client and event, the first and the last day."""
    return f"""
        SELECT {{product:UInt64}} AS product, client, {EVENT_KEY} AS event, sum(count) AS count,
            min(day) AS first_day, max(day) AS last_day
        FROM {_records(scope)} WHERE {IS_EVENT} GROUP BY client, event"""


_DAILY_OF_LINES: Final = tuple(prop for prop in LINE_PROPERTIES if prop.daily)
_CURRENT_OF_LINES: Final = tuple(prop for prop in LINE_PROPERTIES if not prop.daily)


def find_line(scope: Scope) -> str:
    """A row when some client of the scope has custom events or exceptions, or had them."""
    return f"""
        SELECT 1 FROM {RECORDS} WHERE {scope.records} AND {IS_LINE} LIMIT 1
        UNION ALL SELECT 1 FROM {LINE} WHERE {scope.condition} LIMIT 1"""


def lines(scope: Scope) -> str:
    """What `line` should hold: every custom event and exception, with what its client's values were that day.

    Those that are kept by day are those of `client_day`; the others are carried on for this.
    """
    scope = replace(scope, with_lines=True)
    kinds = dict(LINE.columns)
    carried = ", ".join(f"last_value({p.column}) IGNORE NULLS OVER w AS {p.column}" for p in _CURRENT_OF_LINES)
    named = ", ".join(
        f"if(type = 'exception', JSONExtractString(data, '{member}'), '') AS {column}"
        for member, column in (("className", "class_name"), ("methodName", "method_name"))
    )
    own = "type, used_ms, seq, hash, category, name"
    daily = ", ".join(f"d.{p.column} AS {p.column}" for p in _DAILY_OF_LINES)
    return f"""
        SELECT {{product:UInt64}} AS product, l.client AS client, l.day AS day, {own}, class_name, method_name,
            data_hash, data, {", ".join(f"l.{p.column} AS {p.column}" for p in _DAILY_OF_LINES)},
            {", ".join(_typed(p, f"s.{p.column}", kinds[p.column]) for p in _CURRENT_OF_LINES)}
        FROM (
            SELECT r.client AS client, r.day AS day, {own}, class_name, method_name, data_hash, data, {daily} FROM (
                SELECT client, day, {own}, {named}, sipHash64(data) AS data_hash, data
                FROM {_records(scope)} WHERE {IS_LINE}
            ) AS r INNER JOIN ({client_days(scope)}) AS d ON r.client = d.client AND r.day = d.day
        ) AS l
        ASOF LEFT JOIN (
            SELECT client, day, {carried} FROM {day_states(scope, _CURRENT_OF_LINES)}
            WINDOW w AS (PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
        ) AS s ON l.client = s.client AND l.day >= s.day"""


def new_events(scope: Scope) -> str:
    """Rows of the table `event` that the records of the scope bring: events that are new, or were so earlier."""
    return f"""
        SELECT {{product:UInt64}} AS product, category, name, received_ms AS first_received_ms FROM (
            SELECT toString(category) AS category, toString(name) AS name, min(received_ms) AS received_ms
            FROM {RECORDS} WHERE {scope.records} AND {IS_EVENT} GROUP BY category, name
        ) AS r LEFT JOIN (
            SELECT category, name, min(first_received_ms) AS known_ms FROM {EVENT}
            WHERE product = {{product:UInt64}} GROUP BY category, name
        ) AS e USING (category, name) WHERE known_ms = 0 OR received_ms < known_ms"""


def new_numbers(scope: Scope) -> str:
    """Rows of the table `client_number` for clients of the scope that have none yet."""
    numbers = f"SELECT client, client_no FROM {CLIENT_NUMBER} WHERE product = {{product:UInt64}}"
    return f"""
        SELECT {{product:UInt64}} AS product, client,
            toUInt32((SELECT max(client_no) FROM ({numbers})) + row_number() OVER (ORDER BY client)) AS client_no
        FROM (
            SELECT DISTINCT client FROM {RECORDS}
            WHERE {scope.records} AND client NOT IN (
                SELECT client FROM {CLIENT_NUMBER} WHERE {scope.condition}
            )
        )"""


WANTED_ROWS: Final = (
    (CLIENT_DAY, client_days),
    (CLIENT, clients),
    (EVENT_DAY, event_days),
    (CLIENT_EVENT, client_events),
    (LINE, lines),
)


def difference(table: Table, wanted: str, scope: Scope, *, nothing_stored: bool) -> str:
    """The rows that turn what the table holds for the scope into `wanted`: sign -1 takes away, +1 adds.

    A key's removal comes before its new row: the engine collapses inside an inserted block already, and a pair in the
    other order would vanish as a whole.
    """
    names = [name for name in table.column_names if name != "sign"]
    columns = ", ".join(names)
    values = ", ".join(f"s.{name}" for name in names if name != "client_no")
    numbered = f"""
        SELECT {values}, n.client_no AS client_no FROM ({wanted}) AS s INNER JOIN (
            SELECT client, min(client_no) AS client_no FROM {CLIENT_NUMBER} WHERE {scope.condition}
            GROUP BY client
        ) AS n ON s.client = n.client"""
    if nothing_stored:
        return f"SELECT {columns}, toInt8(1) AS sign FROM ({numbered})"
    return f"""
        SELECT {columns}, toInt8(sign(difference)) AS sign FROM (
            SELECT client_no, {", ".join(f"any(r.{name}) AS {name}" for name in names if name != "client_no")},
                sum(weight) AS difference
            FROM (
                SELECT *, {_row_hash(table)} AS row_hash FROM (
                    SELECT {columns}, toInt64(1) AS weight FROM ({numbered})
                    UNION ALL
                    SELECT {columns}, -toInt64(sign) AS weight FROM {table} WHERE {scope.condition}
                )
            ) AS r GROUP BY client_no, row_hash HAVING difference != 0
        ) ARRAY JOIN range(abs(difference)) ORDER BY {table.order_by}, sign"""


def _row_hash(table: Table) -> str:
    """What stands for a row of a client: grouping by it is cheaper than grouping by all columns (decision 2).

    128 bits, so that no two rows of a client ever have the same. The hash of a null would be null, whatever stands
    beside it: what it hides is told apart from the value that is hashed in its place.
    """
    parts = []
    for name, kind in table.columns:
        if name in ("product", "client_no", "sign"):
            continue
        if kind.startswith("Nullable("):
            plain = kind.removeprefix("Nullable(").removesuffix(")")
            parts += [f"isNull({name})", f"ifNull({name}, defaultValueOfTypeName('{plain}'))"]
        else:
            parts.append(name)
    return f"reinterpretAsUInt128(sipHash128({', '.join(parts)}))"
