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
        new_2 AS new,
        active_2 AS active,
        lost_2 AS lost
    FROM
    (
        SELECT
            *,
            arrayFilter(item -> (item != tuple('', toUInt16(65535))), [item_0, item_1]) AS path
        FROM
        (
            SELECT
                bucket,
                item_0,
                arrayJoin(if(item_0 = tuple('', toUInt16(65535)), [tuple('', toUInt16(65535))], arrayConcat([tuple('', toUInt16(65535))], row_items))) AS item_1,
                sum(new_1) AS new_2,
                sum(active_1) AS active_2,
                sum(lost_1) AS lost_2
            FROM
            (
                SELECT
                    *,
                    arrayConcat(if(NOT (p_prod_edition = ''), [(toString(toString(p_prod_edition)), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))')), if(p_prod_edition = '', [(toString('<NULL>'), toUInt16(0))], CAST([], 'Array(Tuple(String, UInt16))'))) AS row_items
                FROM
                (
                    SELECT
                        bucket,
                        arrayJoin(row_items) AS item_0,
                        p_prod_edition,
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
                                toDate(0) AS bucket,
                                p_prod_version,
                                p_prod_edition,
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
                                    p_prod_version AS p_prod_version,
                                    p_prod_edition AS p_prod_edition
                                FROM odometer.client_day
                                WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
                            )
                            WHERE (1) AND (((install >= {start:Date}) AND 1) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
                            GROUP BY
                                bucket,
                                p_prod_version,
                                p_prod_edition
                            HAVING (new != 0) OR (active != 0) OR (lost != 0)
                        )
                    )
                    GROUP BY
                        bucket,
                        item_0,
                        p_prod_edition
                )
            )
            GROUP BY
                bucket,
                item_0,
                item_1
        )
    )
)
GROUP BY
    bucket,
    labels
LIMIT 10001;

