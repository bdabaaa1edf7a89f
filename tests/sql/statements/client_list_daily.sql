SELECT client
FROM
(
    SELECT
        client_no AS unit,
        client,
        p_ram AS p_ram
    FROM odometer.client
    FINAL
    WHERE (product = {product:UInt64}) AND (client >= {low:String}) AND (install <= {today:Date}) AND (1)
)
ORDER BY client ASC
LIMIT 201;

SELECT
    client,
    p_ram
FROM
(
    SELECT
        client_no AS unit,
        client,
        p_ram AS p_ram
    FROM odometer.client
    FINAL
    WHERE (product = {product:UInt64}) AND (client IN ({clients:Array(String)})) AND (install <= {today:Date}) AND (1)
)
ORDER BY client ASC;

SELECT
    client,
    day,
    ((next_day > {today:Date}) AND (day <= {today:Date})) AND (1) AS is_last,
    ((day >= {start:Date}) AND (day <= {stop:Date})) AS in_range,
    p_prod_version
FROM odometer.client_day
FINAL
PREWHERE ((next_day > {today:Date}) AND (day <= {today:Date})) OR ((day >= {start:Date}) AND (day <= {stop:Date}))
WHERE (product = {product:UInt64}) AND (client IN ({clients:Array(String)})) AND (is_last OR in_range)
ORDER BY
    client ASC,
    day ASC;

