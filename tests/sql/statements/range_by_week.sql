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
        toMonday(day) AS bucket,
        sumIf(sign, ((install >= {start:Date}) AND (intDiv(toUInt16(install) + 3, 7) = intDiv(toUInt16(day) + 3, 7)))) AS new,
        sumIf(sign, 1) AS active,
        sumIf(sign, ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date}))) AS lost
    FROM
    (
        SELECT
            client_no AS unit,
            day,
            install,
            next_day,
            sign
        FROM odometer.client_day
        WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND ((intDiv(toUInt16(next_day) + 3, 7) > intDiv(toUInt16(day) + 3, 7)) OR (next_day > {stop:Date})) AND 1
    )
    WHERE (1) AND (((install >= {start:Date}) AND (intDiv(toUInt16(install) + 3, 7) = intDiv(toUInt16(day) + 3, 7))) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
    GROUP BY bucket
    HAVING (new != 0) OR (active != 0) OR (lost != 0)
)
GROUP BY bucket;

