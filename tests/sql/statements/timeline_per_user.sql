SELECT
    toMonday(day) AS bucket,
    event,
    sum(count * sign) AS times,
    sum(value * sign)
FROM odometer.event_day
WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (event IN ({events:Array(String)}))
GROUP BY
    bucket,
    event
HAVING times != 0;

SELECT
    toMonday(day) AS bucket,
    sumIf(sign, ((intDiv(toUInt16(next_day) + 3, 7) > intDiv(toUInt16(day) + 3, 7)) OR (next_day > {stop:Date}))),
    sum(sessions * sign),
    sum(runtime_ms * sign)
FROM odometer.client_day
WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
GROUP BY bucket;

