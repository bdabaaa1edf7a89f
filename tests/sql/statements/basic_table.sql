SELECT
    toDate(0) AS bucket,
    event,
    sum(count * sign) AS times,
    sum(value * sign)
FROM odometer.event_day
WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
GROUP BY
    bucket,
    event
HAVING times != 0;

SELECT
    toDate(0) AS bucket,
    sumIf(sign, next_day > {stop:Date}),
    sum(sessions * sign),
    sum(runtime_ms * sign)
FROM odometer.client_day
WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
GROUP BY bucket;

