SELECT match('', {form:String});

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
            d.unit AS unit,
            day,
            install,
            next_day,
            d.sign * c.sign AS sign,
            p_prod_version,
            p_geography_country,
            p_ram
        FROM
        (
            SELECT
                client_no AS unit,
                day,
                install,
                next_day,
                sign,
                p_prod_version AS p_prod_version,
                p_geography_country AS p_geography_country
            FROM odometer.client_day
            WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date}) AND 1
        ) AS d
        INNER JOIN
        (
            SELECT
                client_no AS unit,
                sign,
                p_ram AS p_ram
            FROM odometer.client
            WHERE (product = {product:UInt64}) AND 1
        ) AS c ON d.unit = c.unit
    )
    WHERE (((p_prod_version = '') OR ((p_prod_version != '') AND match(p_prod_version, {v5:String}))) AND (NOT (p_geography_country IN ({v6:Array(String)}))) AND (ifNull(p_ram >= {v7:Float64}, 0))) AND (((install >= {start:Date}) AND 1) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
    GROUP BY bucket
    HAVING (new != 0) OR (active != 0) OR (lost != 0)
)
GROUP BY bucket;

