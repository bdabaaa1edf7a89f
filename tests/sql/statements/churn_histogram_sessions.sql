SELECT
    roundDown(toUInt64(amount), [0, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 94, 141, 211, 316, 474, 711, 1066, 1599, 2398, 3597, 5395, 8092, 12138, 18207, 27310, 40965, 61447, 92170, 138255, 207382, 311073, 466609, 699913, 1049869, 1574803, 2362204, 3543306, 5314959, 7972438, 11958657, 17937985, 26906977, 40360465, 60540697, 90811045, 136216567, 204324850, 306487275, 459730912, 689596368, 1034394552, 1551591828, 2327387742, 3491081613, 5236622419, 7854933628, 11782400442, 17673600663, 26510400994, 39765601491, 59648402236, 89472603354, 134208905031, 201313357546, 301970036319, 452955054478, 679432581717, 1019148872575, 1528723308862, 2293084963293, 3439627444939, 5159441167408, 7739161751112, 11608742626668, 17413113940002, 26119670910003, 39179506365004, 58769259547506, 88153889321259, 132230833981888, 198346250972832, 297519376459248, 446279064688872, 669418597033308, 1004127895549962, 1506191843324943, 2259287764987414, 3388931647481121, 5083397471221681, 7625096206832521, 11437644310248781, 17156466465373171, 25734699698059756, 38602049547089634, 57903074320634451, 86854611480951676, 130281917221427514, 195422875832141271, 293134313748211906, 439701470622317859, 659552205933476788, 989328308900215182, 1483992463350322773, 2225988695025484159, 3338983042538226238, 5008474563807339357]) AS start,
    sum(users),
    sum(toInt128(amount) * users),
    max(amount),
    minOrNullIf(amount, (reached * 100) >= (50 * everybody)),
    minOrNullIf(amount, (reached * 100) >= (90 * everybody)),
    minOrNullIf(amount, (reached * 100) >= (95 * everybody))
FROM
(
    SELECT
        amount,
        users,
        sum(users) OVER () AS everybody,
        sum(users) OVER (ORDER BY amount ASC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS reached
    FROM
    (
        SELECT
            sessions AS amount,
            sum(weight) AS users
        FROM
        (
            SELECT
                unit,
                day,
                install,
                sessions,
                sign AS weight
            FROM
            (
                SELECT
                    client_no AS unit,
                    last_seen AS day,
                    install,
                    toDate(65535) AS next_day,
                    sign,
                    sessions AS sessions
                FROM odometer.client
                WHERE (product = {product:UInt64}) AND (last_seen <= {today:Date})
                UNION ALL
                SELECT
                    d.unit AS unit,
                    day,
                    install,
                    next_day,
                    d.sign * c.sign AS sign,
                    sessions
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
                        sessions AS sessions
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
            WHERE (1) AND ((day + {silence:UInt16}) <= {today:Date}) AND ((day >= {start:Date}) AND (day <= {stop:Date}))
        )
        GROUP BY amount
        HAVING users != 0
    )
)
GROUP BY start;

