-- name: due
-- What may be tried now, locked: of each endpoint in its order, and of one message nothing before what came
-- earlier of it. Of an account the first of every endpoint before the second of any; the first of every
-- account before the second of any, however many hosts one of them has; who was served longest ago first.
SELECT d.id
FROM (
    SELECT due.id, due.next_at, e.tried_at, row_number() OVER (
        PARTITION BY e.account_id ORDER BY due.place, e.tried_at NULLS FIRST, due.next_at, due.id
    ) AS turn
    FROM webhooks_endpoint AS e CROSS JOIN LATERAL (
        SELECT w.id, w.next_at, row_number() OVER (ORDER BY w.next_at, w.id) AS place
        FROM webhooks_delivery AS w
        WHERE w.endpoint_id = e.id AND w.next_at <= %(now)s
        AND NOT EXISTS (
            SELECT FROM webhooks_delivery AS earlier
            WHERE earlier.message_id = w.message_id AND earlier.endpoint_id = e.id
            AND earlier.url = w.url AND earlier.id < w.id AND earlier.next_at IS NOT NULL
        )
        ORDER BY w.next_at, w.id LIMIT %(of_one)s
    ) AS due
    WHERE e.disabled_at IS NULL AND (e.rests_until IS NULL OR e.rests_until <= %(now)s)
    AND e.id <> ALL(%(full)s::bigint[])
    ORDER BY turn, e.tried_at NULLS FIRST, due.next_at LIMIT %(of_all)s
) AS chosen
JOIN webhooks_delivery AS d ON d.id = chosen.id
WHERE d.next_at <= %(now)s
ORDER BY chosen.turn, chosen.tried_at NULLS FIRST, chosen.next_at
FOR UPDATE OF d SKIP LOCKED

-- name: take
-- Write down the time of the next try of each before this one is made.
UPDATE webhooks_delivery AS d SET tries = d.tries + 1, next_at = taken.next_at
FROM json_to_recordset(%(taken)s::json) AS taken (id bigint, next_at timestamptz)
WHERE d.id = taken.id

-- name: give_back
-- Taken, and not tried after all.
UPDATE webhooks_delivery AS d SET tries = d.tries - 1, next_at = taken.next_at
FROM json_to_recordset(%(taken)s::json) AS taken (id bigint, next_at timestamptz)
WHERE d.id = taken.id AND d.next_at IS NOT NULL AND d.tries > 0
