SELECT
    toUInt32(4294967295),
    toUInt32(0),
    toUInt64(0),
    toInt64(sum(weight))
FROM
(
    SELECT
        unit,
        day,
        install,
        active_days,
        active_weeks,
        active_months,
        sign AS weight
    FROM
    (
        SELECT
            client_no AS unit,
            last_seen AS day,
            install,
            toDate(65535) AS next_day,
            sign,
            active_days AS active_days,
            active_weeks AS active_weeks,
            active_months AS active_months
        FROM odometer.client
        WHERE (product = {product:UInt64}) AND (last_seen <= {today:Date})
        UNION ALL
        SELECT
            d.unit AS unit,
            day,
            install,
            next_day,
            d.sign * c.sign AS sign,
            active_days,
            active_weeks,
            active_months
        FROM
        (
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
        ) AS d
        INNER JOIN
        (
            SELECT
                client_no AS unit,
                sign,
                active_days AS active_days,
                active_weeks AS active_weeks,
                active_months AS active_months
            FROM odometer.client
            WHERE (product = {product:UInt64}) AND (client IN (
                SELECT client
                FROM odometer.client
                WHERE (product = {product:UInt64}) AND (last_seen > {today:Date})
                GROUP BY client
                HAVING sum(sign) > 0
            ))
        ) AS c ON d.unit = c.unit
    )
    WHERE (1) AND (day >= {start:Date}) AND ((day <= {stop:Date}) OR (unit IN (
        SELECT client_no
        FROM odometer.client_day
        WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date})
        GROUP BY client_no
        HAVING sum(sign) > 0
    )))
)
UNION ALL
SELECT
    entry,
    measure,
    value,
    toInt64(sum(weight)) AS users
FROM
(
    SELECT
        entry,
        weight,
        [toUInt64(n), toUInt64((intDiv(n, active_days) * 100) + intDiv(((n % active_days) * 200) + active_days, 2 * active_days)), toUInt64((intDiv(n, active_weeks) * 100) + intDiv(((n % active_weeks) * 200) + active_weeks, 2 * active_weeks)), toUInt64((intDiv(n, active_months) * 100) + intDiv(((n % active_months) * 200) + active_months, 2 * active_months))] AS measured
    FROM
    (
        SELECT
            l.unit AS unit,
            l.weight * r.weight AS weight,
            entry,
            n,
            active_days,
            active_weeks,
            active_months
        FROM
        (
            SELECT
                client_no AS unit,
                CAST(transform(event, {v5:Array(String)}, {v6:Array(UInt32)}, toUInt32(0)), 'UInt32') AS entry,
                count AS n,
                sign AS weight
            FROM odometer.client_event
            WHERE (product = {product:UInt64}) AND (event IN ({v5:Array(String)}))
        ) AS l
        INNER JOIN
        (
            SELECT
                unit,
                day,
                install,
                active_days,
                active_weeks,
                active_months,
                sign AS weight
            FROM
            (
                SELECT
                    client_no AS unit,
                    last_seen AS day,
                    install,
                    toDate(65535) AS next_day,
                    sign,
                    active_days AS active_days,
                    active_weeks AS active_weeks,
                    active_months AS active_months
                FROM odometer.client
                WHERE (product = {product:UInt64}) AND (last_seen <= {today:Date})
                UNION ALL
                SELECT
                    d.unit AS unit,
                    day,
                    install,
                    next_day,
                    d.sign * c.sign AS sign,
                    active_days,
                    active_weeks,
                    active_months
                FROM
                (
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
                ) AS d
                INNER JOIN
                (
                    SELECT
                        client_no AS unit,
                        sign,
                        active_days AS active_days,
                        active_weeks AS active_weeks,
                        active_months AS active_months
                    FROM odometer.client
                    WHERE (product = {product:UInt64}) AND (client IN (
                        SELECT client
                        FROM odometer.client
                        WHERE (product = {product:UInt64}) AND (last_seen > {today:Date})
                        GROUP BY client
                        HAVING sum(sign) > 0
                    ))
                ) AS c ON d.unit = c.unit
            )
            WHERE (1) AND (day >= {start:Date}) AND ((day <= {stop:Date}) OR (unit IN (
                SELECT client_no
                FROM odometer.client_day
                WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date})
                GROUP BY client_no
                HAVING sum(sign) > 0
            )))
        ) AS r ON l.unit = r.unit
    )
)
ARRAY JOIN
    measured AS value,
    arrayEnumerate(measured) AS measure
GROUP BY
    entry,
    measure,
    value
HAVING users != 0;

