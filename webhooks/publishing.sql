-- name: accounts
-- Accounts with events that have no number yet.
SELECT DISTINCT account_id FROM outbox_event WHERE number IS NULL LIMIT %(most)s

-- name: has_new
SELECT true AS is_so FROM outbox_event WHERE account_id = %(account_id)s AND number IS NULL LIMIT 1

-- name: try_lock
-- One publisher of an account at a time, until the transaction ends: who asks for what came after a number
-- would never see a lower one that was committed later.
SELECT pg_try_advisory_xact_lock(%(kind)s, %(account_id)s::integer) AS is_so

-- name: publish
-- Number an account's new events in the order in which they were written, and put each before those who
-- subscribed to it. A test goes to its own endpoint alone. Returned are those whose send named a URL.
WITH new AS MATERIALIZED (
    SELECT id FROM outbox_event WHERE account_id = %(account_id)s AND number IS NULL
    ORDER BY id LIMIT %(piece)s
), numbered AS MATERIALIZED (
    SELECT id, nextval('outbox_event_number_seq') AS number FROM new
), published AS (
    UPDATE outbox_event AS e SET number = numbered.number
    FROM numbered WHERE e.id = numbered.id AND e.account_id = %(account_id)s
    RETURNING e.id, e.number, e.license_id, e.type, e.message_id, e.data
), subscribed AS (
    INSERT INTO webhooks_delivery (account_id, endpoint_id, event_id, url, message_id, created_at, next_at, tries)
    SELECT %(account_id)s, endpoint.id, p.id, '', p.message_id, %(now)s, %(now)s, 0
    FROM published AS p
    JOIN webhooks_endpoint AS endpoint ON endpoint.account_id = %(account_id)s
    WHERE endpoint.kind = 'subscription' AND endpoint.disabled_at IS NULL
    AND CASE
        WHEN p.type = %(test)s THEN endpoint.id = (p.data ->> 'endpoint')::bigint
        ELSE
            (endpoint.license_id IS NULL OR p.license_id IS NULL OR endpoint.license_id = p.license_id)
            AND (endpoint.event_types = '{}' OR p.type = ANY(endpoint.event_types))
    END
    ORDER BY p.number, endpoint.id
)
SELECT p.id AS event_id, p.number, p.message_id, b.callback_url AS url
FROM published AS p
LEFT JOIN messaging_message AS m ON m.id = p.message_id AND m.account_id = %(account_id)s
LEFT JOIN messaging_batch AS b ON b.id = m.batch_id AND b.dialect = %(native)s AND b.callback_url <> ''
ORDER BY p.number
