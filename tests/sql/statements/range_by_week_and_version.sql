SELECT
    bucket,
    labels,
    min(segment_no),
    sum(new),
    sum(active),
    sum(lost)
FROM
(
    SELECT
        bucket,
        arrayMap(item -> (item.1), path) AS labels,
        (path[-1]).2 AS segment_no,
        new_1 AS new,
        active_1 AS active,
        lost_1 AS lost
    FROM
    (
        SELECT
            *,
            arrayFilter(item -> (item != tuple('', toUInt16(65535))), [item_0]) AS path
        FROM
        (
            SELECT
                bucket,
                arrayJoin(row_items) AS item_0,
                sum(new) AS new_1,
                sum(active) AS active_1,
                sum(lost) AS lost_1
            FROM
            (
                SELECT
                    *,
                    arrayConcat(if(NOT (p_prod_version = ''), [(toString(toString(p_prod_version)), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))')), if(p_prod_version = '', [(toString('<NULL>'), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))'))) AS row_items
                FROM
                (
                    SELECT
                        toMonday(day) AS bucket,
                        p_prod_version,
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
                            sign,
                            p_prod_version AS p_prod_version
                        FROM odometer.client_day
                        WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND ((intDiv(toUInt16(next_day) + 3, 7) > intDiv(toUInt16(day) + 3, 7)) OR (next_day > {stop:Date})) AND 1
                    )
                    WHERE (1) AND (((install >= {start:Date}) AND (intDiv(toUInt16(install) + 3, 7) = intDiv(toUInt16(day) + 3, 7))) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
                    GROUP BY
                        bucket,
                        p_prod_version
                    HAVING (new != 0) OR (active != 0) OR (lost != 0)
                )
            )
            GROUP BY
                bucket,
                item_0
        )
    )
)
GROUP BY
    bucket,
    labels
LIMIT 200001;

