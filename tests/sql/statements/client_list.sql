SELECT client
FROM
(
    SELECT
        client_no AS unit,
        client
    FROM odometer.client
    FINAL
    WHERE (product = {product:UInt64}) AND (client >= {low:String}) AND (install <= {today:Date}) AND (1)
)
ORDER BY client ASC
LIMIT 201;

SELECT client
FROM
(
    SELECT
        client_no AS unit,
        client
    FROM odometer.client
    FINAL
    WHERE (product = {product:UInt64}) AND (client IN ({clients:Array(String)})) AND (install <= {today:Date}) AND (1)
)
ORDER BY client ASC;

SELECT
    client,
    day,
    ((next_day > {today:Date}) AND (day <= {today:Date})) AND (1) AS is_last,
    0 AS in_range,
    p_prod_version
FROM odometer.client_day
FINAL
PREWHERE ((next_day > {today:Date}) AND (day <= {today:Date})) OR 0
WHERE (product = {product:UInt64}) AND (client IN ({clients:Array(String)})) AND (is_last OR in_range)
ORDER BY
    client ASC,
    day ASC;

SELECT
    client,
    event,
    toInt64(count) * sign
FROM odometer.client_event
WHERE (product = {product:UInt64}) AND (client IN ({clients:Array(String)}))
ORDER BY client ASC;

