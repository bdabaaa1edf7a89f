SELECT if(stored = '', '<NULL>', toString(stored)) AS value
FROM
(
    SELECT p_prod_version AS stored
    FROM odometer.client_day
    WHERE product = {product:UInt64}
    GROUP BY stored
    HAVING sum(sign) > 0
)
WHERE 1
ORDER BY value ASC
LIMIT 1001;

