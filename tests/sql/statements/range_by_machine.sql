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
            d.last_here AS day,
            first_day AS install,
            if(last_here = last_day, toDate(65535), last_day) AS next_day,
            toInt8(1) AS sign
        FROM
        (
            SELECT
                unit,
                max(day) AS last_here,
                argMax(tuple(0), (day, client)) AS latest
            FROM
            (
                SELECT
                    client,
                    client_no,
                    day,
                    toDate(0) AS bucket
                FROM odometer.client_day
                FINAL
                WHERE (product = {product:UInt64}) AND ((day >= {start:Date}) AND (day <= {stop:Date})) AND (next_day > {stop:Date})
            ) AS days
            INNER JOIN
            (
                SELECT
                    arrayJoin(numbers) AS member,
                    least_no AS unit
                FROM
                (
                    SELECT
                        groupArray(client_no) AS numbers,
                        min(client_no) AS least_no
                    FROM odometer.client
                    FINAL
                    WHERE (product = {product:UInt64}) AND 1 AND (p_machine_id != '')
                    GROUP BY p_machine_id
                )
            ) AS members ON days.client_no = members.member
            GROUP BY
                unit,
                bucket
        ) AS d
        INNER JOIN
        (
            SELECT
                unit,
                min(install) AS first_day,
                max(last_known) AS last_day
            FROM
            (
                SELECT
                    clients.*,
                    members.unit AS unit,
                    if(last_seen > {today:Date}, past.day, last_seen) AS last_known
                FROM odometer.client AS clients
                FINAL
                INNER JOIN
                (
                    SELECT
                        arrayJoin(numbers) AS member,
                        least_no AS unit
                    FROM
                    (
                        SELECT
                            groupArray(client_no) AS numbers,
                            min(client_no) AS least_no
                        FROM odometer.client
                        FINAL
                        WHERE (product = {product:UInt64}) AND 1 AND (p_machine_id != '')
                        GROUP BY p_machine_id
                    )
                ) AS members ON clients.client_no = members.member
                LEFT JOIN
                (
                    SELECT
                        client_no AS member,
                        day
                    FROM odometer.client_day
                    FINAL
                    WHERE (product = {product:UInt64}) AND (client IN (
                        SELECT client
                        FROM odometer.client
                        WHERE (product = {product:UInt64}) AND (last_seen > {today:Date})
                    )) AND (day <= {today:Date}) AND (next_day > {today:Date})
                ) AS past ON clients.client_no = past.member
                WHERE product = {product:UInt64}
            )
            GROUP BY unit
        ) AS c ON d.unit = c.unit
    )
    WHERE (1) AND (((install >= {start:Date}) AND 1) OR 1 OR ((next_day > {today:Date}) AND ((day + {silence:UInt16}) <= {today:Date})))
    GROUP BY bucket
    HAVING (new != 0) OR (active != 0) OR (lost != 0)
)
GROUP BY bucket;

