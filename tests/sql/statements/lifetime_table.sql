SELECT *
FROM
(
    SELECT
        class,
        toUInt32(4294967295) AS entry,
        toInt64(0) AS times,
        toInt64(sum(weight)) AS users,
        CAST([], 'Array(Int64)') AS amounts,
        CAST([], 'Array(Tuple(UInt64, Int64))') AS frequency,
        any(m.labels) AS labels
    FROM
    (
        SELECT
            *,
            toUInt64(0) AS class,
            CAST([], 'Array(String)') AS labels
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
    ) AS m
    GROUP BY class
    HAVING users != 0
    LIMIT 20001
)
UNION ALL
SELECT
    *,
    CAST([], 'Array(String)') AS labels
FROM
(
    SELECT
        toUInt64(0) AS class,
        entry,
        toInt64(sum(weight * n)) AS times,
        toInt64(sum(weight)) AS users,
        [toInt64(sum(weight * active_days)), toInt64(sum(weight * active_weeks)), toInt64(sum(weight * active_months))] AS amounts,
        CAST([], 'Array(Tuple(UInt64, Int64))') AS frequency
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
                *,
                toUInt64(0) AS class,
                CAST([], 'Array(String)') AS labels
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
        ) AS r ON l.unit = r.unit
    )
    GROUP BY entry
    HAVING users != 0
);

