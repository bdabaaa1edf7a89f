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
        toDate(0) AS bucket,
        sumIf(sign, ((install >= {start:Date}) AND 1)) AS new,
        sumIf(sign, 1) AS active,
        sumIf(sign, ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date}))) AS lost
    FROM
    (
        SELECT
            client_no AS unit,
            day,
            install,
            next_day,
            sign,
            p_prod_version AS p_prod_version
        FROM odometer.client_day
        WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
    )
    WHERE (p_prod_version = {v5:String}) AND (((install >= {start:Date}) AND 1) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
    GROUP BY bucket
    HAVING (new != 0) OR (active != 0) OR (lost != 0)
)
GROUP BY bucket;

