-- name: delete_of_deleted
-- Delete what was told to endpoints that their owners deleted, once the last try of a worker that still knew
-- them is recorded.
WITH told AS MATERIALIZED (
    SELECT d.id FROM webhooks_endpoint AS e
    CROSS JOIN LATERAL (SELECT id FROM webhooks_delivery WHERE endpoint_id = e.id LIMIT %(piece)s) AS d
    WHERE e.kind = 'deleted' AND e.disabled_at < %(now)s::timestamptz - interval '1 minute' LIMIT %(piece)s
), attempts AS (
    DELETE FROM webhooks_deliveryattempt WHERE delivery_id = ANY(ARRAY(SELECT id FROM told))
)
DELETE FROM webhooks_delivery WHERE id = ANY(ARRAY(SELECT id FROM told))

-- name: delete_idle
-- Delete endpoints that are told nothing: those that their owners deleted, once a publisher that still knew
-- them has committed, and hosts of URLs that came with sends long ago.
DELETE FROM webhooks_endpoint AS e
WHERE (
    e.kind = 'deleted' AND e.disabled_at < %(now)s::timestamptz - interval '1 minute'
    OR e.kind = 'callback' AND e.created_at < %(before)s AND coalesce(e.tried_at, e.created_at) < %(before)s
) AND NOT EXISTS (SELECT FROM webhooks_delivery AS d WHERE d.endpoint_id = e.id)

-- name: delete_old
-- Delete events before a time, with what was delivered of them: those at the low end of the ids, up to the
-- first that is newer or not published yet. Note how far each account's feed is gone.
WITH lowest AS MATERIALIZED (
    SELECT id, account_id, number, at < %(before)s AND number IS NOT NULL AS is_old FROM outbox_event
    ORDER BY id LIMIT %(piece)s
), old AS MATERIALIZED (
    SELECT id, account_id, number FROM lowest
    WHERE id < coalesce((SELECT min(id) FROM lowest WHERE NOT is_old), %(highest)s)
), told AS MATERIALIZED (
    SELECT id FROM webhooks_delivery WHERE event_id = ANY(ARRAY(SELECT id FROM old))
), attempts AS (
    DELETE FROM webhooks_deliveryattempt WHERE delivery_id = ANY(ARRAY(SELECT id FROM told))
), deliveries AS (
    DELETE FROM webhooks_delivery WHERE id = ANY(ARRAY(SELECT id FROM told))
), noted AS (
    INSERT INTO outbox_deletedevents AS d (account_id, newest)
    SELECT account_id, max(number) FROM old GROUP BY account_id ORDER BY account_id
    ON CONFLICT (account_id) DO UPDATE SET newest = greatest(d.newest, excluded.newest)
)
DELETE FROM outbox_event WHERE id = ANY(ARRAY(SELECT id FROM old))
