SELECT
    '' AS label,
    turn.1 AS at,
    sum(users * (turn.2)) AS reached_age,
    sum(users * (turn.3)),
    sum(users * (turn.4)) AS gone
FROM
(
    SELECT
        (toInt32(toRelativeMonthNum({today:Date})) - toInt32(toRelativeMonthNum(install))) AS age,
        (toInt32(toRelativeMonthNum(seen)) - toInt32(toRelativeMonthNum(install))) AS life,
        (seen + {silence:UInt16}) <= {today:Date} AS is_lost,
        sum(weight) AS users
    FROM
    (
        SELECT
            *,
            day AS seen
        FROM
        (
            SELECT
                unit,
                day,
                install,
                sign AS weight
            FROM
            (
                SELECT
                    client_no AS unit,
                    last_seen AS day,
                    install,
                    toDate(65535) AS next_day,
                    sign
                FROM odometer.client
                WHERE (product = {product:UInt64}) AND (last_seen <= {today:Date})
                UNION ALL
                SELECT
                    client_no AS unit,
                    day,
                    install,
                    next_day,
                    sign
                FROM odometer.client_day
                WHERE (product = {product:UInt64}) AND (next_day > {today:Date}) AND (day <= {today:Date}) AND (client IN (
                    SELECT client
                    FROM odometer.client
                    WHERE (product = {product:UInt64}) AND (last_seen > {today:Date})
                    GROUP BY client
                    HAVING sum(sign) > 0
                ))
            )
            WHERE (1) AND ((install >= {start:Date}) AND (install <= {stop:Date}))
        )
    )
    GROUP BY
        age,
        life,
        is_lost
)
ARRAY JOIN [(age, 1, is_lost, 0), (life, 0, 0, is_lost)] AS turn
GROUP BY
    label,
    at
HAVING (reached_age != 0) OR (gone != 0)
LIMIT 200001;

