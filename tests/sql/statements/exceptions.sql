SELECT
    class_name,
    method_name,
    count() AS occurrences,
    uniqExact(client_no),
    min(day),
    max(day),
    arraySort(groupUniqArray(toString(p_prod_version)))
FROM odometer.line
FINAL
WHERE (product = {product:UInt64}) AND (type = 'exception') AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (client_no IN (
    SELECT unit
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
                day,
                install,
                next_day,
                sign
            FROM odometer.client_day
            WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
        )
        WHERE (1) AND 1
    )
    GROUP BY unit
    HAVING sum(weight) != 0
))
GROUP BY
    class_name,
    method_name
ORDER BY
    occurrences DESC,
    class_name ASC,
    method_name ASC
SETTINGS do_not_merge_across_partitions_select_final = 1;

