SELECT *
FROM
(
    SELECT
        class,
        toUInt32(4294967295) AS entry,
        toInt64(0) AS times,
        toInt64(sum(weight)) AS users,
        CAST([toInt64(sum(weight * m.begun))], 'Array(Int64)') AS amounts,
        CAST([], 'Array(Tuple(UInt64, Int64))') AS frequency,
        any(m.labels) AS labels
    FROM
    (
        SELECT
            * EXCEPT items,
            sipHash64(toString(items.1)) AS class,
            items.1 AS labels
        FROM
        (
            SELECT
                l.unit AS unit,
                l.weight * r.weight AS weight,
                items,
                begun
            FROM
            (
                SELECT
                    unit,
                    day,
                    install,
                    sign AS weight,
                    arrayConcat(if(NOT (p_prod_edition = ''), [(toString(toString(p_prod_edition)), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))')), if(p_prod_edition = '', [(toString('<NULL>'), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))'))) AS items
                FROM
                (
                    SELECT
                        client_no AS unit,
                        day,
                        install,
                        next_day,
                        sign,
                        p_prod_edition AS p_prod_edition
                    FROM odometer.client_day
                    WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
                )
                WHERE (1) AND 1
            ) AS l
            INNER JOIN
            (
                SELECT
                    client_no AS unit,
                    toInt8(1) AS weight,
                    sum(sessions * sign) AS begun
                FROM odometer.client_day
                WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
                GROUP BY client_no
                HAVING sum(sign) > 0
            ) AS r ON l.unit = r.unit
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
        class,
        entry,
        toInt64(sum(of_bin)) AS times,
        toInt64(sum(users_of_bin)) AS users,
        [toInt64(sum(begun_of_bin))] AS amounts,
        CAST(groupArray((bin, users_of_bin)), 'Array(Tuple(UInt64, Int64))') AS frequency
    FROM
    (
        SELECT
            class,
            entry,
            toUInt16(roundDown(n, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16, 21, 31, 41, 51, 76, 101, 201, 501, 1001, 5001])) AS bin,
            sum(weight * n) AS of_bin,
            sum(weight) AS users_of_bin,
            sum(weight * begun) AS begun_of_bin
        FROM
        (
            SELECT
                l.unit AS unit,
                l.weight * r.weight AS weight,
                entry,
                n,
                class,
                begun
            FROM
            (
                SELECT
                    unit,
                    entry,
                    sum(count * sign) AS n,
                    toInt8(1) AS weight
                FROM
                (
                    SELECT
                        client_no AS unit,
                        * EXCEPT client_no
                    FROM
                    (
                        SELECT
                            client_no,
                            CAST(transform(event, {v5:Array(String)}, {v6:Array(UInt32)}, toUInt32(0)), 'UInt32') AS entry,
                            count,
                            sign
                        FROM odometer.event_day
                        WHERE (product = {product:UInt64}) AND (event IN ({v5:Array(String)})) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
                    )
                )
                GROUP BY
                    unit,
                    entry
                HAVING n > 0
            ) AS l
            INNER JOIN
            (
                SELECT
                    * EXCEPT items,
                    sipHash64(toString(items.1)) AS class,
                    items.1 AS labels
                FROM
                (
                    SELECT
                        l.unit AS unit,
                        l.weight * r.weight AS weight,
                        items,
                        begun
                    FROM
                    (
                        SELECT
                            unit,
                            day,
                            install,
                            sign AS weight,
                            arrayConcat(if(NOT (p_prod_edition = ''), [(toString(toString(p_prod_edition)), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))')), if(p_prod_edition = '', [(toString('<NULL>'), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))'))) AS items
                        FROM
                        (
                            SELECT
                                client_no AS unit,
                                day,
                                install,
                                next_day,
                                sign,
                                p_prod_edition AS p_prod_edition
                            FROM odometer.client_day
                            WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
                        )
                        WHERE (1) AND 1
                    ) AS l
                    INNER JOIN
                    (
                        SELECT
                            client_no AS unit,
                            toInt8(1) AS weight,
                            sum(sessions * sign) AS begun
                        FROM odometer.client_day
                        WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
                        GROUP BY client_no
                        HAVING sum(sign) > 0
                    ) AS r ON l.unit = r.unit
                )
            ) AS r ON l.unit = r.unit
        )
        GROUP BY
            class,
            entry,
            bin
        HAVING users_of_bin != 0
    )
    GROUP BY
        class,
        entry
);

