-- name: delete_old
-- Delete events before a time, with what was delivered of them: those at the low end of the ids, up to the
-- first that is newer or not published yet.
WITH lowest AS MATERIALIZED (
    SELECT id, at < %(before)s AND number IS NOT NULL AS is_old FROM outbox_event
    ORDER BY id LIMIT %(piece)s
), old AS MATERIALIZED (
    SELECT id FROM lowest
    WHERE id < coalesce((SELECT min(id) FROM lowest WHERE NOT is_old), %(highest)s)
), told AS MATERIALIZED (
    SELECT id FROM webhooks_delivery WHERE event_id = ANY(ARRAY(SELECT id FROM old))
), attempts AS (
    DELETE FROM webhooks_deliveryattempt WHERE delivery_id = ANY(ARRAY(SELECT id FROM told))
), deliveries AS (
    DELETE FROM webhooks_delivery WHERE id = ANY(ARRAY(SELECT id FROM told))
)
DELETE FROM outbox_event WHERE id = ANY(ARRAY(SELECT id FROM old))
