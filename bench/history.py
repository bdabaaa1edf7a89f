"""A large random history written straight into the store: records, and the derived rows that they stand for."""

import datetime as dt

from odometer.store.deriver import write_mark
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
    SELECT client, arrayJoin(arrayDistinct(arrayMap(
        i -> toDate('{FIRST}') + install
            + toUInt32(pow(sipHash64(client, i) / 18446744073709551615., 2) * (10 + sipHash64(client, 'life') % 300)),
        range(25)))) AS day
    FROM (SELECT lower(hex(sipHash64(number, 'c'))) AS client, sipHash64(number, 'i') % 340 AS install
          FROM numbers({{clients:UInt64}}))"""


def write_history(engine: Engine, clients: int) -> None:
    """About 20 active days in one year for each client, two event records a day, and their derived rows."""
    engine.command(
        f"""INSERT INTO {DATABASE}.client_day
            (product, client, day, install, prev_day, next_day,
            sessions, runtime_ms, p_prod_version, p_prod_edition, p_geography_country, p_os_version, sign)
        SELECT {PRODUCT}, client, day, min(day) OVER (PARTITION BY client),
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
            (product, client, install, last_seen, active_days, active_weeks, active_months, sessions, runtime_ms,
            p_machine_id, p_ram, sign)
        SELECT {PRODUCT}, client, min(day), max(day), count(), uniqExact(toMonday(day)), uniqExact(toYYYYMM(day)),
            count(), sum(runtime_ms),
            {_MACHINE},
            [4096, 8192, 16384, 32768][1 + sipHash64(client, 'r') % 4], 1
        FROM {DATABASE}.client_day WHERE product = {PRODUCT} GROUP BY client""",
        {"clients": clients},
    )
    engine.command(
        f"""INSERT INTO {DATABASE}.records
            (product, client, seq, received_ms, ingest_no, at_ms, used_ms, day, type, machine, category, name, count,
            runtime_ms)
        SELECT {PRODUCT}, client, toUInt64(day) * 10 + n, at, 1, at, at, day, 'event', {_MACHINE}, 'Canvas',
            ['Rotate', 'Blur', 'Crop', 'Draw'][1 + sipHash64(client, day, n) % 4], 1, -1
        FROM (SELECT client, day, arrayJoin([1, 2]) AS n, (toUInt32(day) * 86400 + n * 3600) * 1000 AS at
              FROM {DATABASE}.client_day WHERE product = {PRODUCT})""",
        {"clients": clients},
    )
    write_mark(engine, 1)
    for table in ("client_day", "client", "records"):
        engine.command(f"OPTIMIZE TABLE {DATABASE}.{table} FINAL")
