SELECT
    bucket,
    [],
    0,
    sum(new),
    sum(active),
    sum(lost)
FROM
(
    SELECT
        day + {silence:UInt16} AS bucket,
        sumIf(sign, 0) AS new,
        sumIf(sign, 0) AS active,
        sumIf(sign, next_day > {today:Date}) AS lost
    FROM
    (
        SELECT
            client_no AS unit,
            day,
            install,
            next_day,
            sign
        FROM odometer.client_day
        WHERE (product = {product:UInt64}) AND (next_day > {today:Date}) AND (((day + {silence:UInt16}) >= {start:Date}) AND ((day + {silence:UInt16}) <= {stop:Date})) AND 1
    )
    WHERE (1) AND (next_day > {today:Date})
    GROUP BY bucket
    HAVING (new != 0) OR (active != 0) OR (lost != 0)
)
GROUP BY bucket;

