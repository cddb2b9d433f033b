-- name: insert
-- Opt these numbers out; return those that had not been. In one order: two requests never wait for each
-- other in a circle.
INSERT INTO messaging_optout (account_id, phone, source, created_at)
SELECT %(account_id)s, phone, %(source)s, %(now)s FROM unnest(%(phones)s::text[]) AS phone
ORDER BY phone
ON CONFLICT (account_id, phone) DO NOTHING
RETURNING phone, source, created_at

-- name: delete
-- Take these opt-outs back; return those that there were.
DELETE FROM messaging_optout
WHERE
    account_id = %(account_id)s AND phone = ANY(%(phones)s::text[])
    AND (%(source)s::text IS NULL OR source = %(source)s)
    -- said later than what takes it back
    AND (%(said_at)s::timestamptz IS NULL OR said_at IS NULL OR said_at <= %(said_at)s)
RETURNING phone, source, created_at
