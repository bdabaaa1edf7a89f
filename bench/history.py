"""A large random history written straight into the store: records, and the derived rows that they stand for."""

import datetime as dt

from odometer.store.derive.mark import write_mark
from odometer.store.engine import DATABASE, Engine

PRODUCT = 900001
FIRST = dt.date(2030, 1, 1)
LAST = dt.date(2030, 12, 31)

# The first ones are rarer than the last ones.
COUNTRIES = [
    *("IS", "MT", "LU", "EE", "NZ", "FI", "NO", "PT", "AT", "SE"),
    *("CH", "NL", "PL", "ES", "IT", "CA", "FR", "GB", "DE", "US"),
]
SYSTEMS = ["Microsoft Windows 10", "Microsoft Windows 11", "macOS 14", "macOS 15", "Linux Ubuntu"]

# Every third machine has two installations; some send no machine.
_MACHINE = """if(sipHash64(client, 'm') % 20 = 0, '',
    lower(hex(sipHash64(sipHash64(client, 'm') % intDiv({clients:UInt64} * 3, 4)))))"""

_DAYS = f"""
    SELECT client, client_no, arrayJoin(arrayDistinct(arrayMap(
        i -> toDate('{FIRST}') + install
            + toUInt32(pow(sipHash64(client, i) / 18446744073709551615., 2) * (10 + sipHash64(client, 'life') % 300)),
        range(25)))) AS day
    FROM (
        SELECT lower(hex(sipHash64(number, 'c'))) AS client, number + 1 AS client_no,
            sipHash64(number, 'i') % 340 AS install
        FROM numbers({{clients:UInt64}})
    )"""


def write_history(engine: Engine, clients: int) -> None:
    """About 20 active days in one year for each client, two event records a day, and their derived rows."""
    engine.command(
        f"""INSERT INTO {DATABASE}.client_day
            (product, client, client_no, day, install, prev_day, next_day,
            sessions, runtime_ms, p_prod_version, p_prod_edition, p_geography_country, p_os_version, sign)
        SELECT {PRODUCT}, client, client_no, day, min(day) OVER (PARTITION BY client),
            lagInFrame(day, 1, toDate(0)) OVER w, leadInFrame(day, 1, toDate(65535)) OVER w,
            1, 60000 + sipHash64(client, day, 'r') % 3600000, toString(1 + intDiv(toUInt32(day) - 21915, 45)),
            ['Free', 'Standard', 'Pro'][1 + sipHash64(client, 'e') % 3],
            {COUNTRIES}[1 + toUInt32(sqrt(sipHash64(client, 'g') % 400))],
            {SYSTEMS}[1 + sipHash64(client, 's', toYYYYMM(day) < 203007) % {len(SYSTEMS)}], 1
        FROM ({_DAYS}) WHERE day <= '{LAST}'
        WINDOW w AS (PARTITION BY client ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)""",
        {"clients": clients},
    )
    engine.command(
        f"""INSERT INTO {DATABASE}.client
            (product, client, client_no, install, last_seen, active_days, active_weeks, active_months,
            sessions, runtime_ms, p_machine_id, p_ram, sign)
        SELECT {PRODUCT}, client, any(client_no), min(day), max(day),
            count(), uniqExact(toMonday(day)), uniqExact(toYYYYMM(day)), count(), sum(runtime_ms),
            {_MACHINE},
            [4096, 8192, 16384, 32768][1 + sipHash64(client, 'r') % 4], 1
        FROM {DATABASE}.client_day WHERE product = {PRODUCT} GROUP BY client""",
        {"clients": clients},
    )
    engine.command(
        f"""INSERT INTO {DATABASE}.client_number SELECT product, client, client_no
        FROM {DATABASE}.client WHERE product = {PRODUCT}"""
    )
    _write_events(engine, clients)
    write_mark(engine, 1)
    for table in ("client_day", "client", "event_day", "client_event", "records"):
        engine.command(f"OPTIMIZE TABLE {DATABASE}.{table} FINAL")


# Each client has some 20 favourites among the events, of which it uses one to four on a day; low numbers are commoner.
_FAVOURITE = "toUInt32(300 * pow(sipHash64(client, sipHash64(client, day, i) % 25) % 100000 / 100000., 2))"
_USED = f"""
    SELECT client, client_no, day,
        arrayJoin(arrayDistinct(arrayMap(i -> {_FAVOURITE}, range(1 + sipHash64(client, day) % 4)))) AS e,
        1 + sipHash64(client, day, e) % 2 AS times, if(e % 10 = 0, toDecimal64(1.5, 2), toDecimal64(0, 2)) AS given
    FROM {DATABASE}.client_day WHERE product = {PRODUCT}"""
_CATEGORY, _NAME = "concat('Category ', toString(e % 12))", "concat('Event ', toString(e))"


def _write_events(engine: Engine, clients: int) -> None:
    """One to four events a client day, each once or twice, in the one session of that day; and the derived rows."""
    engine.command(
        f"""INSERT INTO {DATABASE}.records
            (product, client, seq, received_ms, ingest_no, at_ms, used_ms, day, type, machine, session, category, name,
            count, value, runtime_ms)
        SELECT {PRODUCT}, client, toUInt64(day) * 10000 + e * 10 + n, at, 1, at, at, day, 'event', {_MACHINE},
            concat('session-', toString(day)), {_CATEGORY}, {_NAME}, 1, if(given = 0, NULL, given), -1
        FROM (
            SELECT *, arrayJoin(range(times)) AS n, (toUInt32(day) * 86400 + e * 60 + n) * 1000 AS at FROM ({_USED})
        )""",
        {"clients": clients},
    )
    key = rf"concat({_CATEGORY}, '\x1f', {_NAME})"
    engine.command(
        f"""INSERT INTO {DATABASE}.event_day (product, client, client_no, day, event, count, value, sign)
        SELECT {PRODUCT}, client, client_no, day, {key}, times, given * times, 1 FROM ({_USED})"""
    )
    engine.command(
        f"""INSERT INTO {DATABASE}.client_event
            (product, client, client_no, event, count, first_day, last_day, sign)
        SELECT {PRODUCT}, client, any(client_no), event, sum(count), min(day), max(day), 1
        FROM {DATABASE}.event_day WHERE product = {PRODUCT} GROUP BY client, event"""
    )
    engine.command(
        f"""INSERT INTO {DATABASE}.event (product, category, name, first_received_ms)
        SELECT DISTINCT product, splitByChar(char(31), event)[1], splitByChar(char(31), event)[2], 0
        FROM {DATABASE}.client_event WHERE product = {PRODUCT}"""
    )
